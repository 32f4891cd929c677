"""What the evaluator's answers say: samples, thresholds of the rules, and when a component was last looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from services.api.model import SEVERITIES
from services.api.overview.model import Threshold

_LATE = 0.4
"""Seconds that an evaluation may be late by."""
_OPERATORS = get_args(Threshold.model_fields["op"].annotation)


class _Read(BaseModel):
    # Another program's answers: what we don't know passes by.
    model_config = ConfigDict(extra="allow", frozen=True)


class RuleThreshold(_Read):
    """One comparison of a rule's expression with a number."""

    expr: str
    op: str
    value: float


class TocsinRule(_Read):
    """What Tocsin's evaluator adds to Prometheus' rule."""

    file: str = ""
    line: int = 0
    thresholds: list[RuleThreshold] = Field(default_factory=list)


class Rule(_Read):
    """One rule as Prometheus' `/api/v1/rules` gives it, with Tocsin's own key."""

    id: str = ""
    """Given by the API: see rules/identity.py."""
    name: str
    query: str = ""
    type: str = ""
    health: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    lastEvaluation: str = ""  # noqa: N815 - Prometheus' own key
    tocsin: TocsinRule | None = None


class RuleGroup(_Read):
    """One group of rules."""

    name: str
    file: str = ""
    interval: float = 0.0
    rules: list[Rule] = Field(default_factory=list)


class RuleGroups(_Read):
    """The data of `/api/v1/rules`."""

    groups: list[RuleGroup]


class _Instant(_Read):
    metric: dict[str, str]
    value: tuple[float, str]


class _Range(_Read):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class Vector(_Read):
    """The data of an instant query."""

    resultType: Literal["vector"]  # noqa: N815 - Prometheus' own key
    result: list[_Instant]


class Matrix(_Read):
    """The data of a range query."""

    resultType: Literal["matrix"]  # noqa: N815 - Prometheus' own key
    result: list[_Range]


class Success(_Read):
    """Prometheus' envelope."""

    status: Annotated[Literal["success"], "anything else is refused"]
    data: Any


@dataclass(frozen=True)
class RuleIndex:
    """The rules by what panels and components ask of them."""

    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)
    """By the expression that is compared."""
    checked: Mapping[str, float] = field(default_factory=dict)
    """When a recorded name or a component (label) was last evaluated."""


def index_rules(groups: RuleGroups) -> RuleIndex:
    """Return the thresholds of each expression, worst severity first, and the last evaluations."""
    thresholds: dict[str, list[Threshold]] = {}
    checked: dict[str, float] = {}
    for rule in (rule for group in groups.groups for rule in group.rules):
        at = _seconds(rule.lastEvaluation)
        severity = rule.labels.get("severity", "")
        for key in (rule.name if rule.type == "recording" else "", rule.labels.get("component", "")):
            if key and at is not None:
                checked[key] = max(at, checked.get(key, at))
        if rule.type != "alerting" or rule.tocsin is None or severity not in SEVERITIES:
            continue
        for limit in rule.tocsin.thresholds:
            if limit.op not in _OPERATORS:
                continue
            entry = {"severity": severity, "op": limit.op, "value": limit.value, "rule": rule.name}
            thresholds.setdefault(limit.expr, []).append(Threshold.model_validate(entry))
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    return RuleIndex(
        {expr: tuple(sorted(found, key=lambda limit: order[limit.severity])) for expr, found in thresholds.items()},
        checked,
    )


def _seconds(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
    # Go's zero time (year 1) means "never".
    return at if at > 0 else None


def next_evaluation(groups: RuleGroups, now: float) -> float | None:
    """Return when recorded values are evaluated next, by the groups' intervals: `now` for one that is a bit late.

    None when no group promises anything.
    """
    due = []
    for group in groups.groups:
        first = next((rule for rule in group.rules if rule.type == "recording"), None)
        last = _seconds(first.lastEvaluation) if first is not None else None
        # One that is later than that rests.
        if last is not None and last + group.interval > now - _LATE:
            due.append(max(last + group.interval, now))
    return min(due, default=None)


def combine(values: Iterable[float], thresholds: tuple[Threshold, ...]) -> float | None:
    """Return the worst of several series' values: the least where rules set a floor, else the greatest."""
    numbers = [value for value in values if value == value]  # noqa: PLR0124 - NaN alone differs from itself
    if not numbers:
        return None
    return min(numbers) if thresholds and thresholds[0].op in {"<", "<="} else max(numbers)


def instant_values(vector: Vector, index: RuleIndex) -> dict[str, float | None]:
    """Return one value for each recorded name."""
    found: dict[str, list[float]] = {}
    for sample in vector.result:
        found.setdefault(sample.metric.get("__name__", ""), []).append(float(sample.value[1]))
    return {name: combine(values, index.thresholds.get(name, ())) for name, values in found.items()}


def range_values(matrix: Matrix, index: RuleIndex) -> dict[str, list[tuple[float, float]]]:
    """Return time and value of each recorded name, oldest first."""
    found: dict[str, dict[float, list[float]]] = {}
    for series in matrix.result:
        steps = found.setdefault(series.metric.get("__name__", ""), {})
        for at, value in series.values:
            steps.setdefault(at, []).append(float(value))
    combined: dict[str, list[tuple[float, float]]] = {}
    for name, steps in found.items():
        pairs = ((at, combine(values, index.thresholds.get(name, ()))) for at, values in sorted(steps.items()))
        combined[name] = [(at, value) for at, value in pairs if value is not None]
    return combined
