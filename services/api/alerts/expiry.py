"""Alerts that nobody confirms any more. Pure.

The evaluator repeats what fires and says until when it holds. When it answers and the stream is read, both for long
enough, an alert whose time is over was lost with the evaluator's state (an emptied Redis, a rule that went while it was
down): it ends at that time, or it would stand on the page for ever. A later event of the same episode opens it again.
"""

from services.api.alerts.model import Alert
from services.api.alerts.view import AlertView
from services.common.events import AlertEvent, AlertStatus, RuleRef

HEALTHY_FOR = 300.0
"""Seconds that evaluator and stream must have been well: longer than the evaluator takes to repeat all that fires."""
GRACE = 60.0


def expired(view: AlertView, now: float, healthy_since: float | None) -> list[AlertEvent]:
    """Return the ends of alerts that are over; none unless all has been well since `healthy_since` for long enough."""
    if healthy_since is None or now - healthy_since < HEALTHY_FOR:
        return []
    return [_end(alert, heard, until) for alert, heard, until in view.firing_until() if until + GRACE < now]


def _end(alert: Alert, heard: float, until: float) -> AlertEvent:
    return AlertEvent(
        fingerprint=alert.fingerprint,
        status=AlertStatus.RESOLVED,
        labels=alert.labels,
        annotations=alert.annotations,
        value=alert.value,
        active_at=alert.active_at,
        starts_at=alert.starts_at,
        ends_at=until,
        # A moment after the newest event that is known: wins over it, loses against any later one.
        sent_at=heard + 0.001,
        rule=RuleRef.model_validate(alert.rule.model_dump()),
        flapping=alert.flapping,
    )
