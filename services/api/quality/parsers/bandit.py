"""Bandit's JSON: results with a severity, and files that it could not read."""

from collections.abc import Mapping

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

KIND: Kind = "bandit"
COMMAND = "bandit -r SOURCES -f json"
_MEND = f"Send what {COMMAND} prints."
_SEVERITIES: Mapping[str, Severity] = {"HIGH": "critical", "MEDIUM": "warning", "LOW": "info", "UNDEFINED": "info"}


def parse(raw: bytes) -> Report:
    """Return the report; a file that could not be read counts as a critical finding. Raises ReportError."""
    data = read_json(raw, COMMAND)
    results = data.get("results") if isinstance(data, dict) else None
    if not isinstance(results, list):
        raise ReportError("there are no results", _MEND)
    found = [_finding(one, index) for index, one in enumerate(results)]
    for one in data.get("errors") or ():
        if isinstance(one, dict):
            reason = line_text(one.get("reason") or "no reason given")
            file = line_text(one.get("filename") or "")
            found.append(Finding("code", "critical", "not-scanned", f"Bandit could not read it: {reason}", file))
    return make_report(KIND, found)


def _finding(one: object, index: int) -> Finding:
    if not isinstance(one, dict) or one.get("issue_severity") not in _SEVERITIES:
        raise ReportError(f"result {index + 1} has no issue_severity that is known", _MEND)
    return Finding(
        "code",
        _SEVERITIES[one["issue_severity"]],
        line_text(one.get("test_id") or "", 100),
        line_text(one.get("issue_text") or ""),
        line_text(one.get("filename") or ""),
        number(one.get("line_number")),
    )
