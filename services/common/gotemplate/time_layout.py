"""Go's time layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` says how a time is written."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable

# Not from `calendar`, whose names follow the locale.
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# The order matters: a longer piece is tried before a shorter one that begins it.
_PIECES = (
    "January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|002|_2006|__2|_2|Z070000|Z07:00:00|Z0700|Z07:00|Z07|-070000"
    "|-07:00:00|-0700|-07:00|-07|[.,]0+(?![0-9])|[.,]9+(?![0-9])|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5"
)
_PIECE = re.compile(_PIECES)


@dataclass(frozen=True)
class Moment:
    """A time as shown: local date and time of day to the second, nanoseconds, offset in seconds, zone's name.

    datetime has the years 1 to 9999; for another year, `local` is in one whose calendar is the same.
    """

    year: int
    local: dt.datetime
    nanoseconds: int
    offset: int
    zone: str


def format_moment(moment: Moment, layout: str) -> str:
    """Return the moment in that layout."""
    return _PIECE.sub(lambda match: _format_piece(moment, match[0]), layout)


def _format_piece(moment: Moment, piece: str) -> str:
    local = moment.local
    simple: dict[str, Callable[[], str]] = {
        "January": lambda: MONTHS[local.month - 1],
        "Jan": lambda: MONTHS[local.month - 1][:3],
        "Monday": lambda: DAYS[local.weekday()],
        "Mon": lambda: DAYS[local.weekday()][:3],
        "MST": lambda: moment.zone or _offset(moment.offset, "-0700"),
        "2006": lambda: _year(moment.year),
        "_2006": lambda: f"_{_year(moment.year)}",
        "06": lambda: f"{max(moment.year, 0) % 100:02d}",
        "01": lambda: f"{local.month:02d}",
        "1": lambda: str(local.month),
        "02": lambda: f"{local.day:02d}",
        "_2": lambda: f"{local.day:2d}",
        "2": lambda: str(local.day),
        "002": lambda: f"{local.timetuple().tm_yday:03d}",
        "__2": lambda: f"{local.timetuple().tm_yday:3d}",
        "15": lambda: f"{local.hour:02d}",
        "03": lambda: f"{local.hour % 12 or 12:02d}",
        "3": lambda: str(local.hour % 12 or 12),
        "04": lambda: f"{local.minute:02d}",
        "4": lambda: str(local.minute),
        "05": lambda: f"{local.second:02d}",
        "5": lambda: str(local.second),
        "PM": lambda: "PM" if local.hour >= 12 else "AM",  # noqa: PLR2004 (noon)
        "pm": lambda: "pm" if local.hour >= 12 else "am",  # noqa: PLR2004 (noon)
    }
    if piece in simple:
        return simple[piece]()
    if piece[0] in ".,":
        return _fraction(moment.nanoseconds, piece)
    return _offset(moment.offset, piece)


def _year(year: int) -> str:
    return f"{'-' if year < 0 else ''}{abs(year):04d}"


def _fraction(nanoseconds: int, piece: str) -> str:
    digits = f"{nanoseconds:09d}"[: len(piece) - 1].ljust(len(piece) - 1, "0")
    if piece[1] == "9":
        digits = digits.rstrip("0")
        return f"{piece[0]}{digits}" if digits else ""
    return piece[0] + digits


def _offset(seconds: int, piece: str) -> str:
    if piece[0] == "Z" and seconds == 0:
        return "Z"
    sign = "-" if seconds < 0 else "+"
    minutes, second = divmod(abs(seconds), 60)
    hour, minute = divmod(minutes, 60)
    colon = ":" if ":" in piece else ""
    text = f"{sign}{hour:02d}"
    shape = piece[1:].replace(":", "")
    if len(shape) >= len("0700"):
        text += f"{colon}{minute:02d}"
    if len(shape) >= len("070000"):
        text += f"{colon}{second:02d}"
    return text


_READERS = {
    "January": "|".join(MONTHS),
    "Jan": "|".join(month[:3] for month in MONTHS),
    "Monday": "|".join(DAYS),
    "Mon": "|".join(day[:3] for day in DAYS),
    "MST": r"[A-Z]{3,5}(?:[+-]\d{1,2})?",
    "2006": r"\d{4}",
    "_2006": r"_\d{4}",
    "06": r"\d{2}",
    "01": r"\d{2}",
    "1": r"\d{1,2}",
    "02": r"\d{2}",
    "_2": r" ?\d{1,2}",
    "2": r"\d{1,2}",
    "002": r"\d{3}",
    "__2": r" {0,2}\d{1,3}",
    "15": r"\d{2}",
    "03": r"\d{2}",
    "3": r"\d{1,2}",
    "04": r"\d{2}",
    "4": r"\d{1,2}",
    "05": r"\d{2}",
    "5": r"\d{1,2}",
    "PM": "AM|PM",
    "pm": "am|pm",
}
_NUMBER_FIELDS = {
    "2006": "year",
    "06": "short_year",
    "01": "month",
    "1": "month",
    "02": "day",
    "_2": "day",
    "2": "day",
    "002": "yearday",
    "__2": "yearday",
    "15": "hour",
    "03": "hour12",
    "3": "hour12",
    "04": "minute",
    "4": "minute",
    "05": "second",
    "5": "second",
}


def parse_moment(layout: str, text: str) -> tuple[int, int, int]:
    """Return seconds since the epoch as shown, nanoseconds, and the zone's offset; raises FunctionError."""
    pattern, pieces = _reader(layout)
    match = re.fullmatch(pattern, text, re.ASCII)
    if match is None:
        raise FunctionError(f"parsing time {quote(text)} as {quote(layout)}: cannot parse {quote(text)}")
    fields: dict[str, int] = {"year": 0, "month": 1, "day": 1}
    for index, piece in enumerate(pieces):
        _read_piece(piece, match[f"p{index}"], fields)
    if fraction := match.groupdict().get("fraction"):
        _read_piece(fraction, fraction, fields)
    return _assemble(fields, text)


def _reader(layout: str) -> tuple[str, list[str]]:
    pattern, end = "", 0
    pieces: list[str] = []
    for found in _PIECE.finditer(layout):
        pattern += re.escape(layout[end : found.start()])
        piece = found[0]
        pattern += f"(?P<p{len(pieces)}>{_piece_pattern(piece)})"
        # A fraction may follow the seconds though the layout has none.
        if piece in {"05", "5"} and layout[found.end() : found.end() + 1] not in {".", ","}:
            pattern += r"(?P<fraction>[.,]\d+)?"
        pieces.append(piece)
        end = found.end()
    return pattern + re.escape(layout[end:]), pieces


def _piece_pattern(piece: str) -> str:
    if piece in _READERS:
        return _READERS[piece]
    if piece[0] in ".,":
        return rf"[.,]\d{{{len(piece) - 1}}}" if piece[1] == "0" else r"(?:[.,]\d+)?"
    colon = ":" if ":" in piece else ""
    shape = piece[1:].replace(":", "")
    number = r"[+-]\d{2}" + rf"{colon}\d{{2}}" * (len(shape) // 2 - 1)
    return f"Z|{number}" if piece[0] == "Z" else number


def _read_piece(piece: str, value: str, fields: dict[str, int]) -> None:
    if piece in _NUMBER_FIELDS:
        fields[_NUMBER_FIELDS[piece]] = int(value.strip())
    elif piece == "_2006":
        fields["year"] = int(value[1:])
    elif piece in {"January", "Jan"}:
        fields["month"] = [month[:3] for month in MONTHS].index(value[:3]) + 1
    elif piece in {"PM", "pm"}:
        fields["afternoon"] = value.upper() == "PM"
    elif piece[0] in ".,":
        fields["nanoseconds"] = int(value[1:10].ljust(9, "0")) if value else 0
    elif piece not in {"Monday", "Mon", "MST"}:
        fields["offset"] = _read_offset(value)


def _read_offset(value: str) -> int:
    if value == "Z":
        return 0
    digits = value[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return -seconds if value[0] == "-" else seconds


def _assemble(fields: dict[str, int], text: str) -> tuple[int, int, int]:
    year = fields["year"]
    if "short_year" in fields:
        short = fields["short_year"]
        year = short + (1900 if short >= 69 else 2000)  # noqa: PLR2004 (Go's and POSIX' pivot)
    hour = fields.get("hour", 0)
    if "hour12" in fields:
        hour = fields["hour12"] % 12 if "afternoon" in fields else fields["hour12"]
    if fields.get("afternoon"):
        hour = hour % 12 + 12
    month, day = fields["month"], fields["day"]
    days = 366 if calendar.isleap(year) else 365
    yearday = fields.get("yearday")
    for name, valid in (
        ("month", 1 <= month <= 12),  # noqa: PLR2004 (months)
        ("day", 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year or 4, month)[1]),  # noqa: PLR2004 (months)
        ("hour", hour < 24),  # noqa: PLR2004 (hours)
        ("minute", fields.get("minute", 0) < 60),  # noqa: PLR2004 (minutes)
        ("second", fields.get("second", 0) < 60),  # noqa: PLR2004 (seconds)
        ("day-of-year", yearday is None or 1 <= yearday <= days),
    ):
        if not valid:
            raise FunctionError(f"parsing time {quote(text)}: {name} out of range")
    # A date without a year is in the year 0, which datetime lacks: 400 years later the calendar is the same.
    shift = 400 if year == 0 else 0
    date = dt.date(year + shift, month, day) if yearday is None else dt.date(year + shift, 1, 1)
    ordinal = date.toordinal() + (yearday - 1 if yearday else 0) - (146_097 if shift else 0)
    seconds = (ordinal - dt.date(1970, 1, 1).toordinal()) * 86_400
    seconds += hour * 3600 + fields.get("minute", 0) * 60 + fields.get("second", 0)
    return seconds, fields.get("nanoseconds", 0), fields.get("offset", 0)
