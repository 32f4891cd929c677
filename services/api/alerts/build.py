"""Alerts from events and from rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from services.api.alerts.model import Acknowledgement, Alert, AlertRule, RecordedAlert
from services.common.events import ActionEvent, AlertEvent, AlertStatus
from services.common.labels import ALERT_NAME


def alert_from_event(event: AlertEvent) -> Alert:
    """Return the alert as the event tells it, not acknowledged and without notifications."""
    return _with_texts(
        event.annotations,
        id=event.alert_id,
        fingerprint=event.fingerprint,
        name=event.labels.get(ALERT_NAME, event.rule.name),
        status=event.status.value,
        severity=event.labels.get("severity", ""),
        category=event.labels.get("category", ""),
        component=event.labels.get("component", ""),
        value=event.value,
        labels=event.labels,
        active_at=event.active_at,
        starts_at=event.starts_at,
        ends_at=event.ends_at if event.status is AlertStatus.RESOLVED else None,
        acknowledged=None,
        muted=event.muted.value,
        muted_until=event.muted_until,
        flapping=event.flapping,
        rule=_rule(event.rule.model_dump()),
        notifications=0,
    )


def alert_from_row(row: Mapping[str, Any], notifications: int = 0) -> Alert:
    """Return the alert as a row of the record tells it."""
    acknowledged = None
    if row["acknowledged"] is not None:
        acknowledged = Acknowledgement(
            by=row["acknowledged_by"] or "",
            at=row["acknowledged"],
            comment=row["acknowledge_comment"] or "",
            until=row["acknowledged_end"],
        )
    kept = ("fingerprint", "name", "status", "severity", "category", "component", "value", "muted", "flapping")
    return _with_texts(
        orjson.loads(row["annotations"]),
        **{key: row[key] for key in kept},
        id=row["alert_id"],
        labels=orjson.loads(row["labels"]),
        active_at=row["active"],
        starts_at=row["starts"],
        ends_at=row["ends"],
        acknowledged=acknowledged,
        muted_until=row["muted_end"],
        rule=_rule(orjson.loads(row["rule"])),
        notifications=notifications,
    )


def recorded_alert(row: Mapping[str, Any], told: Mapping[str, Any]) -> RecordedAlert:
    """Return the alert as a row of the record tells it, with what became of it; `told` has the counts."""
    alert = alert_from_row(row, told["delivered"])
    return RecordedAlert(
        **dict(alert),
        attempts=told["attempts"],
        comments=told["comments"],
        verdict=row["verdict"],
        auto_resolved=alert.status == "resolved" and alert.acknowledged is None,
    )


def _with_texts(annotations: Mapping[str, str], **fields: Any) -> Alert:
    texts = {key: annotations.get(key, "") for key in ("summary", "description", "action", "action_link")}
    return Alert.model_validate({**fields, **texts, "annotations": dict(annotations)})


def _rule(data: Mapping[str, Any]) -> AlertRule:
    empty = {"name": "", "group": "", "file": "", "expr": "", "for_seconds": 0.0, "cooldown_seconds": 0.0}
    known = {**empty, "max_alerts_per_hour": 0, **data}
    return AlertRule.model_validate({key: known[key] for key in AlertRule.model_fields})


def first_acknowledgement(actions: Sequence[ActionEvent]) -> Acknowledgement | None:
    """Return the earliest acknowledgement since the last un-acknowledgement, in whatever order actions come.

    Every copy of the API and the record come to the same answer from the same actions.
    """
    taken_back = max((action.at for action in actions if action.kind == "unacknowledge"), default=float("-inf"))
    given = [action for action in actions if action.kind == "acknowledge" and action.at > taken_back]
    if not given:
        return None
    first = min(given, key=lambda action: (action.at, action.action_id))
    until = first.at + first.expires_in if first.expires_in else None
    return Acknowledgement(by=first.by, at=first.at, comment=first.comment, until=until)
