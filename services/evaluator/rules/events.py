"""From an alert's state to the event that leaves the evaluator."""

import math

from services.common.events import AlertEvent, AlertStatus, RuleRef
from services.common.labels import ALERT_NAME
from services.evaluator.rules.definition import AlertingRule, Group
from services.evaluator.rules.state import ActiveAlert, AlertState, RuleState


def alert_event(
    fp: str, alert: ActiveAlert, rule: AlertingRule, group: Group, now: float, *, lifetime: float, generator_url: str
) -> AlertEvent:
    """Return the event of a firing or resolved alert; a firing one holds for `lifetime` seconds unless renewed."""
    resolved = alert.state is AlertState.INACTIVE
    return AlertEvent(
        fingerprint=fp,
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        value=alert.value if math.isfinite(alert.value) else None,
        active_at=alert.active_at,
        starts_at=alert.fired_at if alert.fired_at is not None else alert.active_at,
        ends_at=alert.resolved_at if resolved else now + lifetime,
        sent_at=now,
        rule=RuleRef(
            name=rule.name,
            group=group.name,
            file=rule.file,
            expr=rule.expr.text,
            for_seconds=rule.hold,
            cooldown_seconds=rule.cooldown,
            max_alerts_per_hour=rule.max_per_hour,
            depends_on=rule.depends_on,
        ),
        generator_url=generator_url,
        muted=alert.muted,
        muted_until=alert.muted_until,
        flapping=alert.flapping,
    )


def orphan_events(state: RuleState, group: str, now: float) -> list[AlertEvent]:
    """Return resolved events for stored alerts whose rule is gone; little more than their labels is known."""
    found = []
    for fp, alert in state.active.items():
        if alert.state is not AlertState.FIRING:
            continue
        file, _, name = group.rpartition(";")
        found.append(
            AlertEvent(
                fingerprint=fp,
                status=AlertStatus.RESOLVED,
                labels=dict(alert.labels),
                annotations=dict(alert.annotations),
                value=alert.value if math.isfinite(alert.value) else None,
                active_at=alert.active_at,
                starts_at=alert.fired_at if alert.fired_at is not None else alert.active_at,
                ends_at=now,
                sent_at=now,
                rule=RuleRef(name=alert.labels.get(ALERT_NAME, ""), group=name, file=file),
                muted=alert.muted,
                muted_until=alert.muted_until,
            )
        )
    return found
