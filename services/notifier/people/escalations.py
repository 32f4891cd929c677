"""Escalations at work: begun with a group's message, gone on with in time, ended by an answer. No I/O."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.notifier.attempt import noted
from services.notifier.decisions import Decision, Reason
from services.notifier.gate import Gate
from services.notifier.grouping import Cause, Due
from services.notifier.outbox import Entry
from services.notifier.people.contacts import worst
from services.notifier.people.directory import Addressee
from services.notifier.people.policies import (
    Escalation,
    Policy,
    Step,
    advance,
    begin,
    escalation_id,
    told_steps,
)
from services.notifier.posting import Posting
from services.notifier.state import State, StoredGroup

_LOOK_AGAIN = 30.0


class Open(NamedTuple):
    """A group's alerts that fire: nobody has taken on, or hidden just now; and why none is open."""

    unanswered: tuple[str, ...]
    hidden: Decision | None
    answered_by: str


class Escalations:
    """Works on one state by one configuration's posting and gate."""

    def __init__(
        self, state: State, posting: Posting, gate: Gate, quiet: Callable[[StoredGroup, float], Decision | None]
    ) -> None:
        self.state, self.posting, self.gate, self._quiet = state, posting, gate, quiet

    def begin(self, group: StoredGroup, due: Due, now: float) -> tuple[StoredGroup, tuple[Addressee, ...]]:
        """Begin the receiver's policies with a group's message, or go on; return whom they have the message go to."""
        directory = self.posting.directory
        reached = directory.reached.get(group.receiver)
        if reached is None or not due.firing or not due.news:
            return group, ()
        found: list[Addressee] = []
        for name in reached.policies:
            policy = directory.policies.get(name)
            if policy is not None:
                group, people = self._begin_one(group, policy, due, now)
                found += people
        return group, tuple(dict.fromkeys(found))

    def _begin_one(
        self, group: StoredGroup, policy: Policy, due: Due, now: float
    ) -> tuple[StoredGroup, Sequence[Addressee]]:
        known = self.state.escalations.get(escalation_id(group.group_id, policy.name))
        directory = self.posting.directory
        if known is not None and (known.next_at is not None or due.cause is Cause.CHANGED):
            if due.cause is Cause.REPEAT:
                # The policy's own steps are the repeats while it is at work.
                return group, ()
            return group, [one for step in told_steps(known, policy) for one in directory.addressees(step.notify, now)]
        if not self._open(due.firing, now).unanswered:
            return group, ()
        taken = begin(policy, group.group_id, now)
        if not self._keep(taken.escalation, taken.step, group, policy, now):
            # A step that reaches nobody must cost no time.
            self.state.put_escalation(taken.escalation.model_copy(update={"next_at": now}))
        people = directory.addressees(taken.step.notify, now)
        if not taken.step.channels:
            return group, people
        # By channels of its own, so not with the message that all get.
        return self.posting.escalate(group, people, due, now, taken.step.channels), ()

    def restart(self, group_id: str, now: float) -> None:
        """Begin anew: nobody has the group's alerts in hand any more."""
        group = self.state.groups.get(group_id)
        if group is None or not (firing := self._told(group)):
            return
        due = self._due(firing, now)
        group, people = self.begin(group, due, now)
        self.state.put_group(self.posting.escalate(group, people, due, now, ()))

    def over(self, group: StoredGroup, now: float) -> None:
        """End what is at work for a group that is over."""
        for escalation in self.state.escalations_of(group.group_id):
            self._end(escalation, group, Open((), None, ""), now)

    def wake(self, key: str, now: float) -> None:
        """Take the next step of an escalation whose time has come, unless somebody has answered."""
        escalation = self.state.escalations.get(key)
        if escalation is None:
            return
        group = self.state.groups.get(escalation.group_id)
        policy = self.posting.directory.policies.get(escalation.policy)
        if group is None or policy is None or not self._still_leads(group, policy):
            self.state.drop_escalation(key)
            return
        now_open = self._open(self._told(group), now)
        if not now_open.unanswered and now_open.hidden is None:
            self._end(escalation, group, now_open, now)
            return
        hold = self._quiet(group, now) or (None if now_open.unanswered else now_open.hidden)
        if hold is not None:
            self._put_off(escalation, group, hold, now)
            return
        self._step(escalation, group, policy, now_open.unanswered, now)

    def _still_leads(self, group: StoredGroup, policy: Policy) -> bool:
        reached = self.posting.directory.reached.get(group.receiver)
        return reached is not None and policy.name in reached.policies and not group.core.retired

    def _step(
        self, escalation: Escalation, group: StoredGroup, policy: Policy, alert_ids: tuple[str, ...], now: float
    ) -> None:
        # As at the beginning; at most one round of steps that reach nobody is gone through.
        for _ in policy.steps:
            taken = advance(escalation, policy, now)
            if taken is None:
                self.state.put_escalation(escalation.model_copy(update={"next_at": None}))
                return
            escalation = taken.escalation
            reached = self._keep(escalation, taken.step, group, policy, now)
            self._tell(group, taken.step, self._due(alert_ids, now), now)
            if reached:
                return

    def _tell(self, group: StoredGroup, step: Step, due: Due, now: float) -> None:
        people = self.posting.directory.addressees(step.notify, now)
        present = self.state.groups[group.group_id]
        self.state.put_group(self.posting.escalate(present, people, due, now, step.channels))

    @staticmethod
    def _due(alert_ids: tuple[str, ...], now: float) -> Due:
        return Due(Cause.ESCALATED, alert_ids, (), news=True, number=round(now * 1000))

    def _keep(self, escalation: Escalation, step: Step, group: StoredGroup, policy: Policy, now: float) -> bool:
        self.state.put_escalation(escalation)
        directory = self.posting.directory
        alert_ids = self._firing(group)
        severity = worst(self.state.alerts[key].event for key in alert_ids)
        people = directory.addressees(step.notify, now)
        reached = any(directory.reaches(step, one, severity) for one in people)
        names = ", ".join(one.name for one in people) or "nobody"
        again = f", round {escalation.round + 1}" if escalation.round else ""
        detail = f"{policy.name}: escalated to step {escalation.step + 1}{again}: {names}"
        self._note(Decision(Reason.ESCALATED, detail), group, alert_ids, now)
        if not reached:
            problem = f"{policy.name}: step {escalation.step + 1} reaches nobody"
            self._note(Decision(Reason.NOBODY, problem), group, alert_ids, now, held=True)
        return reached

    def review(self, group_id: str, now: float) -> None:
        """End the escalations of a group in which somebody has answered, or nothing fires any more."""
        group = self.state.groups.get(group_id)
        for escalation in self.state.escalations_of(group_id):
            if group is None:
                self.state.drop_escalation(escalation.escalation_id)
                continue
            now_open = self._open(self._told(group), now)
            if not now_open.unanswered and now_open.hidden is None:
                self._end(escalation, group, now_open, now)

    def _end(self, escalation: Escalation, group: StoredGroup, now_open: Open, now: float) -> None:
        self.state.drop_escalation(escalation.escalation_id)
        why = f"acknowledged by {now_open.answered_by}" if now_open.answered_by else "resolved"
        detail = f"{escalation.policy}: stopped after step {escalation.step + 1}: {why}"
        self._note(Decision(Reason.ESCALATION_OVER, detail), group, tuple(group.core.members), now)

    def _put_off(self, escalation: Escalation, group: StoredGroup, why: Decision, now: float) -> None:
        if escalation.waiting != str(why):
            detail = f"{escalation.policy}: step {escalation.step + 2} waits: {why}"
            self._note(Decision(Reason.ESCALATION_PUT_OFF, detail), group, self._firing(group), now, held=True)
        update = {"next_at": now + _LOOK_AGAIN, "waiting": str(why)}
        self.state.put_escalation(escalation.model_copy(update=update))

    def _firing(self, group: StoredGroup) -> tuple[str, ...]:
        return tuple(key for key, one in group.core.members.items() if one.view.firing and key in self.state.alerts)

    def _told(self, group: StoredGroup) -> tuple[str, ...]:
        return tuple(key for key in self._firing(group) if group.core.members[key].told_at is not None)

    def _open(self, alert_ids: tuple[str, ...], now: float) -> Open:
        unanswered, hidden, by = [], None, []
        for key in alert_ids:
            record = self.state.alerts.get(key)
            if record is None or not record.firing:
                continue
            ack = self.state.acks.get(key)
            if ack is not None and ack.active:
                by.append(ack.by)
            elif (why := self.gate.hides(record.event, now)) is not None:
                hidden = why
            else:
                unanswered.append(key)
        return Open(tuple(unanswered), hidden, ", ".join(dict.fromkeys(by)))

    def _note(
        self, decision: Decision, group: StoredGroup, alert_ids: tuple[str, ...], now: float, *, held: bool = False
    ) -> None:
        alerts = tuple(self.state.alerts[key].event for key in alert_ids if key in self.state.alerts)
        like = Entry(
            delivery_id=f"{group.group_id}|{decision.detail}", group_id=group.group_id, group_key=group.key,
            group_labels=group.labels, receiver=group.receiver, integration="", channel="", recipient="",
            status="firing", cause=Cause.ESCALATED, alerts=alerts, created_at=now, give_up_at=now, next_at=now,
        )  # fmt: skip
        self.state.put_attempt(noted(decision, like, at=now, held=held))
