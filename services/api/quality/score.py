"""From reports to scores; pure. The formula is explained in docs/code-quality.md: change both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from services.api.quality.report import ItemKey, Kind, Report, Risk, distinct

Part: TypeAlias = Literal["architecture", "security", "performance", "testing"]
PARTS: tuple[Part, ...] = get_args(Part)
FULL = 10.0
PART_WEIGHTS: Mapping[Part, float] = {"architecture": 0.25, "security": 0.35, "performance": 0.10, "testing": 0.30}
RISKS: Mapping[Risk, float] = {"critical": 10.0, "high": 5.0, "unknown": 3.0, "medium": 2.0, "low": 1.0}
_PER = 1000
_HALF_VULNERABILITIES = 5.0
_HALF_SLOW, _HALF_FAILED, _HALF_SKIPPED = 0.05, 0.01, 0.20
_LINES, _BRANCHES = 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Item:
    """What a part is made of: its share, the report that it needs, others that count where they are there.

    `half`: so many weighted findings in 1,000 lines of code halve its score; 0: it has a formula of its own.
    """

    key: ItemKey
    part: Part
    weight: float
    needs: Kind
    also: tuple[Kind, ...] = ()
    half: float = 0.0


ITEMS: tuple[Item, ...] = (
    Item("complexity", "architecture", 0.35, "radon-cc", half=10),
    Item("maintainability", "architecture", 0.15, "radon-mi", half=5),
    Item("types", "architecture", 0.25, "mypy", half=10),
    Item("lint", "architecture", 0.25, "ruff", also=("sarif",), half=20),
    Item("code", "security", 0.5, "bandit", also=("sarif",), half=5),
    Item("dependencies", "security", 0.5, "pip-audit", also=("osv-scanner",)),
    Item("efficiency", "performance", 0.5, "ruff", half=5),
    Item("slow_tests", "performance", 0.5, "junit"),
    Item("coverage", "testing", 0.6, "coverage"),
    Item("results", "testing", 0.4, "junit"),
)


@dataclass(frozen=True, slots=True)
class Scored:
    """An item's score from 0 to 10, None without its report; `measure` is what it was made from."""

    item: Item
    score: float | None
    measure: float | None

    @property
    def lost(self) -> float:
        """Points of the overall score that it costs."""
        if self.score is None:
            return 0.0
        return PART_WEIGHTS[self.item.part] * self.item.weight * (FULL - self.score)


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores; a part without one of its reports has none, and without a part there is no overall one."""

    items: tuple[Scored, ...]
    parts: Mapping[Part, float | None]
    overall: float | None
    missing: Mapping[Part, tuple[Kind, ...]]


def score(reports: Sequence[Report], lines_of_code: int) -> Scores:
    """Return the scores of an audit: more findings in a code of the same size never raise any of them."""
    items = tuple(_scored(item, reports, lines_of_code) for item in ITEMS)
    parts = {part: _part([one for one in items if one.item.part == part]) for part in PARTS}
    known = [value * PART_WEIGHTS[part] for part, value in parts.items() if value is not None]
    missing = {
        part: tuple(dict.fromkeys(one.item.needs for one in items if one.item.part == part and one.score is None))
        for part in PARTS
    }
    return Scores(items, parts, sum(known) if len(known) == len(PARTS) else None, missing)


def _part(items: Sequence[Scored]) -> float | None:
    known = [one.score * one.item.weight for one in items if one.score is not None]
    return sum(known) if len(known) == len(items) else None


def _scored(item: Item, reports: Sequence[Report], lines: int) -> Scored:
    needed = next((one for one in reports if one.kind == item.needs), None)
    if needed is None:
        return Scored(item, None, None)
    used = [needed, *(one for one in reports if one.kind in item.also)]
    if item.half:
        measure = sum(one.weights.get(item.key, 0.0) for one in used) * _PER / lines
        return Scored(item, _halved(measure, item.half), measure)
    value, measure = _OWN[item.key](used)
    return Scored(item, value, measure)


def _halved(measure: float, half: float) -> float:
    return float(FULL * 2.0 ** -(measure / half))


def _dependencies(reports: Sequence[Report]) -> tuple[float, float]:
    holes = distinct((one for report in reports for one in report.vulnerabilities), RISKS)
    skipped = sum(report.weights.get("dependencies", 0.0) for report in reports) / 10
    return _halved(sum(RISKS[one.severity] for one in holes) + skipped, _HALF_VULNERABILITIES), float(len(holes))


def _slow_tests(reports: Sequence[Report]) -> tuple[float, float]:
    (report,) = reports
    slow, fast = report.measures["slow"], report.measures["fast_passed"]
    share = slow / (slow + fast) if slow else 0.0
    return _halved(share, _HALF_SLOW), share


def _coverage(reports: Sequence[Report]) -> tuple[float, float]:
    (report,) = reports
    lines = report.measures["line_ratio"]
    ratio = _LINES * lines + _BRANCHES * report.measures.get("branch_ratio", lines)
    return FULL * ratio, ratio


def _results(reports: Sequence[Report]) -> tuple[float, float]:
    (report,) = reports
    passed, failed, skipped = (report.measures[name] for name in ("passed", "failed", "skipped"))
    failing = failed / (failed + passed)
    skipping = skipped / (skipped + passed) if skipped else 0.0
    return FULL * 2.0 ** -(failing / _HALF_FAILED) * 2.0 ** -(skipping / _HALF_SKIPPED), failing


_OWN = {"dependencies": _dependencies, "slow_tests": _slow_tests, "coverage": _coverage, "results": _results}
