"""The people's part of the working copy: desks, what waits at them, escalations. No I/O."""

from collections.abc import Iterable
from typing import NamedTuple

from services.common.events import AlertEvent
from services.notifier.decisions import Reason
from services.notifier.people.desk import Desk, Held
from services.notifier.people.policies import Escalation
from services.notifier.people.wakes import Wakes

DESK, ESCALATION = "desk:", "escalation:"


class Dirty(NamedTuple):
    """Ids whose saved form is out of date, by kind: the whole working copy's, in the order of its kinds."""

    alerts: set[str]
    groups: set[str]
    acks: set[str]
    outbox: set[str]
    attempts: set[str]
    silences: set[str]
    desks: set[str]
    held: set[str]
    escalations: set[str]
    unconfirmed: set[str]


class Ledger:
    """Every change goes through a `put_…` or `drop_…`, which notes what to save."""

    def __init__(self) -> None:
        self.dirty = Dirty(*(set() for _ in Dirty._fields))
        self.desks: dict[str, Desk] = {}
        self.held: dict[str, Held] = {}
        self.escalations: dict[str, Escalation] = {}
        self.wakes = Wakes()
        """When a desk or an escalation is to be looked at."""
        self._at_desk: dict[str, dict[str, None]] = {}
        self._of_group: dict[str, dict[str, None]] = {}
        # In memory only: after a restart the groups themselves know who was told.
        self._heard: dict[str, dict[str, str]] = {}

    def put_desk(self, desk: Desk) -> None:
        """Keep a desk and its time."""
        if self.desks.get(desk.desk_id) == desk:
            return
        self.desks[desk.desk_id] = desk
        self.wakes.set(DESK + desk.desk_id, desk.release_at)
        self.dirty.desks.add(desk.desk_id)

    def drop_desk(self, desk_id: str) -> None:
        """Forget a desk at which nothing waits."""
        self.desks.pop(desk_id, None)
        self.wakes.set(DESK + desk_id, None)
        self.dirty.desks.add(desk_id)

    def put_held(self, held: Held) -> None:
        """Keep an alert at a desk."""
        if self.held.get(held.held_id) == held:
            return
        self.held[held.held_id] = held
        self._at_desk.setdefault(held.desk_id, {})[held.held_id] = None
        self.dirty.held.add(held.held_id)

    def drop_held(self, held_id: str) -> None:
        """Take an alert from its desk."""
        held = self.held.pop(held_id, None)
        if held is None:
            return
        waiting = self._at_desk[held.desk_id]
        del waiting[held_id]
        if not waiting:
            del self._at_desk[held.desk_id]
        self.dirty.held.add(held_id)

    def held_at(self, desk_id: str) -> list[Held]:
        """Return what waits at a desk, oldest first."""
        return [self.held[key] for key in self._at_desk.get(desk_id, ())]

    def put_escalation(self, escalation: Escalation) -> None:
        """Keep an escalation and its timer."""
        key = escalation.escalation_id
        self.escalations[key] = escalation
        self._of_group.setdefault(escalation.group_id, {})[key] = None
        self.wakes.set(ESCALATION + key, escalation.next_at)
        self.dirty.escalations.add(key)

    def drop_escalation(self, key: str) -> None:
        """Forget an escalation that is over."""
        escalation = self.escalations.pop(key, None)
        if escalation is None:
            return
        of_group = self._of_group[escalation.group_id]
        del of_group[key]
        if not of_group:
            del self._of_group[escalation.group_id]
        self.wakes.set(ESCALATION + key, None)
        self.dirty.escalations.add(key)

    def escalations_of(self, group_id: str) -> list[Escalation]:
        """Return the escalations of a group."""
        return [self.escalations[key] for key in self._of_group.get(group_id, ())]

    def put_heard(self, desk_id: str, alerts: Iterable[AlertEvent]) -> None:
        """Remember what an addressee has been told."""
        for event in alerts:
            self._heard.setdefault(event.alert_id, {})[desk_id] = event.status.value

    def heard(self, desk_id: str, alert_id: str) -> str:
        """Return the status that an addressee was told last of an alert, "" when they have not heard of it."""
        return self._heard.get(alert_id, {}).get(desk_id, "")

    def forget_heard(self, alert_id: str) -> None:
        """Forget who heard of an alert: it is long over."""
        self._heard.pop(alert_id, None)

    def rewind_people(self, seconds: float) -> None:
        """Move what is planned back with a clock that was set back; quiet hours keep to the wall's time."""
        for escalation in list(self.escalations.values()):
            if escalation.next_at is not None:
                self.put_escalation(escalation.model_copy(update={"next_at": escalation.next_at - seconds}))
        for held in list(self.held.values()):
            if held.reason is not Reason.QUIET_HOURS:
                self.put_held(held.model_copy(update={"until": held.until - seconds}))
        for desk in list(self.desks.values()):
            times = [held.until for held in self.held_at(desk.desk_id)]
            self.put_desk(desk.model_copy(update={"release_at": min(times, default=None)}))
