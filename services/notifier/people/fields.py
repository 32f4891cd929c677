"""Fields of the people's part of the configuration: zones, days, times of the day, moments."""

import datetime as dt
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainSerializer

from services.common.events import Severity
from services.notifier.time_intervals import Minutes

__all__ = ["LocalTime", "Minutes", "Severities", "Weekdays", "Zone", "every_day", "every_severity"]
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is not a time zone; write it like Europe/Berlin") from error


def _weekdays(value: object) -> frozenset[int]:
    if isinstance(value, frozenset):
        return value
    found: set[int] = set()
    for item in value if isinstance(value, list | tuple) else [value]:
        first, colon, last = str(item).lower().partition(":")
        begin, end = _day(first.strip()), _day((last if colon else first).strip())
        # A range may go over the week's end: friday:monday.
        found.update((begin + number) % 7 for number in range((end - begin) % 7 + 1))
    if not found:
        raise ValueError("no day is given; leave the key out for every day")
    return frozenset(found)


def _day(name: str) -> int:
    if name not in _DAYS:
        raise ValueError(f"{name!r} is not a weekday; known are: {', '.join(_DAYS)}")
    return _DAYS.index(name)


def _local(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        moment = value
    elif isinstance(value, dt.date):
        moment = dt.datetime.combine(value, dt.time())
    else:
        try:
            moment = dt.datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"{value!r} is not a moment; write it like 2026-03-02T09:00") from None
    if moment.tzinfo is not None:
        raise ValueError(f"{value!r} has a zone; write the local time of time_zone, like 2026-03-02T09:00")
    return moment


def every_day() -> frozenset[int]:
    """Return all days, 0 is Sunday."""
    return frozenset(range(7))


def every_severity() -> frozenset[str]:
    """Return all severities."""
    return frozenset(one.value for one in Severity)


def _severities(value: object) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    items = [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
    known = [one.value for one in Severity]
    for item in items:
        if item not in known:
            raise ValueError(f"{item!r} is not a severity; known are: {', '.join(known)}")
    if not items:
        raise ValueError("no severity is given, so the channel would never be used; leave the key out for all")
    return frozenset(items)


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), PlainSerializer(lambda zone: zone.key, return_type=str)]
Weekdays = Annotated[frozenset[int], BeforeValidator(_weekdays)]
"""0 is Sunday; written as names and ranges of names: `[monday:friday]`."""
LocalTime = Annotated[dt.datetime, BeforeValidator(_local)]
"""A time on the wall, without a zone."""
Severities = Annotated[frozenset[str], BeforeValidator(_severities)]
