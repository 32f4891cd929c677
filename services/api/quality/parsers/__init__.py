"""The reports that can be posted, one file for each; a test compares this tuple with the folder."""

from collections.abc import Callable
from dataclasses import dataclass

from services.api.quality.parsers import (
    bandit,
    coverage,
    junit,
    mypy,
    osv_scanner,
    pip_audit,
    radon_cc,
    radon_mi,
    ruff,
    sarif,
)
from services.api.quality.report import Kind, Report


@dataclass(frozen=True)
class Parser:
    """A kind of report, what makes it, and how it is read: raises ReportError."""

    kind: Kind
    command: str
    parse: Callable[[bytes], Report]


PARSERS: tuple[Parser, ...] = tuple(
    Parser(module.KIND, module.COMMAND, module.parse)
    for module in (bandit, coverage, junit, mypy, osv_scanner, pip_audit, radon_cc, radon_mi, ruff, sarif)
)
BY_KIND = {parser.kind: parser for parser in PARSERS}
