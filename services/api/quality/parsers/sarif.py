"""SARIF 2.1.0: the results of any static analysis; those about security count there, all others as lint."""

from collections.abc import Mapping
from typing import Any

from services.api.quality.report import (
    Finding,
    Kind,
    Report,
    ReportError,
    Severity,
    line_text,
    make_report,
    number,
    read_json,
)

KIND: Kind = "sarif"
COMMAND = "any tool that writes SARIF 2.1.0"
_MEND = "Send a SARIF 2.1.0 log."
_LEVELS: Mapping[str, Severity | None] = {"error": "critical", "warning": "warning", "note": "info", "none": None}
# As GitHub reads `security-severity`, a CVSS score: from 7 on high, from 4 on medium.
_HIGH, _MEDIUM = 7.0, 4.0


def parse(raw: bytes) -> Report:
    """Return the results that are no suppressed ones; raises ReportError."""
    log = read_json(raw, COMMAND)
    runs = log.get("runs") if isinstance(log, dict) else None
    if not isinstance(runs, list) or log.get("version") != "2.1.0":
        raise ReportError("this is no SARIF log of version 2.1.0", _MEND)
    found: list[Finding] = []
    tools = []
    for index, run in enumerate(runs):
        driver = _at(run, "tool", "driver")
        if not isinstance(driver, dict) or not isinstance(driver.get("name"), str):
            raise ReportError(f"run {index + 1} names no tool", _MEND)
        if not isinstance(run.get("results"), list):
            raise ReportError(f"run {index + 1} has no results, so the tool did not finish", _MEND)
        tools.append(line_text(driver["name"], 100))
        rules = [rule for rule in driver.get("rules") or () if isinstance(rule, dict)]
        found += [one for result in run["results"] if (one := _finding(result, rules)) is not None]
    if not tools:
        raise ReportError("there are no runs", _MEND)
    return make_report(KIND, found, tool=", ".join(dict.fromkeys(tools))[:100])


def _finding(result: Any, rules: list[dict[str, Any]]) -> Finding | None:
    if not isinstance(result, dict):
        raise ReportError("a result is no object", _MEND)
    if result.get("kind", "fail") != "fail" or result.get("suppressions"):
        return None
    index = result.get("ruleIndex", _at(result, "rule", "index"))
    name = result.get("ruleId") or _at(result, "rule", "id")
    by_index = rules[index] if isinstance(index, int) and 0 <= index < len(rules) else {}
    rule = by_index or next((one for one in rules if one.get("id") == name), {})
    severity = _severity(result, rule)
    if severity is None:
        return None
    places = result.get("locations")
    place = _at(places[0], "physicalLocation") if isinstance(places, list) and places else None
    return Finding(
        "code" if _is_security(rule) else "lint",
        severity,
        line_text(name or rule.get("id") or "", 100),
        line_text(_at(result, "message", "text") or _at(rule, "shortDescription", "text") or ""),
        line_text(_at(place, "artifactLocation", "uri") or "").removeprefix("file://"),
        number(_at(place, "region", "startLine")),
    )


def _severity(result: dict[str, Any], rule: dict[str, Any]) -> Severity | None:
    score = _score(rule)
    if score is not None:
        return "critical" if score >= _HIGH else "warning" if score >= _MEDIUM else "info"
    level = result.get("level") or _at(rule, "defaultConfiguration", "level") or "warning"
    if level not in _LEVELS:
        raise ReportError(f"the level {line_text(level, 40)!r} is not known", _MEND)
    return _LEVELS[level]


def _is_security(rule: dict[str, Any]) -> bool:
    tags = _at(rule, "properties", "tags")
    return _score(rule) is not None or (isinstance(tags, list) and "security" in tags)


def _score(rule: dict[str, Any]) -> float | None:
    told = _at(rule, "properties", "security-severity")
    try:
        return None if told is None else float(told)
    except (TypeError, ValueError) as error:
        raise ReportError(f"security-severity {line_text(told, 40)!r} is no number", _MEND) from error


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
