"""What follows from reports, actions and time: changes of the working copy. No I/O; time is an argument."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.common.events import ActionEvent, AlertEvent, SilenceRequest
from services.common.labels import ALERT_NAME
from services.notifier.alerts import OWN_GROUP, Acknowledgement, AlertRecord, end, is_lapsed, merge
from services.notifier.attempt import Result, suppressed
from services.notifier.decisions import Decision, Reason
from services.notifier.gate import Gate, Muting, evaluators
from services.notifier.grouping import AlertView, Cause, Due, Group, flush, note, observe, retire
from services.notifier.people.directory import Directory
from services.notifier.people.escalations import Escalations
from services.notifier.people.ledger import DESK
from services.notifier.posting import IntegrationInfo, Limits, Posting, Receivers
from services.notifier.routing import Route, Timing, group_key
from services.notifier.silences import Silence, SilenceError, UnknownSilenceError, expire, write
from services.notifier.state import State, StoredGroup

__all__ = ["BROKEN_RECEIVER", "Engine", "IntegrationInfo", "Limits", "Receivers", "Report"]
_DAY = 86_400.0
_REMIND = 0.0
_RETIRED = Timing(wait=0.0, interval=60.0)
_NO_MUTING = Muting()
BROKEN_RECEIVER = "TocsinReceiverBroken"
"""The alert about a receiver that can't be reached; it goes to others than that receiver."""


@dataclass(frozen=True)
class Report:
    """One event and what kind of program sent it."""

    event: AlertEvent
    origin: Literal["tocsin", "foreign"] = "tocsin"


class Engine:
    """Applies inputs to the state under one configuration."""

    def __init__(
        self,
        state: State,
        tree: Route,
        receivers: Receivers,
        limits: Limits,
        muting: Muting = _NO_MUTING,
        directory: Directory | None = None,
    ) -> None:
        self.state, self.limits, self.tree = state, limits, tree
        self.posting = Posting(state, receivers, limits, directory)
        self.gate = Gate(state, muting)
        self.escalations = Escalations(state, self.posting, self.gate, self._quiet)
        self._routes = {route.route_id: route for route in tree.walk()}

    @property
    def receivers(self) -> Receivers:
        """The receivers of the configuration in force."""
        return self.posting.receivers

    def apply(self, reports: Iterable[Report], now: float) -> int:
        """Take reports in; return how many said something new."""
        changed: dict[str, AlertRecord] = {}
        count = 0
        for report in reports:
            merged = merge(self.state.newest(report.event.fingerprint), report.event, now, origin=report.origin)
            for record in (merged.ended, merged.record):
                if record is not None:
                    changed[self._keep(record, now)] = record
            count += merged.record is not None
        self._regroup(changed, now)
        return count

    def _keep(self, record: AlertRecord, now: float) -> str:
        alert_id = self.state.put_alert(record)
        if record.origin == "foreign":
            self.state.publish(alert_id, record, now)
        self.gate.observe(record.event, firing=record.firing)
        return alert_id

    def routes_of(self, event: AlertEvent) -> list[Route]:
        """Return the routes that an alert takes; what is said of a broken receiver goes to another."""
        routes = self.tree.match(event.labels)
        if event.rule.group != OWN_GROUP or event.labels.get(ALERT_NAME) != BROKEN_RECEIVER:
            return routes
        broken = event.labels.get("receiver", "")
        return [route for route in routes if route.receiver != broken] or self._detour(broken)

    def _detour(self, broken: str) -> list[Route]:
        names = [self.tree.receiver, *self.receivers]
        others = [name for name in names if name != broken and self.receivers.get(name)]
        return [Route(f"instead of {broken}|{name}", "{}", name, group_by_all=True) for name in others[:1]]

    def _regroup(self, records: Mapping[str, AlertRecord], now: float) -> None:
        batches: dict[str, list[AlertView]] = {}
        born: dict[str, StoredGroup] = {}
        for alert_id, record in records.items():
            view = self.state.view(alert_id)
            if view is None:
                continue
            for route in self.routes_of(record.event):
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

    def flush_due(self, now: float, limit: int = 1_000_000) -> list[Due]:
        """Look at groups, desks and escalations whose time has come; put what is due into the outbox."""
        sent = []
        self._wake(now, limit)
        for group_id in self.state.due_groups(now, limit):
            group = self.state.groups[group_id]
            quiet = self._quiet(group, now)
            reminded = any(one.told_at == _REMIND for one in group.core.members.values())
            hidden = self._hidden(group.core, now)
            core, due = flush(group.core, self._timing(group), now, hidden=hidden.keys(), quiet=quiet is not None)
            if due is not None:
                if reminded and due.cause is Cause.REPEAT:
                    due = replace(due, cause=Cause.REMINDER)
                group, people = self.escalations.begin(group, due, now)
                group = self.posting.enqueue(group, due, now, people)
                sent.append(due)
            if core is None:
                self.escalations.over(group, now)
                self.state.drop_group(group_id)
                continue
            core = self._note(group, core, hidden, quiet, now)
            self.state.put_group(group.model_copy(update={"core": core}))
        return sent

    def _quiet(self, group: StoredGroup, now: float) -> Decision | None:
        return self.gate.quiet(self._routes.get(group.route_id), now)

    def _wake(self, now: float, limit: int) -> None:
        for key in self.state.wakes.due(now, limit):
            kind, _, name = key.partition(":")
            if kind == DESK.rstrip(":"):
                for entry in self.posting.reception.wake(name, now):
                    self.posting.put(entry, now)
            else:
                self.escalations.wake(name, now)

    def _hidden(self, core: Group, now: float) -> dict[str, Decision]:
        found = {}
        for key, member in core.members.items():
            if member.view.firing and (why := self.gate.hides(self.state.alerts[key].event, now)) is not None:
                found[key] = why
        return found

    def _note(
        self, group: StoredGroup, core: Group, hidden: dict[str, Decision], quiet: Decision | None, now: float
    ) -> Group:
        why = dict(hidden)
        for key, member in core.members.items():
            if key in why or not member.view.firing or member.told_at is not None:
                continue
            # In the pipeline's order: what hides the alert, then the rule's own limits, then the route's hours.
            decision = evaluators(self.state.alerts[key].event) or quiet
            if decision is not None:
                why[key] = decision
        core, news = note(core, {key: str(decision) for key, decision in why.items()})
        by_decision: dict[Decision, list[str]] = {}
        for key in news:
            by_decision.setdefault(why[key], []).append(key)
        for decision, keys in by_decision.items():
            told = any(core.members[key].told_at is not None for key in keys)
            self.state.put_attempt(suppressed(
                decision, alert_ids=tuple(keys), group_key=group.key, receiver=group.receiver,
                cause=Cause.REPEAT if told else Cause.NEW, at=now,
            ))  # fmt: skip
        return core

    def act(self, action: ActionEvent, now: float) -> str:
        """Do what a person asked for; return "" or the reason why it can't be done."""
        if action.kind == "test":
            return self.posting.test(action, now)
        if action.kind in {"silence", "expire_silence"}:
            return self._act_silence(action, now)
        known = self.state.acks.get(action.alert_id)
        if known is not None and known.at > action.at:
            return ""
        active = action.kind == "acknowledge"
        until = action.at + action.expires_in if active and action.expires_in else None
        # Kept also when the episode is not known yet: the two streams may overtake each other.
        ack = Acknowledgement(by=action.by, at=action.at, comment=action.comment, active=active, until=until)
        self.state.put_ack(action.alert_id, ack)
        record = self.state.alerts.get(action.alert_id)
        if record is None:
            return ""
        self._regroup({action.alert_id: record}, now)
        if ack != known:
            self._answered(action, now, ran_out=not active and known is not None and known.ran_out(now))
        return ""

    def _answered(self, action: ActionEvent, now: float, *, ran_out: bool) -> None:
        for group_id in list(self.state.memberships.get(action.alert_id, ())):
            if action.kind == "acknowledge":
                self.posting.follow(self.state.groups[group_id], Cause.ACKNOWLEDGED, now)
                self.escalations.review(group_id, now)
                continue
            self.posting.follow(self.state.groups[group_id], Cause.UNACKNOWLEDGED, now)
            if ran_out:
                self._remind(group_id, action, now)
            else:
                self.escalations.restart(group_id, now)

    def _remind(self, group_id: str, action: ActionEvent, now: float) -> None:
        # As if it had been told long ago: whoever was told hears at once that nobody has it in hand any more.
        group = self.state.groups[group_id]
        member = group.core.members.get(action.alert_id)
        if member is None or member.told_at is None or not member.view.firing:
            return
        members = {**group.core.members, action.alert_id: replace(member, told_at=_REMIND)}
        core = replace(group.core, members=members, next_flush=min(group.core.next_flush, now))
        self.state.put_group(group.model_copy(update={"core": core}))
        decision = Decision(Reason.ACKNOWLEDGEMENT_OVER, action.comment)
        self.state.put_attempt(suppressed(
            decision, alert_ids=(action.alert_id,), group_key=group.key, receiver=group.receiver,
            cause=Cause.REMINDER, at=now,
        ).model_copy(update={"result": Result.NOTED}))  # fmt: skip

    def _act_silence(self, action: ActionEvent, now: float) -> str:
        known = self.state.silences.get(action.silence_id)
        if known is not None and known.updated_at >= action.at:
            return ""
        try:
            if action.kind == "expire_silence":
                self.expire_silence(action.silence_id, now)
            elif action.silence is None:
                return "invalid_silence"
            else:
                self.silence(action.silence, now, known=known, new_id="" if known else action.silence_id)
        except SilenceError:
            return "invalid_silence"
        except UnknownSilenceError:
            return "unknown_silence"
        return ""

    def silence(self, request: SilenceRequest, now: float, *, known: Silence | None = None, new_id: str = "") -> str:
        """Make or change a silence; return its id. Raises SilenceError."""
        written = write(request, known, now, new_id=new_id)
        if written.silence.silence_id not in self.state.silences and len(self.state.silences) >= (
            most := self.limits.max_silences
        ):
            raise SilenceError(f"there are {most} silences already; expire some, or raise notifier.max_silences")
        for one in (written.ended, written.silence):
            if one is not None:
                self.state.put_silence(one)
        return written.silence.silence_id

    def expire_silence(self, silence_id: str, now: float) -> None:
        """End a silence; one that is over stays as it is. Raises UnknownSilenceError."""
        known = self.state.silences.get(silence_id)
        if known is None:
            raise UnknownSilenceError(silence_id)
        if known.state(now) != "expired":
            self.state.put_silence(expire(known, now))

    def sweep(self, now: float, *, heard_since: float | None) -> Sequence[AlertRecord]:
        """End what has lapsed and forget what is long over; return what was ended."""
        lapsed = [record for record in self.state.alerts.values() if is_lapsed(record, now, heard_since=heard_since)]
        ended = [end(record, record.event.ends_at or now, now, expired=True) for record in lapsed]
        self._regroup({self._keep(record, now): record for record in ended}, now)
        for alert_id, record in list(self.state.alerts.items()):
            over = not record.firing and now - record.updated_at >= self.limits.retention
            if over and alert_id not in self.state.memberships:
                self.state.drop_alert(alert_id)
        for alert_id, ack in list(self.state.acks.items()):
            if alert_id not in self.state.alerts and now - ack.at >= _DAY:
                self.state.drop_ack(alert_id)
        for silence_id, silence in list(self.state.silences.items()):
            if now - silence.ends_at >= self.limits.silence_retention:
                self.state.drop_silence(silence_id)
        self.posting.reception.sweep(now)
        return ended

    def rewind(self, seconds: float, now: float) -> None:
        """Move what is planned back with a clock that was set back; else it would all come so much later."""
        for group in list(self.state.groups.values()):
            members = {
                key: replace(one, told_at=min(one.told_at, now)) if one.told_at is not None else one
                for key, one in group.core.members.items()
            }
            core = replace(group.core, members=members, next_flush=group.core.next_flush - seconds)
            self.state.put_group(group.model_copy(update={"core": core}))
        for entry in list(self.state.queue.entries.values()):
            if not entry.sending:
                moved = {"next_at": entry.next_at - seconds, "give_up_at": entry.give_up_at - seconds}
                self.state.put_entry(entry.model_copy(update=moved))
        self.state.rewind_people(seconds)

    def reconfigure(
        self,
        tree: Route,
        receivers: Receivers,
        now: float,
        muting: Muting = _NO_MUTING,
        directory: Directory | None = None,
    ) -> None:
        """Take a new configuration into force: groups that it has no more only tell of resolves; all is routed anew."""
        self.tree = tree
        self.posting.reconfigure(receivers, directory or Directory())
        self.gate = Gate(self.state, muting)
        self.escalations = Escalations(self.state, self.posting, self.gate, self._quiet)
        self.posting.reception.review(now)
        self._routes = {route.route_id: route for route in tree.walk()}
        wanted = {
            self._group_of(route, record).group_id
            for record in self.state.alerts.values()
            for route in self.routes_of(record.event)
        }
        for group_id, group in list(self.state.groups.items()):
            if group_id in wanted:
                kept = replace(group.core, retired=False)
                self.state.put_group(group.model_copy(update={"core": kept}))
                continue
            core = retire(group.core, now)
            if core is None:
                self.state.drop_group(group_id)
            else:
                self.state.put_group(group.model_copy(update={"core": core}))
        self._regroup({key: record for key, record in self.state.alerts.items() if record.firing}, now)
