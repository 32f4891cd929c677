"""What a recorded metric is called and measured in."""

from services.api.overview.model import Unit
from services.api.overview.panels import panels_in_order
from services.api.trends.model import MetricInfo

_PANELS = {panel.expr: (component.key, panel) for component, panel in panels_in_order()}
_NAMES = {panel.key: panel.expr for _, panel in _PANELS.values()}
_ENDINGS: tuple[tuple[str, Unit], ...] = (
    ("_seconds", "seconds"),
    ("_ratio", "ratio"),
    ("_per_second", "per_second"),
    ("_bytes", "bytes"),
)
PANEL_METRICS: tuple[str, ...] = tuple(_PANELS)
"""The recorded names of the panels, those of the grid first."""


def recorded_name(metric: str) -> str:
    """Return the recorded name that a panel's key or a recorded name stands for."""
    return _NAMES.get(metric, metric)


def describe(metric: str) -> MetricInfo:
    """Return what is known of a recorded name: of a panel its title, else what the name itself tells."""
    if metric in _PANELS:
        component, panel = _PANELS[metric]
        return MetricInfo(metric=metric, key=panel.key, title=panel.title, unit=panel.unit, component=component)
    base = metric.partition(":")[2] or metric
    stem = base.partition(":")[0]
    unit = next((unit for ending, unit in _ENDINGS if stem.endswith(ending)), "count")
    return MetricInfo(
        metric=metric, key=metric, title=base.replace("_", " ").replace(":", ", "), unit=unit, component=""
    )
