"""What is due goes into the outbox: one entry for each way to reach a receiver and each recipient. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.common.events import ActionEvent
from services.notifier import attempt
from services.notifier.attempt import Result
from services.notifier.grouping import Cause, Due
from services.notifier.outbox import Entry, Lane, delivery_id, superseded_by
from services.notifier.state import State, StoredGroup
from services.notifier.trial import trial_event


@dataclass(frozen=True)
class IntegrationInfo:
    """What the engine needs to know of one way to reach a receiver."""

    integration: str
    channel: str
    send_resolved: bool
    recipients: tuple[str, ...]
    follows: frozenset[Cause] = frozenset()
    """Of which changes beside alerts' own it wants to be told: acknowledgements and their end."""


Receivers = dict[str, tuple[IntegrationInfo, ...]]


@dataclass(frozen=True)
class Limits:
    """How long messages are tried and episodes are remembered, in seconds; how many silences there may be."""

    retry_for: float = 14_400.0
    retention: float = 3_600.0
    silence_retention: float = 432_000.0
    max_silences: int = 10_000


class Posting:
    """Makes outbox entries under one configuration, and remembers the earlier ones' receivers."""

    def __init__(self, state: State, receivers: Receivers, limits: Limits) -> None:
        self.state, self.receivers, self.limits = state, receivers, limits
        self._former: dict[tuple[str, str], IntegrationInfo] = {}

    def reconfigure(self, receivers: Receivers) -> None:
        """Take new receivers into force."""
        for name, infos in self.receivers.items():
            self._former.update({(name, info.integration): info for info in infos})
        self.receivers = receivers

    def infos(self, group: StoredGroup) -> list[IntegrationInfo]:
        """Return the ways to the group's receiver: the configuration's, then those by which people were told before.

        The latter may have gone from the configuration; whoever was told of an alert still hears its end.
        """
        found = {info.integration: info for info in self.receivers.get(group.receiver, ())}
        for key in group.threads:
            name = key.partition("|")[0]
            if name not in found:
                # After a restart nothing is left of the old configuration but who was told.
                empty = IntegrationInfo(name, name.partition("/")[0], send_resolved=True, recipients=())
                former = self._former.get((group.receiver, name), empty)
                found[name] = IntegrationInfo(name, former.channel, former.send_resolved, ())
        return list(found.values())

    def enqueue(self, group: StoredGroup, due: Due, now: float) -> StoredGroup:
        """Put a group's message into the outbox; return the group with who was told."""
        threads = dict(group.threads)
        for info in self.infos(group):
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
                    acknowledged=self._acknowledged(ids),
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
        for info in self.receivers.get(group.receiver, ()):
            if cause not in info.follows:
                continue
            for recipient in info.recipients:
                thread = group.threads.get(f"{info.integration}|{recipient}")
                if thread is None:
                    continue
                lane = Lane(group.receiver, info.integration, recipient, group.group_id)
                # Supersedes nothing: what it updates may itself still wait.
                self.state.put_entry(Entry(
                    delivery_id=delivery_id(lane, alerts, round(now * 1000)), group_id=group.group_id,
                    group_key=group.key, group_labels=group.labels, receiver=group.receiver,
                    integration=info.integration, channel=info.channel, recipient=recipient, status="firing",
                    cause=cause, alerts=alerts, created_at=now, give_up_at=now + self.limits.retry_for, next_at=now,
                    thread=thread, acknowledged=self._acknowledged(ids),
                ))  # fmt: skip

    def _post(self, entry: Entry, now: float) -> None:
        for old in superseded_by(entry, list(self.state.queue.lane(entry.lane))):
            self.state.drop_entry(old.delivery_id)
            self.state.put_attempt(attempt.record(old, Result.EXPIRED, at=now, reason="superseded"))
        self.state.put_entry(entry)

    def test(self, action: ActionEvent, now: float) -> str:
        """Put a test message to a receiver into the outbox; return "" or why that can't be done."""
        infos = self.receivers.get(action.receiver)
        if infos is None:
            return "unknown_receiver"
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


def _recipients(threads: Mapping[str, str], info: IntegrationInfo, due: Due) -> list[str]:
    # Who was told that it fires is told of its end, also when the configuration has dropped them since;
    # who was added since is not told of the end of what they never heard of.
    told = [key.partition("|")[2] for key in threads if key.partition("|")[0] == info.integration]
    if not due.news:
        return told
    return list(dict.fromkeys([*info.recipients, *(told if due.resolved else ())]))
