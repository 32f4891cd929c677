"""Radon's cyclomatic complexity as JSON: blocks by file."""

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

KIND: Kind = "radon-cc"
COMMAND = "radon cc --json SOURCES"
_MEND = f"Send what {COMMAND} prints."
# Radon's ranks: C begins at 11, D at 21, E at 31.
_RANKS: tuple[tuple[int, str, Severity], ...] = ((31, "E", "critical"), (21, "D", "warning"), (11, "C", "info"))


def parse(raw: bytes) -> Report:
    """Return the functions and methods that are too complex; raises ReportError."""
    files = read_json(raw, COMMAND)
    if not isinstance(files, dict):
        raise ReportError("this is no mapping of files", _MEND)
    found: list[Finding] = []
    for file, blocks in files.items():
        if isinstance(blocks, dict) and "error" in blocks:
            text = f"Radon could not read it: {line_text(blocks['error'])}"
            found.append(Finding("complexity", "critical", "not-read", text, line_text(file)))
            continue
        if not isinstance(blocks, list):
            raise ReportError(f"{line_text(file)} has no list of blocks", _MEND)
        found += [one for block in blocks if (one := _finding(file, block)) is not None]
    return make_report(KIND, found)


def _finding(file: str, block: Any) -> Finding | None:
    complexity = block.get("complexity") if isinstance(block, dict) else None
    if not isinstance(complexity, int):
        raise ReportError(f"a block of {line_text(file)} has no complexity", _MEND)
    if block.get("type") == "class":
        # Its methods stand beside it, and count by themselves.
        return None
    for least, rank, severity in _RANKS:
        if complexity >= least:
            name = ".".join(part for part in (block.get("classname"), block.get("name")) if isinstance(part, str))
            text = f"{line_text(name, 200)} has the complexity {complexity}: split it"
            return Finding("complexity", severity, f"rank-{rank}", text, line_text(file), number(block.get("lineno")))
    return None
