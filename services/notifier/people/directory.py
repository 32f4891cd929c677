"""Everybody of one configuration, and whom a receiver's people keys lead to. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from services.notifier.people.contacts import Contact, Storm
from services.notifier.people.policies import Policy, Step, Target
from services.notifier.people.schedules import Schedule
from services.notifier.people.wall_clock import local_time

CONTACT, RECEIVER = "contact", "receiver"
"""Channels of messages that are not for a provider yet: who is meant is worked out when they are due."""
_LOOK_AHEAD = 28 * 86_400.0
_SHORTEST_GAP = 60.0
_MOST_GAPS = 3


class Addressee(NamedTuple):
    """A contact, or a receiver that a policy names."""

    kind: str
    name: str

    @property
    def integration(self) -> str:
        """How a group's record of who was told names it."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Reached:
    """Whom one receiver's people keys name."""

    targets: tuple[Target, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """Contacts, schedules, policies, and what receivers have of them; names are checked where the file is read."""

    contacts: Mapping[str, Contact] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    reached: Mapping[str, Reached] = field(default_factory=dict)
    storm: Storm | None = None
    """For receivers' own channels; contacts have theirs."""
    storm_except: frozenset[str] = frozenset()

    def addressees(self, targets: Iterable[Target], now: float) -> tuple[Addressee, ...]:
        """Return whom the targets mean at that moment, each once."""
        found: list[Addressee] = []
        for target in targets:
            if target.kind == "schedule":
                schedule = self.schedules.get(target.name)
                found += [Addressee(CONTACT, name) for name in (schedule.on_call(now) if schedule else ())]
            else:
                found.append(Addressee(target.kind, target.name))
        return tuple(dict.fromkeys(found))

    def all_targets(self, reached: Reached) -> tuple[Target, ...]:
        """Return whom a receiver names, by itself and by all steps of its policies."""
        policies = (self.policies[name] for name in reached.policies if name in self.policies)
        steps = (target for policy in policies for step in policy.steps for target in step.notify)
        return (*reached.targets, *steps)

    def reaches(self, step: Step, addressee: Addressee, severity: str) -> bool:
        """Tell whether a step gets through to somebody at that severity."""
        if addressee.kind == RECEIVER:
            return True
        contact = self.contacts.get(addressee.name)
        return contact is not None and bool(contact.chosen(severity, step.channels))


class Gap(NamedTuple):
    """Somebody who is meant to be reached and is not; `what` and `index` say where the file names it."""

    what: str
    name: str
    problem: str


def gaps(directory: Directory, now: float) -> Iterator[Gap]:
    """Yield what would reach nobody when it is needed: for a report at load, before it is."""
    for contact in directory.contacts.values():
        yield from _contact_gaps(contact)
    for schedule in directory.schedules.values():
        yield from _schedule_gaps(schedule, directory, now)
    for policy in directory.policies.values():
        yield from _policy_gaps(policy, directory, now)


def _contact_gaps(contact: Contact) -> Iterator[Gap]:
    if not contact.ways:
        yield Gap("contacts", contact.name, "has no channel, so nobody is told")
    elif not contact.chosen("critical"):
        yield Gap("contacts", contact.name, "has no channel that takes critical alerts")


def _schedule_gaps(schedule: Schedule, directory: Directory, now: float) -> Iterator[Gap]:
    if schedule.gaps == "wanted":
        return
    begin = max(now, min(rotation.handover(0, schedule.zone) for rotation in schedule.rotations))
    if begin > now + _SHORTEST_GAP:
        yield Gap("schedules", schedule.name, f"has nobody on call before {_day(begin, schedule)}")
    empty = [
        shift
        for shift in schedule.shifts(begin, begin + _LOOK_AHEAD)
        if not any(name in directory.contacts for name in shift.people) and shift.end - shift.begin > _SHORTEST_GAP
    ]
    for shift in empty[:_MOST_GAPS]:
        span = f"{_day(shift.begin, schedule)} to {_day(shift.end, schedule)}"
        yield Gap("schedules", schedule.name, f"has nobody on call from {span}")
    if len(empty) > _MOST_GAPS:
        more = len(empty) - _MOST_GAPS
        yield Gap("schedules", schedule.name, f"has {more} more gaps within four weeks; write gaps: wanted if so meant")


def _policy_gaps(policy: Policy, directory: Directory, now: float) -> Iterator[Gap]:
    for number, step in enumerate(policy.steps, 1):
        people = directory.addressees(step.notify, now)
        if not people:
            yield Gap("escalation_policies", policy.name, f"step {number} reaches nobody now: nobody is on call")
        elif not any(directory.reaches(step, one, "critical") for one in people):
            by = f" by {', '.join(step.channels)}" if step.channels else ""
            yield Gap("escalation_policies", policy.name, f"step {number} reaches nobody{by} with a critical alert")


def _day(at: float, schedule: Schedule) -> str:
    return f"{local_time(at, schedule.zone):%a %Y-%m-%d %H:%M}"
