"""What the notifier knows of each episode, and how a newer report of it is taken in. Pure."""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from services.common.events import AlertEvent, AlertStatus, Muted
from services.notifier.grouping import AlertView
from services.notifier.shared_models import constructed

_HOUR = 3600.0
OWN_GROUP = "tocsin-notifier"
"""The rule group of alerts that the notifier raises itself."""


class Acknowledgement(BaseModel):
    """Who took an episode on, and when; `active` is False after it was given back."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by: str
    at: float
    comment: str = ""
    active: bool = True
    until: float | None = None
    """When it runs out by itself; None: never."""

    def ran_out(self, now: float) -> bool:
        """Tell whether it still counts and its time is up."""
        return self.active and self.until is not None and now >= self.until


class AlertRecord(BaseModel):
    """The newest report of an episode."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: AlertEvent
    origin: Literal["tocsin", "foreign"] = "tocsin"
    """foreign: posted by a program that sends Alertmanager's form only; its silence means that the alert is over."""
    expired: bool = False
    """Resolved by us because nothing more was heard; a newer report that it fires opens it again."""
    updated_at: float

    @property
    def firing(self) -> bool:
        """Whether the episode goes on."""
        return self.event.status is AlertStatus.FIRING

    def view(self, alert_id: str, *, acknowledged: bool) -> AlertView:
        """Return what grouping needs; `alert_id` is the caller's, who holds it already."""
        rule = self.event.rule
        cap = _HOUR / rule.max_alerts_per_hour if rule.max_alerts_per_hour > 0 else 0.0
        return AlertView(
            alert_id=alert_id,
            starts_at=self.event.starts_at,
            firing=self.firing,
            muted=self.event.muted is not Muted.NO,
            acknowledged=acknowledged,
            min_repeat=max(rule.cooldown_seconds, cap),
        )


class Merged(NamedTuple):
    """The record to keep, and the record of an older episode that the event has ended."""

    record: AlertRecord | None
    ended: AlertRecord | None = None


def merge(latest: AlertRecord | None, event: AlertEvent, now: float, *, origin: Literal["tocsin", "foreign"]) -> Merged:
    """Take a report in; `latest` is the newest episode known of its fingerprint.

    Returns no record when the report says nothing new: it is older than what is known, or tells of the end of an
    episode that was never heard of (nobody was told of it, so nobody waits for its end).
    """
    fresh = constructed(AlertRecord, event=event, origin=origin, updated_at=now)
    if latest is None or event.starts_at > latest.event.starts_at:
        if latest is None and event.status is AlertStatus.RESOLVED:
            return Merged(None)
        ended = None
        if latest is not None and latest.firing:
            # The older episode's end was missed; whoever was told of it must be told that it is over.
            ended = end(latest, event.starts_at, now, expired=False)
        return Merged(fresh, ended)
    if event.starts_at < latest.event.starts_at:
        return Merged(None)
    if not latest.firing and not latest.expired:
        return Merged(None)
    if event.status is AlertStatus.FIRING and event.sent_at <= latest.event.sent_at:
        return Merged(None)
    return Merged(fresh)


def end(record: AlertRecord, at: float, now: float, *, expired: bool) -> AlertRecord:
    """Return the record of the same episode, resolved at that moment."""
    event = record.event.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": max(at, record.event.starts_at)})
    return record.model_copy(update={"event": event, "expired": expired, "updated_at": now})


def is_lapsed(record: AlertRecord, now: float, *, heard_since: float | None) -> bool:
    """Tell whether a firing episode is over because nothing more was heard of it.

    A foreign alert lapses at its `ends_at`. One of the evaluator's lapses only when the evaluator has been alive and
    able to say so for as long as its reports hold: a dead evaluator is no recovery. `heard_since` is when it was last
    found alive after an absence (None: it is not heard now).
    """
    event = record.event
    if not record.firing or event.ends_at is None or event.ends_at > now or event.rule.group == OWN_GROUP:
        return False
    if record.origin == "foreign":
        return True
    return heard_since is not None and now - heard_since >= event.ends_at - event.sent_at
