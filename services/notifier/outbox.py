"""Messages on their way: durable entries, their order, and when each is tried again. Pure.

A lane is what must stay in order: one group's messages to one recipient by one integration. Only a lane's oldest entry
is tried. An entry that waits is superseded by a newer one of its lane that tells at least of the same alerts.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from services.common.events import AlertEvent
from services.notifier.grouping import Cause

_JITTER = 0.2


class Lane(NamedTuple):
    """What must stay in order."""

    receiver: str
    integration: str
    recipient: str
    group_id: str


class Entry(BaseModel):
    """One message for one recipient, until it is delivered or given up."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    delivery_id: str
    group_id: str
    group_key: str
    group_labels: dict[str, str]
    receiver: str
    integration: str
    """Channel and number in the receiver: `email/0`."""
    channel: str
    recipient: str
    status: Literal["firing", "resolved", "test"]
    cause: Cause
    alerts: tuple[AlertEvent, ...]
    created_at: float
    give_up_at: float
    next_at: float
    thread: str = ""
    """The delivery id of the group's first message to this recipient."""
    acknowledged: dict[str, str] = Field(default_factory=dict)
    """Who took on which of the alerts, by their ids."""
    by: tuple[str, ...] = ()
    """Channels of a contact that an escalation step asks for."""
    severity: str = ""
    """By which a contact's channels are chosen; only where the recipient is a contact."""
    tried: dict[str, str] = Field(default_factory=dict)
    """A contact's channels that this message fell over from: `temporary` or `permanent`."""
    since: float = 0.0
    """When this channel was begun with, where it fell over from another."""
    attempts: int = 0
    sending: bool = False
    """An attempt is under way. Known in memory only: the notifier's lease keeps other copies from sending it."""

    @property
    def lane(self) -> Lane:
        """What this entry must stay in order with."""
        return Lane(self.receiver, self.integration, self.recipient, self.group_id)

    @property
    def alert_ids(self) -> tuple[str, ...]:
        """The episodes that it tells of."""
        return tuple(event.alert_id for event in self.alerts)


def delivery_id(lane: Lane, alerts: Sequence[AlertEvent], number: int) -> str:
    """Return the message's id: the same content at the same place in the group's life gives the same id.

    So a message that is worked out anew after a crash bears the id that the receiver may have seen already.
    """
    told = sorted(f"{event.alert_id}:{event.status.value}" for event in alerts)
    text = "\0".join((*lane, str(number), *told))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def superseded_by(newer: Entry, waiting: Iterable[Entry]) -> list[Entry]:
    """Return the waiting entries of the newer one's lane that need not be sent any more.

    Never one that is being sent: its fate is still open.
    """
    told = set(newer.alert_ids)
    return [
        entry
        for entry in waiting
        if entry.lane == newer.lane
        and entry.delivery_id != newer.delivery_id
        and not entry.sending
        and told.issuperset(entry.alert_ids)
    ]


def back_off(entry: Entry, *, base: float, longest: float, retry_after: float | None) -> float:
    """Return the seconds to wait after the entry's attempt failed: doubling, spread by ±20 %, never under Retry-After.

    The spread comes from the entry's id and attempt, so that it is the same when asked again.
    """
    wait = min(longest, base * 2.0 ** min(entry.attempts - 1, 30))
    digest = hashlib.sha256(f"{entry.delivery_id}:{entry.attempts}".encode()).digest()
    spread = 1 + _JITTER * (int.from_bytes(digest[:4]) / 0xFFFFFFFF * 2 - 1)
    return max(wait * spread, retry_after or 0.0)


def claim(entry: Entry) -> Entry:
    """Return the entry as under way for one more attempt."""
    return entry.model_copy(update={"sending": True, "attempts": entry.attempts + 1})


def released(entry: Entry, *, next_at: float) -> Entry:
    """Return the entry as waiting, to be tried at that time."""
    return entry.model_copy(update={"sending": False, "next_at": next_at})
