"""An alert's story from its row, what people did and what was sent. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.api.alerts.model import Alert, TimelineEntry
from services.common.events import ActionEvent

_DONE: dict[str, str] = {"acknowledge": "acknowledged", "unacknowledge": "unacknowledged"}
_RESULTS = {
    "delivered": "Delivered",
    "temporary_failure": "Failed, tried again",
    "permanent_failure": "Failed for good",
    "expired": "Given up, too late to be of use",
    "suppressed": "Held back",
    "receipt": "Confirmed by the provider",
}
_ORDER = ("active", "firing", "notification", "acknowledged", "unacknowledged", "comment", "resolved", "verdict")


def build_timeline(
    alert: Alert,
    actions: Iterable[ActionEvent],
    notifications: Iterable[Mapping[str, Any]],
    notes: Iterable[Mapping[str, Any]] = (),
) -> list[TimelineEntry]:
    """Return what happened, oldest first."""
    entries = [
        TimelineEntry(at=alert.active_at, kind="active", text="The condition first held."),
        TimelineEntry(at=alert.starts_at, kind="firing", text=alert.summary or alert.name),
    ]
    entries += [
        TimelineEntry.model_validate(
            {"at": action.at, "kind": _DONE[action.kind], "by": action.by, "text": action.comment}
        )
        for action in actions
        if action.kind in _DONE
    ]
    entries += [_notification(row) for row in notifications]
    entries += [TimelineEntry.model_validate(dict(note)) for note in notes]
    if alert.status == "resolved" and alert.ends_at is not None:
        entries.append(TimelineEntry(at=alert.ends_at, kind="resolved", text="The condition holds no more."))
    return sorted(entries, key=lambda entry: (entry.at, _ORDER.index(entry.kind)))


def _notification(row: Mapping[str, Any]) -> TimelineEntry:
    attempt = f", attempt {row['attempt']}" if row["attempt"] > 1 else ""
    return TimelineEntry(
        at=row["at"],
        kind="notification",
        by=row["receiver"],
        text=f"{_RESULTS.get(row['result'], row['result'])} ({row['cause']}{attempt})",
        channel=row["channel"],
        recipient=row["recipient"],
        result=row["result"],
        reason=row["reason"],
    )
