"""From a recorded value and the rules' thresholds to a panel."""

import operator
from collections.abc import Callable, Mapping, Sequence

from services.api.overview.evaluated import RuleIndex
from services.api.overview.model import Panel, PanelStatus, Threshold
from services.api.overview.panels import panels_in_order
from services.api.overview.ring import Ring, tidy

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def panel_status(value: float | None, thresholds: Sequence[Threshold]) -> PanelStatus:
    """Return the worst severity among the thresholds that the value breaches now; info does not count."""
    if value is None:
        return "unknown"
    breached = {limit.severity for limit in thresholds if _COMPARE[limit.op](value, limit.value)}
    return "critical" if "critical" in breached else "warning" if "warning" in breached else "ok"


def build_panels(
    values: Mapping[str, float | None], index: RuleIndex, rings: Mapping[str, Ring], now: float
) -> tuple[Panel, ...]:
    """Return all panels, those of the grid first; `values` and `rings` go by recorded name."""
    built = []
    for component, spec in panels_in_order():
        raw = values.get(spec.expr)
        thresholds = list(index.thresholds.get(spec.expr, ()))
        # The status comes from the whole value, what is shown from the rounded one.
        status = panel_status(raw, thresholds)
        value = None if raw is None else tidy(raw)
        ring = rings.get(spec.expr) or Ring()
        change, trend = ring.change(now, value)
        built.append(
            Panel(
                key=spec.key,
                title=spec.title,
                component=component.key,
                unit=spec.unit,
                value=value,
                change=change,
                trend=trend,
                status=status,
                thresholds=thresholds,
                spark=ring.points(now),
                grid=spec.grid > 0,
            )
        )
    return tuple(built)
