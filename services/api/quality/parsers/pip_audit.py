"""pip-audit's JSON: installed packages with their known vulnerabilities and the versions that mend them."""

import re
from typing import Any

from services.api.quality.report import (
    Finding,
    Kind,
    Report,
    ReportError,
    Vulnerability,
    line_text,
    make_report,
    read_json,
)

KIND: Kind = "pip-audit"
COMMAND = "pip-audit --format json --desc on"
_MEND = f"Send what {COMMAND} prints."
_NAME, _VERSION = 100, 64


def parse(raw: bytes) -> Report:
    """Return the report; a package that was not looked at counts as a finding. Raises ReportError."""
    data = read_json(raw, COMMAND)
    # Versions before 2.0 print the bare list.
    packages = data.get("dependencies") if isinstance(data, dict) else data
    if not isinstance(packages, list):
        raise ReportError("there are no dependencies", _MEND)
    skipped: list[Finding] = []
    holes: list[Vulnerability] = []
    for package in packages:
        if not isinstance(package, dict) or not isinstance(package.get("name"), str):
            raise ReportError("a dependency has no name", _MEND)
        name = line_text(package["name"], _NAME)
        if "skip_reason" in package:
            reason = line_text(package["skip_reason"])
            skipped.append(Finding("dependencies", "info", "skipped", f"{name} was not looked at: {reason}"))
            continue
        if not isinstance(package.get("version"), str) or not isinstance(package.get("vulns"), list):
            raise ReportError(f"{name} has no version or no list of vulnerabilities", _MEND)
        holes += [_hole(name, line_text(package["version"], _VERSION), one) for one in package["vulns"]]
    if len(skipped) == len(packages):
        raise ReportError("no package was looked at", "Look whether pip-audit reaches its vulnerability service.")
    return make_report(KIND, skipped, vulnerabilities=holes)


def _hole(name: str, installed: str, one: Any) -> Vulnerability:
    if not isinstance(one, dict) or not isinstance(one.get("id"), str):
        raise ReportError(f"a vulnerability of {name} has no id", _MEND)
    fixes = [line_text(fix, _VERSION) for fix in one.get("fix_versions") or () if isinstance(fix, str)]
    return Vulnerability(
        name,
        installed,
        min(fixes, key=version_key, default=""),
        line_text(one["id"], _NAME),
        summary=line_text(one.get("description") or ""),
        aliases=tuple(line_text(alias, _NAME) for alias in one.get("aliases") or () if isinstance(alias, str)),
    )


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return what versions are ordered by: their numbers as numbers; a pre-release comes before its release."""
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    found = [(1, int(part), "") if part.isdigit() else (-1, 0, part) for part in parts]
    # An end ranks below a further number and above a letter: 1.0rc1 < 1.0 < 1.0.1.
    return (*found, (0, 0, ""))
