"""Contacts: how somebody is reached, by severity, and how much at once. Pure."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from services.common.config import StrictModel
from services.common.durations import Duration
from services.common.events import AlertEvent, Severity
from services.notifier.grouping import Cause
from services.notifier.people.quiet_hours import QuietHours

_ORDER = {severity.value: rank for rank, severity in enumerate(Severity)}
_UNNAMED = Severity.WARNING.value


class RateLimit(StrictModel):
    """So many messages an hour; what is over it is bundled into the next one."""

    per_hour: int = Field(ge=1)
    critical_within: Duration = Field(default=60.0, ge=0)
    """A bundle with something critical in it leaves after so long, whatever the limit."""


class Storm(StrictModel):
    """Over so many new alerts a minute, one digest from time to time in place of single messages."""

    new_alerts_per_minute: int = Field(default=20, ge=1)
    digest_every: Duration = Field(default=60.0, ge=1)


class Way(NamedTuple):
    """One of a contact's channels, as it was built."""

    integration: str
    channel: str
    recipients: tuple[str, ...]
    severities: frozenset[str]
    send_resolved: bool = True
    follows: frozenset[Cause] = frozenset()


class Contact(NamedTuple):
    """Somebody who can be told."""

    name: str
    title: str = ""
    """For people: the whole name."""
    ways: tuple[Way, ...] = ()
    deliver: Literal["first", "all"] = "first"
    fallback_after: float = 120.0
    quiet_hours: tuple[QuietHours, ...] = ()
    rate_limit: RateLimit | None = None
    storm: Storm | None = None

    @property
    def receiver(self) -> str:
        """Under which name the contact's channels are built."""
        return receiver_of(self.name)

    def wanting(self, severity: str) -> list[Way]:
        """Return all ways that take that severity, in their order."""
        return [way for way in self.ways if severity in way.severities]

    def chosen(self, severity: str, by: Sequence[str] = ()) -> list[Way]:
        """Return the ways to use for that severity; `by` names channels that are wanted in place of the first."""
        wanting = self.wanting(severity)
        if by:
            return [way for way in wanting if way.channel in by]
        return wanting if self.deliver == "all" else wanting[:1]


def receiver_of(contact: str) -> str:
    """Return the receiver name under which a contact's channels are built."""
    return f"contact:{contact}"


def worst(alerts: Iterable[AlertEvent]) -> str:
    """Return the severity that a message about these alerts has; one without a severity counts as a warning."""
    found = [severity_of(event) for event in alerts]
    return min(found, key=lambda name: _ORDER[name], default=_UNNAMED)


def severity_of(event: AlertEvent) -> str:
    """Return an alert's severity; a word that we don't know counts as a warning."""
    name = event.labels.get("severity", "").lower()
    return name if name in _ORDER else _UNNAMED
