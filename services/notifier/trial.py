"""The made-up alert of a test notification."""

from services.common.events import ActionEvent, AlertEvent, AlertStatus, RuleRef
from services.common.labels import fingerprint


def trial_event(action: ActionEvent) -> AlertEvent:
    """Return an alert that says that it is a test, and who asked for it."""
    labels = {"alertname": "TocsinTest", "component": "tocsin", "severity": "info"}
    return AlertEvent(
        fingerprint=fingerprint(labels),
        status=AlertStatus.FIRING,
        labels=labels,
        annotations={
            "summary": "Test notification",
            "description": f"Asked for by {action.by}. {action.comment}".strip(),
            "action": "None: this shows that messages reach you.",
        },
        active_at=action.at,
        starts_at=action.at,
        sent_at=action.at,
        rule=RuleRef(name="TocsinTest", group="tocsin-notifier"),
    )
