"""Radon's maintainability index as JSON: one number from 0 to 100 for each file."""

from services.api.quality.report import Finding, Kind, Report, ReportError, Severity, line_text, make_report, read_json

KIND: Kind = "radon-mi"
COMMAND = "radon mi --json SOURCES"
_MEND = f"Send what {COMMAND} prints."
# Radon's ranks: C up to 9, B up to 19.
_POOR, _MIDDLING = 9.0, 19.0
_RANKS: tuple[tuple[Severity, str], ...] = (("warning", "rank-B"), ("critical", "rank-C"))


def parse(raw: bytes) -> Report:
    """Return the files that are hard to maintain; raises ReportError."""
    files = read_json(raw, COMMAND)
    if not isinstance(files, dict):
        raise ReportError("this is no mapping of files", _MEND)
    found: list[Finding] = []
    for name, told in files.items():
        file = line_text(name)
        if isinstance(told, dict) and "error" in told:
            text = f"Radon could not read it: {line_text(told['error'])}"
            found.append(Finding("maintainability", "critical", "not-read", text, file))
            continue
        index = told.get("mi") if isinstance(told, dict) else None
        if not isinstance(index, int | float):
            raise ReportError(f"{file} has no mi", _MEND)
        if index <= _MIDDLING:
            severity, rank = _RANKS[index <= _POOR]
            text = f"The maintainability index is {index:.0f} of 100: make the file smaller or simpler"
            found.append(Finding("maintainability", severity, rank, text, file))
    return make_report(KIND, found)
