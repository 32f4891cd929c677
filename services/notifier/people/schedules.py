"""On-call schedules: who has the duty when, by rotations, restrictions and overrides. Pure."""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from services.common.config import StrictModel
from services.common.durations import parse_duration
from services.notifier.people.fields import LocalTime, Minutes, Weekdays, Zone, every_day
from services.notifier.people.wall_clock import instant, local_time

_DAY = 86_400.0
_NAMED = {"day": _DAY, "week": 7 * _DAY}
_WHOLE_DAY = 24 * 60
_SHORTEST = 600.0


def _every(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        length = _NAMED[value] if isinstance(value, str) and value in _NAMED else parse_duration(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a rotation; write day, week or a duration like 12h or 2w") from None
    if length < _SHORTEST:
        raise ValueError(f"{value!r} is too short for a duty; the least are 10 minutes")
    return length


class Restriction(StrictModel):
    """When a rotation has the duty at all; where `to` is not after `from` it ends on the next day."""

    days: Weekdays = Field(default_factory=every_day)
    from_: Minutes = Field(default=0, alias="from")
    to: Minutes = _WHOLE_DAY

    def windows(self, first: dt.date, last: dt.date, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
        """Yield begin and end of each window that begins on one of these days."""
        day = first
        while day <= last:
            if day.isoweekday() % 7 in self.days:
                midnight = dt.datetime.combine(day, dt.time())
                over = _WHOLE_DAY if self.to <= self.from_ else 0
                yield (
                    instant(midnight + dt.timedelta(minutes=self.from_), zone),
                    instant(midnight + dt.timedelta(minutes=self.to + over), zone),
                )
            day += dt.timedelta(days=1)


class Rotation(StrictModel):
    """Members who hand the duty over to each other at a fixed time on the wall."""

    name: str = ""
    members: tuple[str, ...] = Field(min_length=1)
    starts: LocalTime
    """The first member's first duty, local time; before it nobody has this rotation's duty."""
    every: Annotated[float, BeforeValidator(_every)] = 7 * _DAY
    """Seconds of a turn. Whole days are days on the wall: the hand-over stays at its hour when clocks are changed."""
    restrictions: tuple[Restriction, ...] = ()

    def handover(self, number: int, zone: ZoneInfo) -> float:
        """Return when the turn with that number (from 0) begins."""
        if self.every % _DAY:
            return instant(self.starts, zone) + number * self.every
        return instant(self.starts + dt.timedelta(seconds=number * self.every), zone)

    def turn(self, at: float, zone: ZoneInfo) -> int | None:
        """Return the number of the turn at that moment; None before the first."""
        if at < self.handover(0, zone):
            return None
        number = int((local_time(at, zone) - self.starts).total_seconds() // self.every)
        # Hours on the wall are not hours: changed clocks move the guess by one at most.
        while self.handover(number + 1, zone) <= at:
            number += 1
        while number > 0 and self.handover(number, zone) > at:
            number -= 1
        return max(0, number)

    def on_duty(self, at: float, zone: ZoneInfo) -> str | None:
        """Return who has the duty; None when this rotation has none at that moment."""
        number = self.turn(at, zone)
        if number is None or not self._open(at, zone):
            return None
        return self.members[number % len(self.members)]

    def _open(self, at: float, zone: ZoneInfo) -> bool:
        if not self.restrictions:
            return True
        today = local_time(at, zone).date()
        days = (today - dt.timedelta(days=1), today + dt.timedelta(days=1))
        return any(begin <= at < end for one in self.restrictions for begin, end in one.windows(*days, zone))

    def edges(self, begin: float, end: float, zone: ZoneInfo) -> Iterator[float]:
        """Yield the moments between the two at which the duty may change."""
        number = self.turn(begin, zone)
        number = 0 if number is None else number + 1
        while (at := self.handover(number, zone)) < end:
            yield at
            number += 1
        days = (local_time(begin, zone).date() - dt.timedelta(days=1), local_time(end, zone).date())
        for one in self.restrictions:
            for window in one.windows(*days, zone):
                yield from window


class Override(StrictModel):
    """Somebody takes over for a while; without `instead_of` from all."""

    contact: str | None = None
    """Who takes over; without it nobody does."""
    instead_of: str | None = None
    from_: LocalTime = Field(alias="from")
    to: LocalTime

    @model_validator(mode="after")
    def _in_order(self) -> "Override":
        if self.from_ >= self.to:
            raise ValueError("from must be before to")
        return self

    def window(self, zone: ZoneInfo) -> tuple[float, float]:
        """Return the moments at which it begins and ends."""
        return instant(self.from_, zone), instant(self.to, zone)


class ExactOverride(Override):
    """One that was agreed for moments, not for times on a wall: of an hour that comes twice it knows which it is."""

    begin: float
    end: float

    @classmethod
    def made(cls, contact: str, instead_of: str | None, begin: float, end: float, zone: ZoneInfo) -> "ExactOverride":
        """Return it with its times on the wall, which nothing but its showing needs."""
        # Not checked: where clocks are set back its end may stand before its begin on the wall.
        return cls.model_construct(
            contact=contact, instead_of=instead_of, from_=local_time(begin, zone), to=local_time(end, zone),
            begin=begin, end=end,
        )  # fmt: skip

    def window(self, _zone: ZoneInfo) -> tuple[float, float]:
        """Return its moments."""
        return self.begin, self.end


class Schedule(StrictModel, arbitrary_types_allowed=True):
    """Who is on call: each rotation gives one person, then overrides are laid on top in their order."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_. -]+$")
    time_zone: Zone
    rotations: tuple[Rotation, ...] = Field(min_length=1)
    overrides: tuple[Override, ...] = ()
    gaps: Literal["report", "wanted"] = "report"
    """wanted: that nobody is on call at times is meant so."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all its times."""
        return self.time_zone

    def on_call(self, at: float) -> tuple[str, ...]:
        """Return the contacts on call, each once, in the rotations' order."""
        people = [name for one in self.rotations if (name := one.on_duty(at, self.zone)) is not None]
        for override in self.overrides:
            begin, end = override.window(self.zone)
            if not begin <= at < end:
                continue
            if override.instead_of is None:
                people = [override.contact] if override.contact is not None else []
            elif override.instead_of in people:
                place = people.index(override.instead_of)
                people[place : place + 1] = [override.contact] if override.contact is not None else []
        return tuple(dict.fromkeys(people))

    def shifts(self, begin: float, end: float) -> list["Shift"]:
        """Return the stretches between the two moments in which the same people are on call, gaps too."""
        edges = {begin, end}
        for rotation in self.rotations:
            edges.update(at for at in rotation.edges(begin, end, self.zone) if begin < at < end)
        for override in self.overrides:
            edges.update(at for at in override.window(self.zone) if begin < at < end)
        ordered = sorted(edges)
        found: list[Shift] = []
        for start, stop in itertools.pairwise(ordered):
            people = self.on_call(start)
            if found and found[-1].people == people:
                found[-1] = Shift(found[-1].begin, stop, people)
            else:
                found.append(Shift(start, stop, people))
        return found


class Shift(NamedTuple):
    """A stretch of time and who is on call in it; nobody: a gap."""

    begin: float
    end: float
    people: tuple[str, ...]
