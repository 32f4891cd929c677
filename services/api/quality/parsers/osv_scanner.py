"""osv-scanner's JSON: vulnerable packages of any ecosystem's lock files, with the risk that pip-audit does not tell."""

from typing import Any

from services.api.quality.parsers.pip_audit import version_key
from services.api.quality.report import (
    Kind,
    Report,
    ReportError,
    Risk,
    Vulnerability,
    line_text,
    make_report,
    read_json,
)

KIND: Kind = "osv-scanner"
COMMAND = "osv-scanner scan --format json"
_MEND = f"Send what {COMMAND} prints."
_NAME, _VERSION = 100, 64
# CVSS' own names of the ranges of its score.
_RISKS: tuple[tuple[float, Risk], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))


def parse(raw: bytes) -> Report:
    """Return the vulnerabilities; raises ReportError."""
    data = read_json(raw, COMMAND)
    if not isinstance(data, dict) or "results" not in data:
        raise ReportError("there are no results", _MEND)
    holes: list[Vulnerability] = []
    for result in _list(data, "results"):
        for told in _list(result, "packages"):
            package = told.get("package") if isinstance(told, dict) else None
            if not isinstance(package, dict) or not isinstance(package.get("name"), str):
                raise ReportError("a package has no name", _MEND)
            risks = _risks(told)
            holes += [_hole(package, one, risks) for one in _list(told, "vulnerabilities")]
    return make_report(KIND, vulnerabilities=holes)


def _hole(package: dict[str, Any], one: Any, risks: dict[str, Risk]) -> Vulnerability:
    name = line_text(package["name"], _NAME)
    if not isinstance(one, dict) or not isinstance(one.get("id"), str):
        raise ReportError(f"a vulnerability of {name} has no id", _MEND)
    installed = line_text(package.get("version") or "", _VERSION)
    return Vulnerability(
        name,
        installed,
        _fixed(one, package["name"], installed),
        line_text(one["id"], _NAME),
        risks.get(one["id"], "unknown"),
        line_text(one.get("summary") or one.get("details") or ""),
        tuple(line_text(alias, _NAME) for alias in _list(one, "aliases") if isinstance(alias, str)),
    )


def _fixed(one: dict[str, Any], name: str, installed: str) -> str:
    """Return the lowest version above the installed one that some range ends with, "" where none does."""
    fixes = [
        line_text(event["fixed"], _VERSION)
        for affected in _list(one, "affected")
        if isinstance(affected, dict) and _named(affected) == name
        for span in _list(affected, "ranges")
        # A git range ends with a commit, which nobody can install.
        if isinstance(span, dict) and span.get("type") != "GIT"
        for event in _list(span, "events")
        if isinstance(event, dict) and isinstance(event.get("fixed"), str)
    ]
    return min((fix for fix in fixes if version_key(fix) > version_key(installed)), key=version_key, default="")


def _named(affected: dict[str, Any]) -> Any:
    package = affected.get("package")
    return package.get("name") if isinstance(package, dict) else None


def _risks(told: dict[str, Any]) -> dict[str, Risk]:
    found: dict[str, Risk] = {}
    for group in _list(told, "groups"):
        if not isinstance(group, dict):
            continue
        risk = _risk(group.get("max_severity"))
        found |= {one: risk for one in _list(group, "ids") if isinstance(one, str)}
    return found


def _risk(told: Any) -> Risk:
    try:
        score = float(told)
    except (TypeError, ValueError):
        # Also "": nobody has given it a score.
        return "unknown"
    return next((risk for least, risk in _RISKS if score >= least), "unknown")


def _list(data: Any, key: str) -> list[Any]:
    # Go writes an empty list as null.
    value = (data.get(key) if isinstance(data, dict) else None) or []
    if not isinstance(value, list):
        raise ReportError(f"{key} is no list", _MEND)
    return value
