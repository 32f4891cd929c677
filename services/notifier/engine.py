"""What follows from reports, actions and time: changes of the working copy. No I/O; time is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.common.events import ActionEvent, AlertEvent
from services.notifier import attempt
from services.notifier.alerts import Acknowledgement, AlertRecord, end, is_lapsed, merge
from services.notifier.attempt import Result
from services.notifier.grouping import AlertView, Cause, Due, Group, flush, observe, retire
from services.notifier.outbox import Entry, Lane, delivery_id, superseded_by
from services.notifier.routing import Route, Timing, group_key
from services.notifier.state import State, StoredGroup
from services.notifier.trial import trial_event

_DAY = 86_400.0
_RETIRED = Timing(wait=0.0, interval=60.0)


@dataclass(frozen=True)
class IntegrationInfo:
    """What the engine needs to know of one way to reach a receiver."""

    integration: str
    channel: str
    send_resolved: bool
    recipients: tuple[str, ...]


Receivers = dict[str, tuple[IntegrationInfo, ...]]


@dataclass(frozen=True)
class Limits:
    """How long messages are tried and episodes are remembered, in seconds."""

    retry_for: float = 14_400.0
    retention: float = 3_600.0


@dataclass(frozen=True)
class Report:
    """One event and what kind of program sent it."""

    event: AlertEvent
    origin: Literal["tocsin", "foreign"] = "tocsin"


class Engine:
    """Applies inputs to the state under one configuration."""

    def __init__(self, state: State, tree: Route, receivers: Receivers, limits: Limits) -> None:
        self.state, self.receivers, self.limits = state, receivers, limits
        self.tree = tree
        self._routes = {route.route_id: route for route in tree.walk()}

    def apply(self, reports: Iterable[Report], now: float) -> int:
        """Take reports in; return how many said something new."""
        changed: dict[str, AlertRecord] = {}
        count = 0
        for report in reports:
            merged = merge(self.state.newest(report.event.fingerprint), report.event, now, origin=report.origin)
            for record in (merged.ended, merged.record):
                if record is not None:
                    self.state.put_alert(record)
                    changed[record.event.alert_id] = record
            count += merged.record is not None
        self._regroup(changed.values(), now)
        return count

    def _view(self, record: AlertRecord) -> AlertView:
        ack = self.state.acks.get(record.event.alert_id)
        return record.view(acknowledged=ack is not None and ack.active)

    def _regroup(self, records: Iterable[AlertRecord], now: float) -> None:
        batches: dict[str, list[AlertView]] = {}
        born: dict[str, StoredGroup] = {}
        for record in records:
            view = self._view(record)
            alert_id = record.event.alert_id
            for route in self.tree.match(record.event.labels):
                group = self._group_of(route, record)
                if group.group_id not in self.state.groups:
                    born.setdefault(group.group_id, group)
                batches.setdefault(group.group_id, []).append(view)
            for group_id in self.state.memberships.get(alert_id, ()):
                if group_id not in batches or batches[group_id][-1] is not view:
                    batches.setdefault(group_id, []).append(view)
        for group_id, views in batches.items():
            known = self.state.groups.get(group_id)
            core = observe(known.core if known else None, views, self._timing(known or born[group_id]), now)
            if core is not None:
                self.state.put_group((known or born[group_id]).model_copy(update={"core": core}))

    def _group_of(self, route: Route, record: AlertRecord) -> StoredGroup:
        labels = route.group_labels(record.event.labels)
        key = group_key(route, labels)
        group_id = f"{route.route_id}:{key[len(route.key) + 1 :]}"
        return self.state.groups.get(group_id) or StoredGroup(
            group_id=group_id, route_id=route.route_id, receiver=route.receiver, key=key, labels=labels, core=Group(0.0)
        )

    def _timing(self, group: StoredGroup) -> Timing:
        route = self._routes.get(group.route_id)
        return route.timing if route is not None else _RETIRED

    def flush_due(self, now: float) -> list[Due]:
        """Look at every group whose time has come; put what is due into the outbox."""
        sent: list[Due] = []
        for group_id in self.state.due_groups(now):
            group = self.state.groups[group_id]
            core, due = flush(group.core, self._timing(group), now)
            if due is not None:
                group = self._enqueue(group, due, now)
                sent.append(due)
            if core is None:
                self.state.drop_group(group_id)
            else:
                self.state.put_group(group.model_copy(update={"core": core}))
        return sent

    def _enqueue(self, group: StoredGroup, due: Due, now: float) -> StoredGroup:
        threads = dict(group.threads)
        for info in self.receivers.get(group.receiver, ()):
            if not (due.news or (info.send_resolved and due.resolved)):
                continue
            ids = due.firing + (due.resolved if info.send_resolved else ())
            alerts = tuple(self.state.alerts[key].event for key in ids)
            for recipient in self._recipients(group, info, due):
                lane = Lane(group.receiver, info.integration, recipient, group.group_id)
                own = delivery_id(lane, alerts, due.number)
                thread = threads.setdefault(f"{info.integration}|{recipient}", own)
                self._post(Entry(
                    delivery_id=own, group_id=group.group_id, group_key=group.key, group_labels=group.labels,
                    receiver=group.receiver, integration=info.integration, channel=info.channel, recipient=recipient,
                    status="firing" if due.firing else "resolved", cause=due.cause, alerts=alerts, created_at=now,
                    give_up_at=now + self.limits.retry_for, next_at=now, thread=thread,
                ), now)  # fmt: skip
        return group.model_copy(update={"threads": threads})

    @staticmethod
    def _recipients(group: StoredGroup, info: IntegrationInfo, due: Due) -> list[str]:
        # Who was told that it fires is told of its end, also when the configuration has dropped them since;
        # who was added since is not told of the end of what they never heard of.
        told = [key.partition("|")[2] for key in group.threads if key.partition("|")[0] == info.integration]
        if not due.news:
            return told
        return list(dict.fromkeys([*info.recipients, *(told if due.resolved else ())]))

    def _post(self, entry: Entry, now: float) -> None:
        for old in superseded_by(entry, list(self.state.queue.lane(entry.lane))):
            self.state.drop_entry(old.delivery_id)
            self.state.put_attempt(attempt.record(old, Result.EXPIRED, at=now, reason="superseded"))
        self.state.put_entry(entry)

    def act(self, action: ActionEvent, now: float) -> str:
        """Do what a person asked for; return "" or the reason why it can't be done."""
        if action.kind == "test":
            return self._test(action, now)
        known = self.state.acks.get(action.alert_id)
        if known is not None and known.at > action.at:
            return ""
        active = action.kind == "acknowledge"
        # Kept also when the episode is not known yet: the two streams may overtake each other.
        ack = Acknowledgement(by=action.by, at=action.at, comment=action.comment, active=active)
        self.state.put_ack(action.alert_id, ack)
        if record := self.state.alerts.get(action.alert_id):
            self._regroup([record], now)
        return ""

    def _test(self, action: ActionEvent, now: float) -> str:
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

    def sweep(self, now: float, *, heard_since: float | None) -> Sequence[AlertRecord]:
        """End what has lapsed and forget what is long over; return what was ended."""
        lapsed = [record for record in self.state.alerts.values() if is_lapsed(record, now, heard_since=heard_since)]
        ended = [end(record, record.event.ends_at or now, now, expired=True) for record in lapsed]
        for record in ended:
            self.state.put_alert(record)
        self._regroup(ended, now)
        for alert_id, record in list(self.state.alerts.items()):
            over = not record.firing and now - record.updated_at >= self.limits.retention
            if over and alert_id not in self.state.memberships:
                self.state.drop_alert(alert_id)
        for alert_id, ack in list(self.state.acks.items()):
            if alert_id not in self.state.alerts and now - ack.at >= _DAY:
                self.state.drop_ack(alert_id)
        return ended

    def reconfigure(self, tree: Route, receivers: Receivers, now: float) -> None:
        """Take a new configuration into force: groups that it has no more only tell of resolves; all is routed anew."""
        self.tree, self.receivers = tree, receivers
        self._routes = {route.route_id: route for route in tree.walk()}
        wanted = {
            self._group_of(route, record).group_id
            for record in self.state.alerts.values()
            for route in tree.match(record.event.labels)
        }
        for group_id, group in list(self.state.groups.items()):
            if group_id in wanted:
                kept = replace(group.core, retired=False)
                self.state.put_group(group.model_copy(update={"core": kept}))
                continue
            core = retire(group.core, now)
            if core is None or not receivers.get(group.receiver):
                self.state.drop_group(group_id)
            else:
                self.state.put_group(group.model_copy(update={"core": core}))
        self._regroup([record for record in self.state.alerts.values() if record.firing], now)
