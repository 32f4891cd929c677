"""Which receivers take nothing any more, and since when. Pure."""

from dataclasses import dataclass

from services.common.events import AlertEvent, AlertStatus, RuleRef
from services.common.labels import fingerprint
from services.notifier.alerts import OWN_GROUP
from services.notifier.engine import BROKEN_RECEIVER
from services.notifier.queue import Target

_ENOUGH = 3
# Once may be a provider's mistake.
_CERTAIN = 2
_HOLDS = 300.0


@dataclass
class Failing:
    """A way to a receiver by which nothing has arrived since `since`."""

    since: float
    reason: str
    count: int = 0
    certain: bool = False
    """It will go on until somebody mends it, so there is nothing to wait for."""


class Health:
    """Told of each attempt; a target is broken when it failed for `after` seconds, three times at least.

    One that refuses our login is broken when it has done so twice.
    """

    def __init__(self, after: float) -> None:
        self._after = after
        self.failing: dict[Target, Failing] = {}
        self.worked: set[Target] = set()
        """Targets that have taken something since this copy began to work."""

    def delivered(self, target: Target) -> None:
        """Take in that a message arrived."""
        self.failing.pop(target, None)
        self.worked.add(target)

    def failed(self, target: Target, reason: str, now: float, *, certain: bool = False) -> None:
        """Take in that one did not; `certain`: our login is refused."""
        known = self.failing.setdefault(target, Failing(now, reason))
        known.reason, known.certain = reason, certain
        known.count += 1
        self.worked.discard(target)

    def broken(self, now: float) -> dict[Target, Failing]:
        """Return what takes nothing for too long."""
        return {
            target: one
            for target, one in self.failing.items()
            if (one.certain and one.count >= _CERTAIN) or (one.count >= _ENOUGH and now - one.since >= self._after)
        }


def labels_of(target: Target) -> dict[str, str]:
    """Return the labels of the alert about a target."""
    receiver, integration = target
    return {
        "alertname": BROKEN_RECEIVER, "category": "system", "component": "tocsin", "integration": integration,
        "receiver": receiver, "severity": "critical",
    }  # fmt: skip


def broken_alert(target: Target, failing: Failing, starts_at: float, now: float) -> AlertEvent:
    """Return the alert that says that a target is broken."""
    receiver, integration = target
    labels = labels_of(target)
    return AlertEvent(
        fingerprint=fingerprint(labels),
        status=AlertStatus.FIRING,
        labels=labels,
        annotations={
            "summary": f"Receiver {receiver} can't be reached by {integration}",
            "description": f"Nothing has arrived for {round(now - failing.since)} s: {failing.reason}.",
            "action": "Mend the receiver or its configuration; what waits is sent then.",
        },
        active_at=failing.since,
        starts_at=starts_at,
        ends_at=now + _HOLDS,
        sent_at=now,
        rule=RuleRef(name=BROKEN_RECEIVER, group=OWN_GROUP),
    )


def mended(event: AlertEvent, now: float) -> AlertEvent:
    """Return the same alert as over."""
    return event.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": now, "sent_at": now})
