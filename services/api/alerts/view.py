"""The alerts that fire or have just resolved, in memory: the page lives from it also while Postgres is away. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.api.alerts.build import alert_from_event, first_acknowledgement
from services.api.alerts.model import Alert
from services.api.model import SEVERITIES
from services.common.events import ActionEvent, AlertEvent

RESOLVED_KEPT = 3600.0
"""Seconds that a resolved alert can still be looked up here."""
HOLDS = 300.0
"""Seconds that a firing alert holds when its event does not say how long, as those from the record."""
ACTIONS_KEPT = 7 * 86_400.0
_RANK: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}
_ROUNDING = 0.001  # Postgres keeps microseconds, events all digits: what is nearer than this is the same moment


@dataclass(frozen=True)
class _Known:
    alert: Alert
    """As the newest event tells it."""
    heard: float
    until: float
    """Firing: how long this holds unless it is confirmed."""
    shown: Alert
    """With acknowledgement and notifications."""


class AlertView:
    """Takes events and actions in any order and any number of times; the newest state wins."""

    def __init__(self) -> None:
        self.version = 0
        """Grows with every visible change."""
        self._known: dict[str, _Known] = {}
        self._actions: dict[str, dict[str, ActionEvent]] = {}
        self._notifications: dict[str, int] = {}
        self._firing: tuple[int, list[Alert]] = (-1, [])

    def apply_event(self, event: AlertEvent) -> bool:
        """Take an alert's state; return whether anything visible changed."""
        until = event.ends_at if event.ends_at is not None else event.sent_at + HOLDS
        return self._put(alert_from_event(event), event.sent_at, until)

    def apply_recorded(self, alert: Alert, heard: float) -> bool:
        """Take an alert as the record has it, `heard` at the time of its newest event."""
        given = alert.acknowledged
        actions = self._actions.setdefault(alert.id, {}) if given else {}
        if given and not any(
            action.by == given.by and abs(action.at - given.at) < _ROUNDING for action in actions.values()
        ):
            # The record knows acknowledgements that the stream has already dropped.
            actions[f"recorded-{alert.id}"] = ActionEvent(
                action_id=f"recorded-{alert.id}", kind="acknowledge", at=given.at, by=given.by, alert_id=alert.id,
                comment=given.comment, expires_in=None if given.until is None else given.until - given.at,
            )  # fmt: skip
        known = self._known.get(alert.id)
        if known is not None and heard <= known.heard + _ROUNDING and alert.status == known.alert.status:
            return self._refresh(alert.id)
        plain = alert.model_copy(update={"acknowledged": None, "notifications": 0})
        return self._put(plain, heard, heard + HOLDS)

    def _put(self, alert: Alert, heard: float, until: float) -> bool:
        known = self._known.get(alert.id)
        if known is not None and (heard, alert.status == "resolved") < (known.heard, known.alert.status == "resolved"):
            alert, heard, until = known.alert, known.heard, known.until
        shown = self._show(alert)
        unchanged = known is not None and shown == known.shown
        self._known[alert.id] = _Known(alert, heard, until, known.shown if known and unchanged else shown)
        if unchanged:
            return False
        self.version += 1
        return True

    def _show(self, alert: Alert) -> Alert:
        acknowledged = first_acknowledgement(list(self._actions.get(alert.id, {}).values()))
        notifications = self._notifications.get(alert.id, 0)
        return alert.model_copy(update={"acknowledged": acknowledged, "notifications": notifications})

    def apply_action(self, action: ActionEvent) -> bool:
        """Take what a person did; an action on an alert that comes later waits for it."""
        if action.kind == "test" or not action.alert_id:
            return False
        self._actions.setdefault(action.alert_id, {})[action.action_id] = action
        return self._refresh(action.alert_id)

    def set_notifications(self, counts: Mapping[str, int], asked: Iterable[str]) -> bool:
        """Take how many messages were delivered for each alert that was asked for."""
        changed = False
        for alert_id in asked:
            self._notifications[alert_id] = counts.get(alert_id, 0)
            changed |= self._refresh(alert_id)
        return changed

    def _refresh(self, alert_id: str) -> bool:
        known = self._known.get(alert_id)
        return known is not None and self._put(known.alert, known.heard, known.until)

    def get(self, alert_id: str) -> Alert | None:
        """Return one alert, None when it is not known here (it may be in the record)."""
        known = self._known.get(alert_id)
        return known.shown if known else None

    def actions_of(self, alert_id: str) -> list[ActionEvent]:
        """Return what people did about an alert, oldest first."""
        return sorted(self._actions.get(alert_id, {}).values(), key=lambda action: (action.at, action.action_id))

    def firing(self) -> list[Alert]:
        """Return what fires: worst severity first, then the oldest."""
        if self._firing[0] != self.version:
            alerts = [known.shown for known in self._known.values() if known.shown.status == "firing"]
            alerts.sort(key=lambda alert: (_RANK.get(alert.severity, len(_RANK)), alert.starts_at, alert.id))
            self._firing = (self.version, alerts)
        return self._firing[1]

    def ids(self) -> list[str]:
        """Return the ids of all alerts that are kept here."""
        return list(self._known)

    def firing_until(self) -> list[tuple[Alert, float, float]]:
        """Return what fires, when it was last heard of, and until when that holds."""
        return [
            (known.shown, known.heard, known.until) for known in self._known.values() if known.alert.status == "firing"
        ]

    def prune(self, now: float) -> None:
        """Forget alerts that resolved long ago, and actions that the stream has dropped and no alert needs."""
        for alert_id, known in list(self._known.items()):
            ended = known.alert.ends_at if known.alert.ends_at is not None else known.heard
            if known.alert.status == "resolved" and max(ended, known.heard) < now - RESOLVED_KEPT:
                del self._known[alert_id]
                self._notifications.pop(alert_id, None)
        for alert_id, actions in list(self._actions.items()):
            newest = max(action.at for action in actions.values())
            if alert_id not in self._known and newest < now - ACTIONS_KEPT:
                del self._actions[alert_id]
