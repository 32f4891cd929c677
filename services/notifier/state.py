"""The notifier's working copy: episodes, groups, acknowledgements, outbox, attempts; and what of it is not saved."""

import heapq
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from services.notifier.alerts import Acknowledgement, AlertRecord
from services.notifier.attempt import Attempt
from services.notifier.grouping import AlertView, Group
from services.notifier.outbox import Entry, released
from services.notifier.people.desk import Desk, Held
from services.notifier.people.ledger import Ledger
from services.notifier.people.policies import Escalation
from services.notifier.queue import Queue
from services.notifier.silences import Silence

_LONGEST = 120.0


class StoredGroup(BaseModel):
    """A group's state and what it is of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    group_id: str
    route_id: str
    receiver: str
    key: str
    labels: dict[str, str]
    core: Group
    threads: dict[str, str] = Field(default_factory=dict)
    """`<integration>|<recipient>` → delivery id of the first message: who was told of this group."""


KINDS: dict[str, type[BaseModel]] = {
    "alerts": AlertRecord,
    "groups": StoredGroup,
    "acks": Acknowledgement,
    "outbox": Entry,
    "attempts": Attempt,
    "silences": Silence,
    "desks": Desk,
    "held": Held,
    "escalations": Escalation,
    "unconfirmed": Entry,
}
"""Each kind is a hash of JSON by id."""


class State(Ledger):
    """Memory is the working copy; every change goes through a `put_…` or `drop_…`, which notes what to save."""

    def __init__(self, *, max_attempts: int = 50_000) -> None:
        super().__init__()
        self.alerts: dict[str, AlertRecord] = {}
        self.latest: dict[str, str] = {}
        self.groups: dict[str, StoredGroup] = {}
        # A tuple for most have one or two, and a set takes four times the memory.
        self.memberships: dict[str, tuple[str, ...]] = {}
        self.acks: dict[str, Acknowledgement] = {}
        self.queue = Queue()
        self.attempts: dict[str, Attempt] = {}
        self.attempts_dropped = 0
        self.unconfirmed: dict[str, Entry] = {}
        """Messages to people that a provider has taken and may still say to have failed, by delivery id."""
        self.unpublished: dict[str, AlertRecord] = {}
        """Posted alerts' newest reports for the record, until they are on the stream."""
        self._published_at: dict[str, float] = {}
        self.silences: dict[str, Silence] = {}
        self.silences_version = 0
        """Rises with each change of a silence, so that what was worked out from them is known to be old."""
        self._max_attempts = max_attempts
        self._timers: list[tuple[float, str]] = []

    def put_alert(self, record: AlertRecord) -> str:
        """Keep an episode's newest report; return its id, for the caller to go on with: a storm has many."""
        alert_id, mark = record.event.alert_id, record.event.fingerprint
        self.alerts[alert_id] = record
        known = self.alerts.get(self.latest.get(mark, ""))
        if known is None or known.event.starts_at <= record.event.starts_at:
            self.latest[mark] = alert_id
        self.dirty.alerts.add(alert_id)
        return alert_id

    def drop_alert(self, alert_id: str) -> None:
        """Forget an episode and its acknowledgement."""
        record = self.alerts.pop(alert_id)
        if self.latest.get(record.event.fingerprint) == alert_id:
            del self.latest[record.event.fingerprint]
        self.dirty.alerts.add(alert_id)
        self._published_at.pop(alert_id, None)
        self.forget_heard(alert_id)
        self.drop_ack(alert_id)

    def publish(self, alert_id: str, record: AlertRecord, now: float) -> None:
        """Have a posted alert's report go to the record: each change, and while it fires what it holds anew in time."""
        event = record.event
        if record.firing:
            holds = (event.ends_at or now) - now
            if now - self._published_at.get(alert_id, -_LONGEST) < min(_LONGEST, holds / 2):
                return
            self._published_at[alert_id] = now
        else:
            self._published_at.pop(alert_id, None)
        self.unpublished[alert_id] = record

    def newest(self, fingerprint: str) -> AlertRecord | None:
        """Return the newest episode of a label set."""
        return self.alerts.get(self.latest.get(fingerprint, ""))

    def view(self, alert_id: str) -> AlertView | None:
        """Return what grouping needs to know of an episode; None when it is not known."""
        record = self.alerts.get(alert_id)
        if record is None:
            return None
        ack = self.acks.get(alert_id)
        return record.view(alert_id, acknowledged=ack is not None and ack.active)

    def put_group(self, group: StoredGroup) -> None:
        """Keep a group and its timer."""
        before = self.groups.get(group.group_id)
        old = before.core.members.keys() if before else set()
        for alert_id in old - group.core.members.keys():
            self._leave(alert_id, group.group_id)
        for alert_id in group.core.members.keys() - old:
            self.memberships[alert_id] = (*self.memberships.get(alert_id, ()), group.group_id)
        self.groups[group.group_id] = group
        if before is None or before.core.next_flush != group.core.next_flush:
            heapq.heappush(self._timers, (group.core.next_flush, group.group_id))
        self.dirty.groups.add(group.group_id)

    def drop_group(self, group_id: str) -> None:
        """Forget a group that is over."""
        group = self.groups.pop(group_id)
        for alert_id in group.core.members:
            self._leave(alert_id, group_id)
        self.dirty.groups.add(group_id)

    def _leave(self, alert_id: str, group_id: str) -> None:
        left = tuple(one for one in self.memberships.get(alert_id, ()) if one != group_id)
        if left:
            self.memberships[alert_id] = left
        else:
            self.memberships.pop(alert_id, None)

    def next_timer(self) -> float | None:
        """Return when the next group, desk or escalation is to be looked at."""
        return min((at for at in (self._next_group(), self.wakes.next()) if at is not None), default=None)

    def _next_group(self) -> float | None:
        while self._timers and not self._is_live(*self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def due_groups(self, now: float, limit: int) -> list[str]:
        """Return ids of up to `limit` groups whose time has come, taking their timers off."""
        found: dict[str, None] = {}
        while len(found) < limit and (when := self._next_group()) is not None and when <= now:
            found[heapq.heappop(self._timers)[1]] = None
        return list(found)

    def _is_live(self, when: float, group_id: str) -> bool:
        group = self.groups.get(group_id)
        return group is not None and group.core.next_flush == when

    def put_ack(self, alert_id: str, ack: Acknowledgement) -> None:
        """Keep who acknowledged an episode."""
        self.acks[alert_id] = ack
        self.dirty.acks.add(alert_id)

    def drop_ack(self, alert_id: str) -> None:
        """Forget an acknowledgement."""
        if self.acks.pop(alert_id, None) is not None:
            self.dirty.acks.add(alert_id)

    def put_entry(self, entry: Entry) -> None:
        """Keep an outbox entry."""
        self.queue.put(entry)
        self.dirty.outbox.add(entry.delivery_id)

    def drop_entry(self, delivery_id: str) -> None:
        """Take an outbox entry out: its fate is recorded."""
        self.queue.remove(delivery_id)
        self.dirty.outbox.add(delivery_id)

    def put_unconfirmed(self, entry: Entry) -> None:
        """Keep a message that its provider has taken, until it says what became of it."""
        self.unconfirmed[entry.delivery_id] = entry
        self.dirty.unconfirmed.add(entry.delivery_id)

    def drop_unconfirmed(self, delivery_id: str) -> None:
        """Forget a message whose end is known, or waited for no more."""
        if self.unconfirmed.pop(delivery_id, None) is not None:
            self.dirty.unconfirmed.add(delivery_id)

    def put_attempt(self, attempt: Attempt) -> None:
        """Queue an attempt's record for Postgres; over the bound the oldest goes and is counted."""
        self.attempts[str(attempt.attempt_id)] = attempt
        self.dirty.attempts.add(str(attempt.attempt_id))
        while len(self.attempts) > self._max_attempts:
            self.drop_attempt(next(iter(self.attempts)))
            self.attempts_dropped += 1

    def drop_attempt(self, attempt_id: str) -> None:
        """Forget an attempt that Postgres has."""
        self.attempts.pop(attempt_id, None)
        self.dirty.attempts.add(attempt_id)

    def put_silence(self, silence: Silence) -> None:
        """Keep a silence."""
        self.silences[silence.silence_id] = silence
        self.silences_version += 1
        self.dirty.silences.add(silence.silence_id)

    def drop_silence(self, silence_id: str) -> None:
        """Forget a silence that is long over."""
        del self.silences[silence_id]
        self.silences_version += 1
        self.dirty.silences.add(silence_id)

    def table(self, kind: str) -> dict[str, BaseModel]:
        """Return what is kept of one kind, by id."""
        source: object = self.queue.entries if kind == "outbox" else getattr(self, kind)
        assert isinstance(source, dict)  # noqa: S101 - narrows for the type checker; the kinds are our own attributes
        return source

    def absorb(self, kind: str, models: Iterable[tuple[str, BaseModel]]) -> None:
        """Take in what was saved; what memory has already is newer and stays."""
        for key, model in models:
            if kind == "unconfirmed" and isinstance(model, Entry):
                self.put_unconfirmed(model)
            elif key not in self.table(kind):
                self._take_in(key, model)

    def _take_in(self, key: str, model: BaseModel) -> None:
        match model:
            case AlertRecord():
                self.put_alert(model)
            case StoredGroup():
                self.put_group(model)
            case Acknowledgement():
                self.put_ack(key, model)
            case Entry():
                # What an earlier life was sending is nobody's now.
                self.put_entry(released(model, next_at=model.next_at))
            case Attempt():
                self.put_attempt(model)
            case Silence():
                self.put_silence(model)
            case Desk():
                self.put_desk(model)
            case Held():
                self.put_held(model)
            case Escalation():
                self.put_escalation(model)

    def clean(self) -> None:
        """Note that everything is saved."""
        for ids in self.dirty:
            ids.clear()
