"""`time_intervals` of alertmanager.yml: when a route speaks or keeps quiet. Pure.

Semantics of Alertmanager's `timeinterval` package: an interval holds when each of its fields holds, a field when one of
its ranges does; times are [start, end) in minutes, days of the month below zero count from its end.
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, model_validator

from services.common.config import StrictModel

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
_LAST_DAY = 31
_WHOLE_DAY = 24 * 60
Range = tuple[int, int]


def _minutes(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not (match := _TIME.fullmatch(value)):
        raise ValueError(f"{value!r} is not a time of day; write it like '09:00' (24:00 is the day's end)")
    return _WHOLE_DAY if match[1] is None else int(match[1]) * 60 + int(match[2])


Minutes = Annotated[int, BeforeValidator(_minutes)]


class TimeRange(StrictModel):
    """A part of the day, in minutes since midnight; the end is not in it."""

    start_time: Minutes
    end_time: Minutes

    @model_validator(mode="after")
    def _in_order(self) -> "TimeRange":
        if self.start_time >= self.end_time:
            raise ValueError("start_time must be before end_time; write a night as two ranges, to 24:00 and from 00:00")
        return self


def _ranges(one: Callable[[str], int], check: Callable[[int, int], str]) -> BeforeValidator:
    def read(value: object) -> tuple[Range, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_range(item, one, check) for item in items)

    return BeforeValidator(read)


def _range(item: object, one: Callable[[str], int], check: Callable[[int, int], str]) -> Range:
    if isinstance(item, tuple):
        return item
    first, colon, last = str(item).lower().partition(":")
    begin = one(first.strip())
    end = one(last.strip()) if colon else begin
    if problem := check(begin, end):
        raise ValueError(f"{item!r}: {problem}")
    return begin, end


def _named(names: tuple[str, ...], first: int, what: str) -> Callable[[str], int]:
    def one(text: str) -> int:
        if text in names:
            return names.index(text) + first
        if first and text.isdigit() and first <= int(text) <= len(names):
            return int(text)
        raise ValueError(f"{text!r} is not a {what}; known are: {', '.join(names)}")

    return one


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _in_order(begin: int, end: int) -> str:
    return "the start is after the end; write two ranges" if begin > end else ""


def _days_of_month(begin: int, end: int) -> str:
    for day in (begin, end):
        if not 1 <= abs(day) <= _LAST_DAY:
            return "days are 1 to 31, or -1 (the last) to -31"
    if begin < 0 < end:
        return "a range that starts from the month's end must end there too: write both below zero"
    true_begin, true_end = (day if day > 0 else _LAST_DAY - 1 + day for day in (begin, end))
    return "the end is always before the start" if true_begin > true_end else ""


def _zone(value: object) -> ZoneInfo | None:
    if isinstance(value, ZoneInfo):
        return value
    if value == "Local":
        return None
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is not a time zone; write it like Europe/Berlin") from error


class TimeIntervalSpec(StrictModel, arbitrary_types_allowed=True):
    """One item of a named interval; a field that is left out always holds."""

    times: tuple[TimeRange, ...] | None = None
    weekdays: Annotated[tuple[Range, ...], _ranges(_named(_DAYS, 0, "weekday"), _in_order)] | None = None
    days_of_month: Annotated[tuple[Range, ...], _ranges(_number, _days_of_month)] | None = None
    months: Annotated[tuple[Range, ...], _ranges(_named(_MONTHS, 1, "month"), _in_order)] | None = None
    years: Annotated[tuple[Range, ...], _ranges(_number, _in_order)] | None = None
    location: Annotated[Any, BeforeValidator(_zone)] = ZoneInfo("UTC")
    """A zone's name; `Local` is the machine's own."""

    def contains(self, at: float) -> bool:
        """Tell whether the moment (seconds since the epoch) lies in it, by the wall clock of its location."""
        local = dt.datetime.fromtimestamp(at, self.location)
        minute = local.hour * 60 + local.minute
        if self.times is not None and not any(one.start_time <= minute < one.end_time for one in self.times):
            return False
        return (
            _holds(self.weekdays, local.isoweekday() % 7)
            and _holds(self.months, local.month)
            and _holds(self.years, local.year)
            and (self.days_of_month is None or any(_holds_day(one, local) for one in self.days_of_month))
        )


def _holds(ranges: tuple[Range, ...] | None, value: int) -> bool:
    return ranges is None or any(begin <= value <= end for begin, end in ranges)


def _holds_day(days: Range, local: dt.datetime) -> bool:
    length = calendar.monthrange(local.year, local.month)[1]
    begin, end = (length + day + 1 if day < 0 else day for day in days)
    # A start after the month's end (31 in June) holds in no day of it; an end after it means its last day.
    return begin <= length and begin <= local.day <= min(end, length)


class NamedInterval(StrictModel):
    """One of `time_intervals`."""

    name: str = Field(min_length=1)
    time_intervals: tuple[TimeIntervalSpec, ...]

    def contains(self, at: float) -> bool:
        """Tell whether the moment lies in one of its parts."""
        return any(one.contains(at) for one in self.time_intervals)
