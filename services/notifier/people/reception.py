"""From "tell anna" to messages by her channels: chosen by severity, held at her desk, bundled. No I/O."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from services.common.events import AlertEvent
from services.notifier.attempt import noted
from services.notifier.decisions import Decision, Reason
from services.notifier.grouping import Cause
from services.notifier.outbox import Entry, Lane, delivery_id
from services.notifier.people.contacts import Contact, Way, worst
from services.notifier.people.desk import Desk, Held, Rules, held_id, is_idle, judge, release
from services.notifier.people.directory import CONTACT, RECEIVER, Directory
from services.notifier.state import State
from services.notifier.targets import Receivers

_FOLLOWS = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED})
# A story that both of two groups tell is told once; later ones are repeats.
_SAME_STORY = frozenset({Cause.NEW, Cause.CHANGED, Cause.RESOLVED})


class Reception:
    """Turns messages for contacts and named receivers into those of real channels, under one configuration."""

    def __init__(
        self,
        state: State,
        directory: Directory,
        receivers: Receivers,
        retry_for: float,
        gone: Mapping[str, Contact] = MappingProxyType({}),
    ) -> None:
        """`gone`: contacts of earlier configurations, who still hear the end of what they were told."""
        self.state, self.directory, self.receivers, self._retry_for = state, directory, receivers, retry_for
        self._gone = gone

    def successor(self, directory: Directory, receivers: Receivers) -> "Reception":
        """Return what goes on under a new configuration."""
        known = {**self._gone, **self.directory.contacts}
        gone = {name: one for name, one in known.items() if name not in directory.contacts}
        return Reception(self.state, directory, receivers, self._retry_for, gone)

    def take(self, entry: Entry, now: float) -> list[Entry]:
        """Return what goes into the outbox now for a message that is due; what is held back is kept and recorded."""
        if entry.channel == RECEIVER:
            found = [one for part in self._forwarded(entry) for one in self.take(part, now)]
        elif entry.channel == CONTACT:
            found = self._take_contact(entry, now)
        elif entry.status == "test" or entry.cause in _FOLLOWS or (rules := self._storm_rules(entry)) is None:
            found = [entry]
        else:
            found = [entry] if self._passes(desk_of(entry), rules, entry, now) else []
        return found

    def _forwarded(self, entry: Entry) -> Iterator[Entry]:
        # An escalation step that names a receiver means all of its own ways.
        for info in self.receivers.get(entry.recipient, ()):
            if _wanted(entry, info.follows, send_resolved=info.send_resolved):
                for recipient in info.recipients:
                    yield _readdressed(entry, entry.recipient, info.integration, info.channel, recipient)

    def _take_contact(self, entry: Entry, now: float) -> list[Entry]:
        contact = self._known(entry.recipient)
        if contact is None or (entry.recipient in self._gone and not _tells_an_end(entry)):
            self.note(Decision(Reason.UNKNOWN_CONTACT, f"{entry.recipient} is no contact any more"), entry, now)
            return []
        entry = entry.model_copy(update={"severity": worst(entry.alerts)})
        if entry.cause in _FOLLOWS:
            return list(_by_ways(entry, contact, contact.ways))
        if entry.status != "test":
            if self._heard(contact, entry):
                self.note(Decision(Reason.TOLD_ALREADY, f"{contact.name} heard it by another route"), entry, now)
                return []
            if not self._passes(contact.receiver, _rules(contact), entry, now):
                return []
        return self._sent(entry, contact, now)

    def _sent(self, entry: Entry, contact: Contact, now: float) -> list[Entry]:
        ways = contact.chosen(entry.severity, entry.by)
        if not ways:
            by = f" by {', '.join(entry.by)}" if entry.by else ""
            detail = f"{contact.name} takes nothing of severity {entry.severity}{by}"
            self.note(Decision(Reason.NO_CHANNEL, detail), entry, now)
        self.state.put_heard(contact.receiver, entry.alerts)
        return list(_by_ways(entry, contact, ways))

    def _heard(self, contact: Contact, entry: Entry) -> bool:
        if entry.cause not in _SAME_STORY:
            return False
        held = (self.state.held.get(held_id(contact.receiver, event.alert_id)) for event in entry.alerts)
        if any(one is not None for one in held):
            return False
        state, desk_id = self.state, contact.receiver
        return all(state.heard(desk_id, event.alert_id) == event.status.value for event in entry.alerts)

    def _storm_rules(self, entry: Entry) -> Rules | None:
        directory = self.directory
        if directory.storm is None or entry.receiver in directory.storm_except or entry.cause is Cause.DIGEST:
            return None
        return Rules(entry.receiver, storm=directory.storm)

    def _passes(self, desk_id: str, rules: Rules, entry: Entry, now: float) -> bool:
        state = self.state
        waiting = {one.event.alert_id for one in state.held_at(desk_id)}
        new = 0
        if entry.cause in {Cause.NEW, Cause.CHANGED}:
            firing = [event.alert_id for event in entry.alerts if event.status.value == "firing"]
            new = sum(not state.heard(desk_id, alert_id) and alert_id not in waiting for alert_id in firing)
        severity = entry.severity or worst(entry.alerts)
        verdict = judge(state.desks.get(desk_id, Desk(desk_id=desk_id)), rules, severity, new, now)
        ends_what_waits = entry.status == "resolved" and waiting.issuperset(entry.alert_ids)
        if verdict.decision is None and not ends_what_waits:
            state.put_desk(verdict.desk)
            for event in entry.alerts:
                state.drop_held(held_id(desk_id, event.alert_id))
            state.put_heard(desk_id, entry.alerts)
            return True
        if verdict.decision is None:
            # Its beginning waits here: both are told together.
            self._update(desk_id, entry.alerts)
            return False
        state.put_desk(verdict.desk)
        self._hold(desk_id, entry, verdict.decision.reason, now, verdict.until)
        self.note(verdict.decision, entry, now)
        return False

    def _update(self, desk_id: str, alerts: Sequence[AlertEvent]) -> None:
        for event in alerts:
            known = self.state.held.get(held_id(desk_id, event.alert_id))
            if known is not None:
                self.state.put_held(known.model_copy(update={"event": event}))

    def _hold(self, desk_id: str, entry: Entry, reason: Reason, now: float, until: float) -> None:
        for event in entry.alerts:
            known = self.state.held.get(held_id(desk_id, event.alert_id))
            if known is not None:
                self.state.put_held(known.model_copy(update={"event": event, "until": min(known.until, until)}))
                continue
            self.state.put_held(Held(desk_id=desk_id, event=event, reason=reason, since=now, until=until))

    def wake(self, desk_id: str, now: float) -> list[Entry]:
        """Return the digest that leaves a desk, as messages of real channels; empty when its time has not come."""
        desk = self.state.desks.get(desk_id)
        if desk is None:
            return []
        contact = self._contact(desk_id)
        plain = Rules(desk_id.partition("|")[0], storm=self.directory.storm)
        rules = plain if contact is None else _rules(contact)
        after = release(desk, rules, self.state.held_at(desk_id), now)
        self.state.put_desk(after.desk)
        for one in after.stays:
            self.state.put_held(one)
        for one in after.leaves:
            self.state.drop_held(one.held_id)
        if not after.leaves:
            return []
        self.state.put_heard(desk_id, [one.event for one in after.leaves])
        entry = self._digest(desk_id, after.desk.number, [one.event for one in after.leaves], now)
        if contact is None:
            return [entry]
        return self._sent(entry.model_copy(update={"severity": worst(entry.alerts)}), contact, now)

    def _contact(self, desk_id: str) -> Contact | None:
        kind, _, name = desk_id.partition(":")
        return self._known(name) if kind == CONTACT else None

    def _known(self, name: str) -> Contact | None:
        return self.directory.contacts.get(name) or self._gone.get(name)

    def _digest(self, desk_id: str, number: int, events: list[AlertEvent], now: float) -> Entry:
        if "|" in desk_id:
            receiver, integration, recipient = desk_id.split("|", 2)
        else:
            receiver, integration, recipient = desk_id, CONTACT, desk_id.partition(":")[2]
        alerts = tuple(sorted(events, key=lambda event: (event.starts_at, event.fingerprint)))
        lane = Lane(receiver, integration, recipient, f"digest:{desk_id}")
        own = delivery_id(lane, alerts, number)
        firing = any(event.status.value == "firing" for event in alerts)
        acks = self.state.acks
        return Entry(
            delivery_id=own, group_id=lane.group_id, group_key=lane.group_id, group_labels={}, receiver=receiver,
            integration=integration, channel=integration.partition("/")[0], recipient=recipient,
            status="firing" if firing else "resolved", cause=Cause.DIGEST, alerts=alerts, created_at=now,
            give_up_at=now + self._retry_for, next_at=now, thread=own,
            acknowledged={
                one.alert_id: ack.by for one in alerts if (ack := acks.get(one.alert_id)) is not None and ack.active
            },
        )  # fmt: skip

    def note(self, decision: Decision, entry: Entry, now: float, *, held: bool = True) -> None:
        """Record a decision about a message."""
        self.state.put_attempt(noted(decision, entry, at=now, held=held))

    def next_way(self, entry: Entry, *, permanent: bool, now: float, at_once: bool = False) -> Entry | None:
        """Return a contact's message as it goes by their next channel; None: it stays with this one.

        `at_once`: this one will not work soon, but is worth another try when the others fail too.
        """
        kind, _, name = entry.receiver.partition(":")
        contact = self._known(name) if kind == CONTACT else None
        if contact is None or entry.status == "test":
            return None
        if not (permanent or at_once) and now - max(entry.since, entry.created_at) < contact.fallback_after:
            return None
        tried = {**entry.tried, entry.integration: "permanent" if permanent else "temporary"}
        ways = [way for way in contact.wanting(entry.severity) if way.integration != entry.integration]
        free = [way for way in ways if way.integration not in tried]
        again = [way for way in ways if tried.get(way.integration) == "temporary"]
        way = next(iter(free or again), None)
        if way is None or not way.recipients:
            return None
        self.note(Decision(Reason.FELL_OVER, f"{entry.channel} stays broken: {way.channel} instead"), entry, now,
                  held=False)  # fmt: skip
        moved = _readdressed(entry, entry.receiver, way.integration, way.channel, way.recipients[0])
        return moved.model_copy(update={"tried": tried, "since": now, "next_at": now, "attempts": 0, "sending": False})

    def review(self, now: float) -> None:
        """Have all desks looked at: quiet hours may be others now, and contacts may be gone."""
        for desk in list(self.state.desks.values()):
            if desk.release_at is not None:
                self.state.put_desk(desk.model_copy(update={"release_at": now}))

    def sweep(self, now: float) -> None:
        """Forget desks at which nothing waits or counts, and what was heard of alerts that are over."""
        for desk_id, desk in list(self.state.desks.items()):
            if is_idle(desk, now):
                self.state.drop_desk(desk_id)


def desk_of(entry: Entry) -> str:
    """Return the desk of a receiver's own recipient."""
    return f"{entry.receiver}|{entry.integration}|{entry.recipient}"


def _tells_an_end(entry: Entry) -> bool:
    return any(event.status.value == "resolved" for event in entry.alerts)


def _rules(contact: Contact) -> Rules:
    return Rules(contact.name, contact.quiet_hours, contact.rate_limit, contact.storm)


def _wanted(entry: Entry, follows: frozenset[Cause], *, send_resolved: bool) -> bool:
    if entry.cause in _FOLLOWS:
        return entry.cause in follows
    return send_resolved or entry.status != "resolved"


def _by_ways(entry: Entry, contact: Contact, ways: Sequence[Way]) -> Iterator[Entry]:
    for way in ways:
        if _wanted(entry, way.follows, send_resolved=way.send_resolved):
            for recipient in way.recipients:
                yield _readdressed(entry, contact.receiver, way.integration, way.channel, recipient)


def _readdressed(entry: Entry, receiver: str, integration: str, channel: str, recipient: str) -> Entry:
    # The id follows from the message and the way, so that a message worked out anew has the same one.
    def own(of: str) -> str:
        return hashlib.sha256(f"{of}\0{receiver}\0{integration}\0{recipient}".encode()).hexdigest()[:32]

    update = {
        "receiver": receiver, "integration": integration, "channel": channel, "recipient": recipient,
        "delivery_id": own(entry.delivery_id), "thread": own(entry.thread),
    }  # fmt: skip
    return entry.model_copy(update=update)
