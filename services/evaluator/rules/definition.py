"""Rules ready to be evaluated: parsed, checked, with defaults filled in."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.evaluator.promql import Expr, selectors
from services.evaluator.promql import thresholds as find_thresholds
from services.evaluator.rules.state import NoData


@dataclass(frozen=True, eq=False)
class RecordingRule:
    """Writes the result of an expression as a new series."""

    name: str
    expr: Expr
    labels: Mapping[str, str]
    file: str
    line: int
    key: str


@dataclass(frozen=True, eq=False)
class AlertingRule:
    """Makes an alert of each series that an expression gives; times in seconds."""

    name: str
    expr: Expr
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    file: str
    line: int
    key: str
    hold: float = 0.0
    keep_firing: float = 0.0
    cooldown: float = 0.0
    max_per_hour: int = 0
    clear: Expr | None = None
    no_data: NoData = "resolve"
    presence: Expr | None = None
    """Gives an element for each label set that has data, whether it breaches or not; None when that can't be told."""
    depends_on: tuple[str, ...] = ()
    """Alerts, by name, that hide this one from people while they fire."""


Rule = RecordingRule | AlertingRule


@dataclass(frozen=True, eq=False)
class Group:
    """A rule group; `key` names it among all files."""

    key: str
    name: str
    file: str
    interval: float
    query_offset: float
    limit: int
    rules: tuple[Rule, ...]
    source: str = ""
    """The Prometheus-compatible server that evaluates its expressions; empty: this evaluator, over its own samples."""

    @property
    def reads(self) -> frozenset[str] | None:
        """The metric names that its rules read; None when a rule reads by pattern, so any name may matter.

        A group with a source of its own reads none of ours.
        """
        found: set[str] = set()
        for expr in self.expressions:
            for name, *_ in selectors(expr):
                if name is None:
                    return None
                found.add(name)
        return frozenset(found)

    @property
    def expressions(self) -> list[Expr]:
        """All expressions over our own series (`presence` reads what `expr` and `clear` read)."""
        if self.source:
            return []
        found: list[Expr] = []
        for rule in self.rules:
            found.append(rule.expr)
            if isinstance(rule, AlertingRule):
                found += [rule.clear] if rule.clear is not None else []
        return found


def describe_thresholds(rule: AlertingRule) -> list[dict[str, object]]:
    """Return the comparisons with numbers at the top of the rule's expression, for the dashboard."""
    return [{"expr": one.expr, "op": one.op, "value": one.value} for one in find_thresholds(rule.expr)]
