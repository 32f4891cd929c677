"""Everybody of a configuration as others see them: how they are told, who is on call, what reaches nobody. Pure."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping

from services.common.events import Severity
from services.common.people import LONGEST_WAIT, MOST_PER_HOUR, ChosenQuietHours, ChosenRateLimit
from services.common.people_shown import (
    HowTold,
    People,
    Shift,
    ShownChannel,
    ShownContact,
    ShownOverride,
    ShownPolicy,
    ShownRotation,
    ShownSchedule,
    ShownStep,
    ShownTarget,
)
from services.notifier.people.contacts import Contact
from services.notifier.people.directory import RECEIVER, Directory, gaps
from services.notifier.people.policies import Policy, Step
from services.notifier.people.preferences import Preferences
from services.notifier.people.quiet_hours import QuietHours
from services.notifier.people.schedules import Override, Schedule
from services.notifier.people.wall_clock import instant, local_time

WEEKS = 5
_DAY_MINUTES = 24 * 60
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SEVERITIES = tuple(one.value for one in Severity)
_CONTACTS, _SCHEDULES, _POLICIES = "contacts", "schedules", "escalation_policies"


def people_shown(
    written: Directory,
    preferences: Preferences,
    *,
    places: Mapping[tuple[str, str], str],
    receivers: Iterable[str],
    feed: Callable[[str], str],
    now: float,
) -> People:
    """Return everybody; `written` is the directory as the file has it, `feed` gives a schedule's feed path."""
    directory = preferences.applied(written)
    warnings: dict[tuple[str, str], list[str]] = {}
    for gap in gaps(directory, now):
        warnings.setdefault((gap.what, gap.name), []).append(gap.problem)
    for name, problem in preferences.problems(written).items():
        warnings.setdefault((_CONTACTS, name), []).append(f"has made a choice that is not followed: {problem}")

    def told(what: str, name: str) -> tuple[str, ...]:
        return tuple(warnings.get((what, name), ()))

    contacts = tuple(
        ShownContact(
            name=name, title=one.title, place=places.get((_CONTACTS, name), ""), fallback_after=one.fallback_after,
            file=_how(one), now=_how(directory.contacts[name]), warnings=told(_CONTACTS, name),
        )
        for name, one in written.contacts.items()
    )  # fmt: skip
    schedules = tuple(
        _schedule(one, preferences, places.get((_SCHEDULES, name), ""), feed(name), told(_SCHEDULES, name), now)
        for name, one in directory.schedules.items()
    )
    policies = tuple(
        _policy(one, directory, places.get((_POLICIES, name), ""), told(_POLICIES, name), now)
        for name, one in directory.policies.items()
    )
    return People(
        at=now, contacts=contacts, schedules=schedules, policies=policies, receivers=tuple(receivers),
        ignored_overrides=preferences.takeover_problems(written),
    )  # fmt: skip


def _how(contact: Contact) -> HowTold:
    limit = contact.rate_limit
    return HowTold(
        channels=tuple(
            ShownChannel(
                integration=way.integration, channel=way.channel, recipients=way.recipients,
                severities=tuple(name for name in _SEVERITIES if name in way.severities),
            )
            for way in contact.ways
        ),
        deliver=contact.deliver,
        quiet_hours=tuple(_quiet(one) for one in contact.quiet_hours),
        rate_limit=None if limit is None else ChosenRateLimit(
            per_hour=min(limit.per_hour, MOST_PER_HOUR), critical_within=min(limit.critical_within, LONGEST_WAIT)
        ),
    )  # fmt: skip


def _quiet(one: QuietHours) -> ChosenQuietHours:
    days = [_DAYS[number % 7] for number in range(1, 8) if number % 7 in one.days]
    fields = {
        "time_zone": one.zone.key, "days": days, "from": _time(one.from_), "to": _time(one.to),
        "critical_passes": one.critical_passes,
    }  # fmt: skip
    return ChosenQuietHours.model_validate(fields)


def _time(minutes: int) -> str:
    # The day's end, 24:00, is the next one's begin: the same where `to` is not after `from`.
    hour, minute = divmod(minutes % _DAY_MINUTES, 60)
    return f"{hour:02d}:{minute:02d}"


def _schedule(
    one: Schedule, preferences: Preferences, place: str, feed: str, warnings: tuple[str, ...], now: float
) -> ShownSchedule:
    today = local_time(now, one.zone).date()
    monday = dt.datetime.combine(today - dt.timedelta(days=today.weekday()), dt.time())
    weeks = tuple(instant(monday + dt.timedelta(weeks=number), one.zone) for number in range(WEEKS + 1))
    begin, end = weeks[0], weeks[-1]
    rotations = tuple(
        ShownRotation(name=each.name, members=each.members, every=each.every, starts=each.starts.isoformat("T"))
        for each in one.rotations
    )
    return ShownSchedule(
        name=one.name, time_zone=one.zone.key, place=place, on_call=one.on_call(now), rotations=rotations,
        overrides=_overrides(one, preferences, now),
        shifts=tuple(Shift(begin=each.begin, end=each.end, people=each.people) for each in one.shifts(begin, end)),
        weeks=weeks, gaps_wanted=one.gaps == "wanted", feed=feed, warnings=warnings,
    )  # fmt: skip


def _overrides(schedule: Schedule, preferences: Preferences, now: float) -> tuple[ShownOverride, ...]:
    ids = {
        (one.contact, one.instead_of, one.starts_at, one.ends_at): name
        for name, one in preferences.takeovers.items()
        if one.schedule == schedule.name
    }

    def shown(index: int, one: Override) -> ShownOverride:
        begin, end = one.window(schedule.zone)
        name = ids.get((one.contact or "", one.instead_of, begin, end), f"file-{index}")
        return ShownOverride(id=name, contact=one.contact, instead_of=one.instead_of, starts_at=begin, ends_at=end)

    found = (shown(index, one) for index, one in enumerate(schedule.overrides))
    return tuple(one for one in found if one.ends_at > now)


def _policy(policy: Policy, directory: Directory, place: str, warnings: tuple[str, ...], now: float) -> ShownPolicy:
    steps = tuple(_step(step, directory, now) for step in policy.steps)
    return ShownPolicy(name=policy.name, place=place, repeat=policy.repeat, steps=steps, warnings=warnings)


def _step(step: Step, directory: Directory, now: float) -> ShownStep:
    reached = directory.addressees(step.notify, now)
    return ShownStep(
        notify=tuple(ShownTarget(kind=one.kind, name=one.name) for one in step.notify),
        channels=step.channels,
        wait=step.wait,
        reaches=tuple(
            ShownTarget(kind="receiver" if one.kind == RECEIVER else "contact", name=one.name) for one in reached
        ),
    )
