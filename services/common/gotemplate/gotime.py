"""Go's time.Time and time.Duration as templates see them."""

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.time_layout import DAYS, MONTHS, Moment, format_moment, parse_moment
from services.common.gotemplate.values import Function, GoValue, function, register_converter

_NANO = 10**9
_MAX = (1 << 63) - 1
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# The calendar repeats itself after 400 years; datetime has the years 1 to 9999, and a zone needs a day of room.
_CYCLE_YEARS, _CYCLE = 400, 146_097 * 86_400
_FIRST, _LAST, _LAST_YEAR = -62_135_510_400, 253_402_214_400, 9999
_UNITS = ((3600 * _NANO, "h"), (60 * _NANO, "m"))
_ZERO_TIME = -62_135_596_800 * _NANO
"""Go's zero time is 1 January of the year 1."""


class Duration(int, GoValue):
    """A time.Duration: whole nanoseconds."""

    go_type = "time.Duration"
    _pointer = False

    @classmethod
    def pointer(cls, nanoseconds: int) -> "Duration":
        """Return a *time.Duration."""
        duration = cls(nanoseconds)
        duration._pointer = True
        return duration

    def go_pointer(self) -> bool:
        """Return whether it is a *time.Duration."""
        return self._pointer

    def go_string(self) -> str:
        """Return it as `1h2m3.5s`, `1.5ms`, `0s`."""
        sign, left = ("-", -int(self)) if self < 0 else ("", int(self))
        if left < _NANO:
            return sign + _below_a_second(left)
        text = ""
        for size, unit in _UNITS:
            count, left = divmod(left, size)
            if count or text:
                text += f"{count}{unit}"
        return f"{sign}{text}{_decimal(left, _NANO)}s"

    def round(self, unit: int) -> "Duration":
        """Return it rounded to a multiple of the unit, halves away from zero."""
        return self._cut(unit, up_from=(unit + 1) // 2)

    def truncate(self, unit: int) -> "Duration":
        """Return it rounded towards zero to a multiple of the unit."""
        return self._cut(unit, up_from=unit)

    def _cut(self, unit: int, *, up_from: int) -> "Duration":
        if unit <= 0:
            return Duration(self)
        size = abs(int(self))
        rest = size % unit
        size += unit - rest if rest >= up_from else -rest
        return Duration(max(-size, -_MAX - 1) if self < 0 else min(size, _MAX))


def _below_a_second(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return "0s"
    for size, unit in ((1_000_000, "ms"), (1000, "µs")):
        if nanoseconds >= size:
            return f"{_decimal(nanoseconds, size)}{unit}"
    return f"{nanoseconds}ns"


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


class Time(GoValue):
    """A time.Time: nanoseconds since the Unix epoch and the zone in which it is shown."""

    go_type = "time.Time"

    def __init__(self, nanoseconds: int, zone: dt.tzinfo = dt.UTC, *, pointer: bool = False) -> None:
        self.nanoseconds = nanoseconds
        self.zone = zone
        self._pointer = pointer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.nanoseconds == other.nanoseconds and self.zone == other.zone

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    @classmethod
    def of(cls, moment: dt.datetime) -> "Time":
        """Return the time of a datetime; one without a zone is taken as UTC."""
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
        microseconds = (aware - _EPOCH) // dt.timedelta(microseconds=1)
        return cls(microseconds * 1000, aware.tzinfo or dt.UTC)

    @classmethod
    def at(cls, seconds: float) -> "Time":
        """Return the time that many seconds after the epoch, to the millisecond."""
        return cls(round(seconds * 1000) * 1_000_000)

    def go_pointer(self) -> bool:
        """Return whether it is a *time.Time."""
        return self._pointer

    def go_string(self) -> str:
        """Return it as `2006-01-02 15:04:05.999999999 -0700 MST`."""
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")

    def go_json(self) -> str:
        """Return it as RFC 3339 with the nanoseconds that are not zero; raises FunctionError for a year beyond."""
        if not 0 <= self.moment().year <= _LAST_YEAR:
            problem = f"Time.MarshalJSON: year outside of range [0,{_LAST_YEAR}]"
            raise FunctionError(f"json: error calling MarshalJSON for type time.Time: {problem}")
        return self.format("2006-01-02T15:04:05.999999999Z07:00")

    def moment(self) -> Moment:
        """Return date, time of day and zone, as shown."""
        seconds, nanoseconds = divmod(self.nanoseconds, _NANO)
        cycles = 0 if _FIRST <= seconds < _LAST else (seconds - _FIRST) // _CYCLE
        shown = (_EPOCH + dt.timedelta(seconds=seconds - cycles * _CYCLE)).astimezone(self.zone)
        offset = shown.utcoffset() or dt.timedelta()
        # A zone that is only an offset has no name in Go.
        name = "" if offset and isinstance(self.zone, dt.timezone) else shown.tzname() or ""
        year = shown.year + cycles * _CYCLE_YEARS
        return Moment(year, shown.replace(tzinfo=None), nanoseconds, int(offset.total_seconds()), name)

    def format(self, layout: str) -> str:
        """Return it in a Go layout."""
        return format_moment(self.moment(), layout)

    def in_zone(self, name: str) -> "Time":
        """Return it shown in that zone of the tz database; raises FunctionError."""
        return Time(self.nanoseconds, load_zone(name))

    def minus(self, other: "Time") -> Duration:
        """Return the time from the other to this."""
        return Duration(max(-_MAX - 1, min(self.nanoseconds - other.nanoseconds, _MAX)))


def load_zone(name: str) -> dt.tzinfo:
    """Return a zone of the tz database; empty and `UTC` are UTC. Raises FunctionError."""
    if name in {"", "UTC"}:
        return dt.UTC
    if ".." in name or name[0] in "/\\":
        raise FunctionError("time: invalid location name")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FunctionError(f"unknown time zone {name}") from None


def parse_time(layout: str, text: str) -> Time:
    """Return the time that a text gives in a Go layout, UTC where it names no zone; raises FunctionError."""
    seconds, nanoseconds, offset = parse_moment(layout, text)
    zone = dt.timezone(dt.timedelta(seconds=offset)) if offset else dt.UTC
    return Time((seconds - offset) * _NANO + nanoseconds, zone)


ZERO_TIME = Time(_ZERO_TIME)

_TIME_METHODS: Mapping[str, Function] = {
    "Add": function(lambda t, d: Time(t.nanoseconds + d, t.zone), "time.Duration"),
    "After": function(lambda t, other: t.nanoseconds > other.nanoseconds, "time.Time"),
    "Before": function(lambda t, other: t.nanoseconds < other.nanoseconds, "time.Time"),
    "Day": function(lambda t: t.moment().local.day),
    "Equal": function(lambda t, other: t.nanoseconds == other.nanoseconds, "time.Time"),
    "Format": function(Time.format, "string"),
    "Hour": function(lambda t: t.moment().local.hour),
    "IsZero": function(lambda t: t.nanoseconds == _ZERO_TIME),
    "Local": function(lambda t: Time(t.nanoseconds)),
    "Minute": function(lambda t: t.moment().local.minute),
    "Month": function(lambda t: Month(t.moment().local.month)),
    "Nanosecond": function(lambda t: t.nanoseconds % _NANO),
    "Second": function(lambda t: t.moment().local.second),
    "String": function(Time.go_string),
    "Sub": function(Time.minus, "time.Time"),
    "UTC": function(lambda t: Time(t.nanoseconds)),
    "Unix": function(lambda t: t.nanoseconds // _NANO),
    "UnixMilli": function(lambda t: t.nanoseconds // 1_000_000),
    "UnixMicro": function(lambda t: t.nanoseconds // 1000),
    "UnixNano": function(lambda t: t.nanoseconds),
    "Weekday": function(lambda t: Weekday(t.moment().local.isoweekday() % 7)),
    "Year": function(lambda t: t.moment().year),
    "YearDay": function(lambda t: t.moment().local.timetuple().tm_yday),
}

_DURATION_METHODS: Mapping[str, Function] = {
    "Abs": function(lambda d: Duration(min(abs(int(d)), _MAX))),
    "Hours": function(lambda d: d / (3600 * _NANO)),
    "Microseconds": function(lambda d: _towards_zero(d, 1000)),
    "Milliseconds": function(lambda d: _towards_zero(d, 1_000_000)),
    "Minutes": function(lambda d: d / (60 * _NANO)),
    "Nanoseconds": function(int),
    "Round": function(Duration.round, "time.Duration"),
    "Seconds": function(lambda d: d / _NANO),
    "String": function(Duration.go_string),
    "Truncate": function(Duration.truncate, "time.Duration"),
}

Time.go_methods = _TIME_METHODS
Duration.go_methods = _DURATION_METHODS


def _towards_zero(value: int, by: int) -> int:
    return value // by if value >= 0 else -(-value // by)


class Month(int, GoValue):
    """A time.Month: an integer that prints as its name."""

    go_type = "time.Month"
    go_methods: ClassVar[Mapping[str, Function]] = {"String": function(lambda month: month.go_string())}

    def go_string(self) -> str:
        """Return the English name."""
        return MONTHS[self - 1]


class Weekday(int, GoValue):
    """A time.Weekday: an integer from Sunday, 0, that prints as its name."""

    go_type = "time.Weekday"
    go_methods: ClassVar[Mapping[str, Function]] = {"String": function(lambda day: day.go_string())}

    def go_string(self) -> str:
        """Return the English name."""
        return DAYS[self - 1]


register_converter(dt.datetime, Time.of)
register_converter(dt.timedelta, lambda span: Duration(span // dt.timedelta(microseconds=1) * 1000))
