"""From firing alerts and panels to the state of each component and of all. Pure."""

from collections.abc import Mapping, Sequence

from services.api.alerts.model import Alert
from services.api.overview.evaluated import RuleIndex
from services.api.overview.model import ComponentHealth, ComponentStatus, Overall, Panel
from services.api.overview.panels import COMPONENTS
from services.api.overview.spec import ComponentSpec

OUTAGE = "outage"
_TROUBLE = ("critical", "warning")


def component_status(alerts: Sequence[Alert], *, reachable: bool, has_value: bool) -> ComponentStatus:
    """Return a component's state from the alerts that fire for it, worst first, and whether it has any number."""
    if not reachable:
        return "unknown"
    if any(alert.labels.get("impact") == OUTAGE for alert in alerts):
        return "down"
    if any(alert.severity in _TROUBLE for alert in alerts):
        return "degraded"
    return "healthy" if has_value or alerts else "unknown"


def overall_status(statuses: Sequence[ComponentStatus], alerts: Sequence[Alert], *, reachable: bool) -> Overall:
    """Return the state of all: down, degraded, unknown, operational, whichever comes first.

    Alerts of a component without a card count too: a banner that says "operational" must be true.
    """
    every = {*statuses, component_status(alerts, reachable=reachable, has_value=True)}
    if "down" in every:
        return "down"
    if "degraded" in every:
        return "degraded"
    return "unknown" if "unknown" in every else "operational"


def build_components(
    panels: Sequence[Panel],
    alerts: Sequence[Alert],
    index: RuleIndex,
    *,
    reachable: bool,
    shown: Sequence[str],
) -> list[ComponentHealth]:
    """Return a card's content for each shown component; `alerts` are those that fire, worst first."""
    by_key = {panel.key: panel for panel in panels}
    return [
        _component(spec, by_key, [alert for alert in alerts if alert.component == spec.key], index, reachable=reachable)
        for spec in COMPONENTS
        if spec.card and spec.key in shown
    ]


def _component(
    spec: ComponentSpec, panels: Mapping[str, Panel], alerts: Sequence[Alert], index: RuleIndex, *, reachable: bool
) -> ComponentHealth:
    has_value = any(panels[panel.key].value is not None for panel in spec.panels if panel.key in panels)
    status = component_status(alerts, reachable=reachable, has_value=has_value)
    times = [index.checked[key] for key in (spec.key, *(panel.expr for panel in spec.panels)) if key in index.checked]
    card = [panels[panel.key] for panel in spec.card if panel.key in panels]
    beyond = [panel.title for panel in card if panel.status in ("warning", "critical")]
    return ComponentHealth(
        key=spec.key,
        title=spec.title,
        status=status,
        message=_message(status, alerts, beyond, reachable=reachable),
        last_check=max(times, default=None),
        metrics=card,
    )


def _message(status: ComponentStatus, alerts: Sequence[Alert], beyond: Sequence[str], *, reachable: bool) -> str:
    if not reachable:
        heard = f" When last heard, {_count(len(alerts))} fired." if alerts else ""
        return f"The evaluator does not answer, so nothing is known.{heard}"
    if status == "unknown":
        return "No data. Check that it is among the collector's targets and that they are scraped."
    if status == "healthy" and beyond:
        # A rule with `for` waits, or another rule hides this one: the value alone is no alert.
        return f"No alert yet, but beyond a limit: {', '.join(beyond)}."
    if status == "healthy":
        return "Within all limits." if not alerts else f"Within limits; {_count(len(alerts))} for information."
    outages = [alert for alert in alerts if alert.labels.get("impact") == OUTAGE]
    first = (outages or alerts)[0]
    more = f" And {_count(len(alerts) - 1, 'more alert')}." if len(alerts) > 1 else ""
    return f"{first.summary or first.name}.".replace("..", ".") + more


def _count(number: int, what: str = "alert") -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
