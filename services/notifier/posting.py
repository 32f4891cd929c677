"""What is due goes into the outbox: one entry for each way to reach a receiver and each recipient. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.common.events import ActionEvent
from services.notifier import attempt
from services.notifier.attempt import Result
from services.notifier.decisions import Decision, Reason
from services.notifier.grouping import Cause, Due
from services.notifier.outbox import Entry, Lane, delivery_id, superseded_by
from services.notifier.people.directory import CONTACT, RECEIVER, Addressee, Directory
from services.notifier.people.reception import Reception
from services.notifier.state import State, StoredGroup
from services.notifier.targets import IntegrationInfo, Receivers
from services.notifier.trial import trial_event

__all__ = ["IntegrationInfo", "Limits", "Posting", "Receivers"]
_PEOPLE = (CONTACT, RECEIVER)


@dataclass(frozen=True)
class Limits:
    """How long messages are tried and episodes are remembered, in seconds; how many silences there may be."""

    retry_for: float = 14_400.0
    retention: float = 3_600.0
    silence_retention: float = 432_000.0
    max_silences: int = 10_000


class Posting:
    """Makes outbox entries under one configuration, and remembers the earlier ones' receivers."""

    def __init__(self, state: State, receivers: Receivers, limits: Limits, directory: Directory | None = None) -> None:
        self.state, self.receivers, self.limits = state, receivers, limits
        self.directory = directory or Directory()
        self.reception = Reception(state, self.directory, receivers, limits.retry_for)
        self._former: dict[tuple[str, str], IntegrationInfo] = {}

    def reconfigure(self, receivers: Receivers, directory: Directory) -> None:
        """Take new receivers and people into force."""
        for name, infos in self.receivers.items():
            self._former.update({(name, info.integration): info for info in infos})
        self.receivers, self.directory = receivers, directory
        self.reception = self.reception.successor(directory, receivers)

    def infos(self, group: StoredGroup, also: Iterable[Addressee], now: float) -> list[IntegrationInfo]:
        """Return the ways to the group's receiver: the configuration's, then those by which people were told before.

        The latter may have gone from the configuration; whoever was told of an alert still hears its end. `also` are
        those whom an escalation has reached.
        """
        found = {info.integration: info for info in self.receivers.get(group.receiver, ())}
        if (reached := self.directory.reached.get(group.receiver)) is not None:
            people = (*self.directory.addressees(reached.targets, now), *also)
            found.update({one.integration: _person(one) for one in people})
        for key in group.threads:
            name = key.partition("|")[0]
            if name not in found:
                # After a restart nothing is left of the old configuration but who was told.
                empty = IntegrationInfo(name, name.partition("/")[0], send_resolved=True, recipients=())
                former = self._former.get((group.receiver, name), empty)
                found[name] = IntegrationInfo(name, former.channel, former.send_resolved, ())
        return list(found.values())

    def enqueue(self, group: StoredGroup, due: Due, now: float, also: Iterable[Addressee] = ()) -> StoredGroup:
        """Put a group's message into the outbox; return the group with who was told."""
        if due.news and due.firing:
            self._note_gaps(group, due, now)
        return self._tell(group, self.infos(group, also, now), due, now)

    def _note_gaps(self, group: StoredGroup, due: Due, now: float) -> None:
        reached = self.directory.reached.get(group.receiver)
        for target in reached.targets if reached is not None else ():
            if not self.directory.addressees([target], now):
                decision = Decision(Reason.NOBODY, f"nobody is on call in schedule {target.name}")
                self.state.put_attempt(attempt.suppressed(
                    decision, alert_ids=due.firing, group_key=group.key, receiver=group.receiver, cause=due.cause,
                    at=now,
                ))  # fmt: skip

    def escalate(
        self, group: StoredGroup, people: Iterable[Addressee], due: Due, now: float, by: tuple[str, ...]
    ) -> StoredGroup:
        """Tell those people only; return the group with who was told."""
        return self._tell(group, [_person(one) for one in people], due, now, by)

    def _tell(
        self, group: StoredGroup, infos: Iterable[IntegrationInfo], due: Due, now: float, by: tuple[str, ...] = ()
    ) -> StoredGroup:
        threads = dict(group.threads)
        for info in infos:
            if not (due.news or (info.send_resolved and due.resolved)):
                continue
            ids = due.firing + (due.resolved if info.send_resolved else ())
            alerts = tuple(self.state.alerts[key].event for key in ids)
            for recipient in _recipients(group.threads, info, due):
                lane = Lane(group.receiver, info.integration, recipient, group.group_id)
                own = delivery_id(lane, alerts, due.number)
                thread = threads.setdefault(f"{info.integration}|{recipient}", own)
                self._post(Entry(
                    delivery_id=own, group_id=group.group_id, group_key=group.key, group_labels=group.labels,
                    receiver=group.receiver, integration=info.integration, channel=info.channel, recipient=recipient,
                    status="firing" if due.firing else "resolved", cause=due.cause, alerts=alerts, created_at=now,
                    give_up_at=now + self.limits.retry_for, next_at=now, thread=thread,
                    acknowledged=self._acknowledged(ids), by=by,
                ), now)  # fmt: skip
        return group.model_copy(update={"threads": threads})

    def _acknowledged(self, alert_ids: Iterable[str]) -> dict[str, str]:
        acks = self.state.acks
        return {key: ack.by for key in alert_ids if (ack := acks.get(key)) is not None and ack.active}

    def follow(self, group: StoredGroup, cause: Cause, now: float) -> None:
        """Tell those integrations that update their messages what has changed: the group's alerts as they are."""
        members = group.core.members
        ids = tuple(key for key, one in members.items() if one.told_at is not None and one.view.firing)
        if not ids:
            return
        alerts = tuple(self.state.alerts[key].event for key in ids)
        told = map(_person, _told_people(group.threads))
        for info in (*self.receivers.get(group.receiver, ()), *told):
            if cause not in info.follows:
                continue
            for recipient in info.recipients:
                thread = group.threads.get(f"{info.integration}|{recipient}")
                if thread is None:
                    continue
                lane = Lane(group.receiver, info.integration, recipient, group.group_id)
                entry = Entry(
                    delivery_id=delivery_id(lane, alerts, round(now * 1000)), group_id=group.group_id,
                    group_key=group.key, group_labels=group.labels, receiver=group.receiver,
                    integration=info.integration, channel=info.channel, recipient=recipient, status="firing",
                    cause=cause, alerts=alerts, created_at=now, give_up_at=now + self.limits.retry_for, next_at=now,
                    thread=thread, acknowledged=self._acknowledged(ids),
                )  # fmt: skip
                for one in self.reception.take(entry, now):
                    # Supersedes nothing: what it updates may itself still wait.
                    self.state.put_entry(one)

    def _post(self, entry: Entry, now: float) -> None:
        for one in self.reception.take(entry, now):
            self.put(one, now)

    def put(self, entry: Entry, now: float) -> None:
        """Put a message into the outbox, in place of those that it says all of."""
        for old in superseded_by(entry, list(self.state.queue.lane(entry.lane))):
            self.state.drop_entry(old.delivery_id)
            self.state.put_attempt(attempt.record(old, Result.EXPIRED, at=now, reason="superseded"))
        self.state.put_entry(entry)

    def test(self, action: ActionEvent, now: float) -> str:
        """Put a test message to a receiver into the outbox; return "" or why that can't be done."""
        infos = self.receivers.get(action.receiver)
        if infos is None:
            return "unknown_receiver"
        reached = self.directory.reached.get(action.receiver)
        if reached is not None:
            infos = (*infos, *map(_person, self.directory.addressees(self.directory.all_targets(reached), now)))
        event = trial_event(action)
        for info in infos:
            for recipient in info.recipients:
                lane = Lane(action.receiver, info.integration, recipient, f"test:{action.action_id}")
                own = delivery_id(lane, [event], 1)
                self._post(Entry(
                    delivery_id=own, group_id=lane.group_id, group_key=f"test:{action.action_id}",
                    group_labels={"alertname": event.labels["alertname"]}, receiver=action.receiver,
                    integration=info.integration, channel=info.channel, recipient=recipient, status="test",
                    cause=Cause.TEST, alerts=(event,), created_at=now, give_up_at=now + self.limits.retry_for,
                    next_at=now, thread=own,
                ), now)  # fmt: skip
        return "" if infos else "receiver_without_channels"


def _person(one: Addressee) -> IntegrationInfo:
    # Which of their channels tell of ends and follow acknowledgements is worked out by the reception.
    follows = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED})
    return IntegrationInfo(one.integration, one.kind, send_resolved=True, recipients=(one.name,), follows=follows)


def _told_people(threads: Iterable[str]) -> list[Addressee]:
    names = (key.partition("|")[0].partition("/") for key in threads)
    return [Addressee(kind, name) for kind, _, name in names if kind in _PEOPLE]


def _recipients(threads: Mapping[str, str], info: IntegrationInfo, due: Due) -> list[str]:
    # Who was told that it fires is told of its end, also when the configuration has dropped them since;
    # who was added since is not told of the end of what they never heard of.
    told = [key.partition("|")[2] for key in threads if key.partition("|")[0] == info.integration]
    if not due.news:
        return told
    return list(dict.fromkeys([*info.recipients, *(told if due.resolved else ())]))
