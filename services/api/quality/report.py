"""What every report is brought to before it is scored; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import orjson

Severity: TypeAlias = Literal["critical", "warning", "info"]
Risk: TypeAlias = Literal["critical", "high", "medium", "low", "unknown"]
Kind: TypeAlias = Literal[
    "bandit", "coverage", "junit", "mypy", "osv-scanner", "pip-audit", "radon-cc", "radon-mi", "ruff", "sarif"
]  # fmt: skip
ItemKey: TypeAlias = Literal[
    "complexity", "maintainability", "types", "lint", "code", "dependencies", "efficiency", "slow_tests", "coverage",
    "results",
]  # fmt: skip
WEIGHTS: Mapping[Severity, float] = {"critical": 10.0, "warning": 3.0, "info": 1.0}
ORDER: Mapping[Severity, int] = {"critical": 0, "warning": 1, "info": 2}
KEPT = 500
_LONGEST = 500


class ReportError(ValueError):
    """A report that can't be used: what is wrong, where it is known the line, and what to do."""

    def __init__(self, what: str, mend: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {what}" if line else what)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a tool found; `line` 0: the whole file."""

    item: ItemKey
    severity: Severity
    rule: str
    message: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A known hole of an installed package; `fixed_version` "": there is no fix yet."""

    package: str
    installed: str
    fixed_version: str
    id: str
    severity: Risk = "unknown"
    summary: str = ""
    aliases: tuple[str, ...] = ()
    """Its names in other lists."""


@dataclass(frozen=True)
class Report:
    """One tool's report: findings worst first (500 at most), all of them counted and weighed."""

    kind: Kind
    tool: str = ""
    """Which of several tools made it (SARIF)."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """What is no finding: ratios and counts by name."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """By item the sum of the weights of all findings."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """By severity the number of all findings."""
    findings: tuple[Finding, ...] = ()
    vulnerabilities: tuple[Vulnerability, ...] = ()


def make_report(
    kind: Kind,
    findings: Iterable[Finding] = (),
    *,
    tool: str = "",
    measures: Mapping[str, float] | None = None,
    vulnerabilities: Iterable[Vulnerability] = (),
) -> Report:
    """Return the report of all that was found."""
    found = sorted(findings, key=lambda one: (ORDER[one.severity], one.file, one.line, one.rule))
    weights: dict[str, float] = {}
    for one in found:
        weights[one.item] = weights.get(one.item, 0.0) + WEIGHTS[one.severity]
    return Report(
        kind,
        tool,
        dict(measures or {}),
        weights,
        dict(Counter(one.severity for one in found)),
        tuple(found[:KEPT]),
        tuple(sorted(set(vulnerabilities), key=lambda one: (one.package, one.installed, one.id))[:KEPT]),
    )


def distinct(holes: Iterable[Vulnerability], ranks: Mapping[Risk, float]) -> list[Vulnerability]:
    """Return each hole once where two tools found it under other names; the graver risk and the first fix count."""
    known: list[Vulnerability] = []
    places: dict[tuple[str, str, str], int] = {}
    for hole in holes:
        names = [(hole.package.lower(), hole.installed, name) for name in (hole.id, *hole.aliases)]
        place = next((places[name] for name in names if name in places), len(known))
        if place == len(known):
            known.append(hole)
        else:
            one = known[place]
            risk = max(one.severity, hole.severity, key=lambda risk: ranks[risk])
            known[place] = replace(one, severity=risk, fixed_version=one.fixed_version or hole.fixed_version)
        places |= dict.fromkeys(names, place)
    return known


def line_text(value: object, longest: int = _LONGEST) -> str:
    """Return a text that a tool gave, in one line, without what Postgres can't store, cut to a length."""
    return " ".join(str(value).replace("\x00", "\ufffd").split())[:longest]


def number(value: object) -> int:
    """Return a line number that a tool gave, 0 where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def read_json(raw: bytes, what: str) -> Any:
    """Return the parsed JSON; raises ReportError with the line."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ReportError(f"this is no JSON ({error.msg})", f"Send what {what} prints, whole.", error.lineno) from error
