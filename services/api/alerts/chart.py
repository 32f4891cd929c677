"""The expression of an alert around its breach, with the limits of its rule."""

from collections.abc import Iterable, Mapping

from services.api.alerts.model import Alert, AlertChart, ChartSeries
from services.api.evaluator import EvaluatorClient
from services.api.model import SEVERITIES
from services.api.overview.evaluated import Matrix, Rule, RuleGroups
from services.api.overview.model import Threshold

POINTS = 240
LEAST_STEP = 5
BEFORE = 900.0
AFTER = 300.0
_SHOWN = 8
_NAME = "__name__"


def rule_of(alert: Alert, groups: RuleGroups | None) -> Rule | None:
    """Return the rule in force that the alert comes from, None when it went."""
    for group in groups.groups if groups else ():
        for rule in group.rules:
            known = (rule.type, rule.name, group.name) == ("alerting", alert.rule.name, alert.rule.group)
            if known and alert.rule.file in {"", group.file}:
                return rule
    return None


def window(alert: Alert, now: float) -> tuple[float, float, int]:
    """Return start, end and step in seconds: from a while before the breach to a while after the end."""
    start = alert.active_at - BEFORE
    end = now if alert.ends_at is None else min(now, alert.ends_at + AFTER)
    end = max(end, start + 1)
    step = max(LEAST_STEP, round((end - start) / POINTS))
    return start, end, step


def limits_of(rule: Rule | None, severity: str) -> tuple[str, list[Threshold]]:
    """Return the expression that a rule compares, "" when it compares none, and the limits."""
    found = rule.tocsin.thresholds if rule is not None and rule.tocsin is not None else []
    if rule is None or not found:
        return "", []
    expr = found[0].expr
    level = severity if severity in SEVERITIES else "warning"
    limits = [
        Threshold.model_validate({"severity": level, "op": one.op, "value": one.value, "rule": rule.name})
        for one in found
        if one.expr == expr and one.op in {">", ">=", "<", "<=", "==", "!="}
    ]
    return expr, limits


def series_of(matrix: Matrix, labels: Mapping[str, str]) -> list[ChartSeries]:
    """Return the series that belong to an alert's labels; all (at most 8) when none does."""
    series = [
        ChartSeries(
            labels={name: value for name, value in one.metric.items() if name != _NAME},
            points=[(at, number) for at, text in one.values if (number := float(text)) - number == 0],
        )
        for one in matrix.result
    ]
    own = [one for one in series if _fits(one.labels.items(), labels)]
    return (own or series)[:_SHOWN]


def _fits(own: Iterable[tuple[str, str]], labels: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in own)


async def chart(alert: Alert, groups: RuleGroups | None, evaluator: EvaluatorClient, now: float) -> AlertChart:
    """Return the chart; raises EvaluatorError. Without values for that time it has no series."""
    expr, thresholds = limits_of(rule_of(alert, groups), alert.severity)
    expr = expr or alert.rule.expr
    start, end, step = window(alert, now)
    matrix = await evaluator.range(expr, start, end, step) if expr else None
    return AlertChart(
        expr=expr,
        start=start,
        end=end,
        step=step,
        thresholds=thresholds,
        series=series_of(matrix, alert.labels) if matrix else [],
    )
