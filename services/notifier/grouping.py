"""One group of alerts as a state machine: when is which message due.

Alertmanager's semantics: a group's first message comes `group_wait` after its first alert (at once, when that alert
is already older), then the group is looked at every `group_interval`; a message is due when an alert is new, when one
has resolved that was told, or when `repeat_interval` has passed. Two differences: members are episodes, not label
sets, so whoever was told of an episode is told of its end; and an alert's own cooldown, cap and acknowledgement hold
repeats back.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.notifier.routing import Timing


class Cause(StrEnum):
    """Why a message is due."""

    NEW = "new"
    CHANGED = "changed"
    REPEAT = "repeat"
    RESOLVED = "resolved"
    TEST = "test"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ESCALATED = "escalated"
    DIGEST = "digest"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class AlertView:
    """What grouping needs to know of an episode."""

    alert_id: str
    starts_at: float
    firing: bool
    muted: bool = False
    acknowledged: bool = False
    min_repeat: float = 0.0
    """Seconds that the rule's cooldown and hourly cap leave between two messages about this alert."""


@dataclass(frozen=True, slots=True)
class Member:
    """An episode in a group, and when its firing was last told (None: never)."""

    view: AlertView
    told_at: float | None = None
    noted: str = ""
    """Why it is not told now, as the log has it: only a change is recorded."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message to send: all that fires, and what has resolved since the last one."""

    cause: Cause
    firing: tuple[str, ...]
    resolved: tuple[str, ...]
    news: bool
    """True when it tells of an alert that fires and was not told before, or repeats; False: only of resolves."""
    number: int
    """The how-manieth message of this group's life, from 1."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group's whole state; `members` is by alert id."""

    next_flush: float
    members: Mapping[str, Member] = field(default_factory=dict)
    flushed: bool = False
    messages: int = 0
    retired: bool = False
    """The configuration no longer leads here: resolves are still told, nothing else."""


def observe(group: Group | None, views: Iterable[AlertView], timing: Timing, now: float) -> Group | None:
    """Take in the newest state of alerts that route to this group; None when there is still no group to keep."""
    members = dict(group.members) if group else {}
    next_flush = group.next_flush if group else now + timing.wait
    flushed = group.flushed if group else False
    for view in views:
        known = members.get(view.alert_id)
        if known is None and not view.firing:
            continue
        members[view.alert_id] = Member(view, known.told_at, known.noted) if known else Member(view)
        # A group out of force has no interval of its own any more, so an end that it has to tell does not wait for one.
        overdue = view.firing and not flushed and view.starts_at + timing.wait < now
        if overdue or (group is not None and group.retired and not view.firing):
            next_flush = min(next_flush, now)
    if not members:
        return None
    if group is None:
        return Group(next_flush, members)
    return replace(group, next_flush=next_flush, members=members)


def retire(group: Group, now: float) -> Group | None:
    """Keep only what was told and looks at resolves at once; None when nothing was told."""
    members = {key: member for key, member in group.members.items() if member.told_at is not None}
    return replace(group, members=members, retired=True, next_flush=min(group.next_flush, now)) if members else None


def flush(
    group: Group, timing: Timing, now: float, *, hidden: Collection[str] = (), quiet: bool = False
) -> tuple[Group | None, Due | None]:
    """Look at the group at its time; return its next state (None: it is over) and the message that is due.

    `hidden` are alerts that a silence or another alert hides: as in Alertmanager they are in no message while they
    fire, but their end is told to those who heard of them. `quiet`: the route says nothing now; what is due, ends too,
    is told when that is over.
    """
    if quiet:
        waiting = {key: one for key, one in group.members.items() if one.view.firing or one.told_at is not None}
        return _next(group, waiting, timing, now), None
    # Muted and never told: nobody hears of it, neither now nor of its end.
    shown = {
        key: member for key, member in group.members.items() if member.told_at is not None or not member.view.muted
    }
    firing = {key: member for key, member in shown.items() if member.view.firing and key not in hidden}
    new = [] if group.retired else [key for key, member in firing.items() if member.told_at is None]
    resolved = [key for key, member in shown.items() if not member.view.firing and member.told_at is not None]
    repeat = not group.retired and any(_repeat_due(member, timing, now) for member in firing.values())
    kept = {key: member for key, member in group.members.items() if member.view.firing}
    if not (new or resolved or repeat):
        return _next(group, kept, timing, now), None
    if not group.retired:
        kept.update({key: Member(member.view, now) for key, member in firing.items()})
    number = group.messages + 1
    due = Due(
        _cause(group, new, resolved, firing),
        _ordered(firing),
        _ordered_ids(group, resolved),
        bool(new) or repeat,
        number,
    )
    after = _next(group, kept, timing, now)
    return (replace(after, messages=number) if after else None), due


def note(group: Group, why: Mapping[str, str]) -> tuple[Group, list[str]]:
    """Keep why alerts that fire are not told, by alert id; return the group and the ids for which that is news."""
    changed = {
        key: replace(member, noted=why.get(key, ""))
        for key, member in group.members.items()
        if member.noted != why.get(key, "")
    }
    news = [key for key, member in changed.items() if member.noted]
    return (replace(group, members={**group.members, **changed}) if changed else group), news


def _repeat_due(member: Member, timing: Timing, now: float) -> bool:
    view = member.view
    if member.told_at is None or view.muted or view.acknowledged:
        return False
    return now >= member.told_at + max(timing.repeat, view.min_repeat)


def _cause(group: Group, new: list[str], resolved: list[str], firing: Mapping[str, Member]) -> Cause:
    if not firing:
        return Cause.RESOLVED
    if new:
        return Cause.NEW if group.messages == 0 else Cause.CHANGED
    return Cause.CHANGED if resolved else Cause.REPEAT


def _ordered(members: Mapping[str, Member]) -> tuple[str, ...]:
    return tuple(sorted(members, key=lambda key: (members[key].view.starts_at, key)))


def _ordered_ids(group: Group, keys: list[str]) -> tuple[str, ...]:
    return _ordered({key: group.members[key] for key in keys})


def _next(group: Group, members: Mapping[str, Member], timing: Timing, now: float) -> Group | None:
    if not members:
        return None
    return replace(group, members=members, next_flush=now + timing.interval, flushed=True)
