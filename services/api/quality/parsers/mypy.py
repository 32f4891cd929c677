"""Mypy's output: its text, or its JSON lines (`--output json`)."""

import re

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

KIND: Kind = "mypy"
COMMAND = "mypy"
_LINE = re.compile(r"^(?P<file>.+?):(?P<line>\d+):(?:\d+:)*(?:\d+:)? error: (?P<text>.*?)(?:  \[(?P<code>[\w-]+)\])?$")
_SUMMARY = re.compile(r"^(?:Found (?P<errors>\d+) errors? in \d+ files?|Success: no issues found in \d+ source files?)")
_MEND = (
    "Send all that mypy prints as text, to the summary at its end; or the lines of --output json where it found any."
)


def parse(raw: bytes) -> Report:
    """Return the report; raises ReportError."""
    lines = raw.decode("utf-8", "replace").splitlines()
    if next((line for line in lines if line.strip()), "").startswith("{"):
        return make_report(KIND, _from_json(lines))
    told = next((match for line in reversed(lines) if (match := _SUMMARY.match(line))), None)
    if told is None:
        # Also an empty one: mypy --output json prints nothing when all is well, and nothing when it crashed.
        raise ReportError("there is no summary at the end, so the run may have been cut off", _MEND, len(lines))
    found = [match for line in lines if (match := _LINE.match(line.rstrip()))]
    if len(found) < int(told["errors"] or 0):
        raise ReportError(f"mypy found {told['errors']} errors, and {len(found)} can be read", _MEND, len(lines))
    return make_report(KIND, [_finding(one["file"], int(one["line"]), one["text"], one["code"]) for one in found])


def _from_json(lines: list[str]) -> list[Finding]:
    found = []
    for index, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = read_json(line.encode(), "mypy --output json")
        except ReportError as error:
            raise ReportError("this is no JSON", _MEND, index) from error
        if not isinstance(one, dict) or not isinstance(one.get("message"), str):
            raise ReportError("this line has no message", _MEND, index)
        if one.get("severity") == "error":
            found.append(_finding(one.get("file"), number(one.get("line")), one["message"], one.get("code")))
    return found


def _finding(file: object, line: int, text: str, code: object) -> Finding:
    rule = code if isinstance(code, str) else "error"
    severity: Severity = "critical" if rule == "syntax" else "warning"
    return Finding("types", severity, line_text(rule, 100), line_text(text), line_text(file or ""), line)
