"""Ruff's JSON: a list of findings."""

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

KIND: Kind = "ruff"
COMMAND = "ruff check --output-format json"
_MEND = f"Send what {COMMAND} prints."
# Rules that find slow code: perflint, and what blocks an event loop.
_EFFICIENCY = ("PERF", "ASYNC")
# Pyflakes, bugbear and bandit's rules find mistakes; the rest is style.
_MISTAKES = ("F", "B", "S", "PLE", "BLE", "RUF006")


def parse(raw: bytes) -> Report:
    """Return the report; raises ReportError."""
    found = read_json(raw, COMMAND)
    if not isinstance(found, list):
        raise ReportError("this is not a list of findings", _MEND)
    return make_report(KIND, [_finding(one, index) for index, one in enumerate(found)])


def _finding(one: object, index: int) -> Finding:
    if not isinstance(one, dict) or not isinstance(one.get("message"), str):
        raise ReportError(f"finding {index + 1} has no message", _MEND)
    code, place = one.get("code"), one.get("location")
    # Older versions give a syntax error no code.
    rule = code if isinstance(code, str) else "invalid-syntax"
    return Finding(
        "efficiency" if rule.startswith(_EFFICIENCY) else "lint",
        _severity(rule),
        line_text(rule, 100),
        line_text(one["message"]),
        line_text(one.get("filename") or ""),
        number(place.get("row")) if isinstance(place, dict) else 0,
    )


def _severity(rule: str) -> Severity:
    if rule == "invalid-syntax":
        return "critical"
    if rule.startswith(_EFFICIENCY):
        return "warning"
    letters = rule.rstrip("0123456789")
    return "warning" if letters in _MISTAKES or rule in _MISTAKES else "info"
