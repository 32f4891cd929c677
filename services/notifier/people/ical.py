"""An on-call schedule as a calendar feed (RFC 5545). Pure."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping

from services.notifier.people.schedules import Shift

_LINE = 75


def calendar(name: str, shifts: Iterable[Shift], titles: Mapping[str, str], *, now: float) -> str:
    """Return the feed: one event for each stretch and person; gaps are left out. `titles`: names by contact."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tocsin//On call//EN",
        "CALSCALE:GREGORIAN",
        f"X-WR-CALNAME:{_text(f'On call: {name}')}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
    ]
    for shift in shifts:
        for person in shift.people:
            digest = hashlib.sha256(f"{name}\0{person}\0{shift.begin}".encode()).hexdigest()[:32]
            lines += [
                "BEGIN:VEVENT",
                f"UID:{digest}@tocsin",
                f"DTSTAMP:{_utc(now)}",
                f"DTSTART:{_utc(shift.begin)}",
                f"DTEND:{_utc(shift.end)}",
                f"SUMMARY:{_text(f'{titles.get(person, person)} on call ({name})')}",
                "TRANSP:TRANSPARENT",
                "END:VEVENT",
            ]
    return "\r\n".join([*map(_folded, lines), "END:VCALENDAR", ""])


def _utc(at: float) -> str:
    return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> str:
    # At most 75 bytes a line; a character is never cut.
    found, room = [""], _LINE
    for char in line:
        size = len(char.encode())
        if size > room:
            found.append("")
            room = _LINE - 1
        found[-1] += char
        room -= size
    return "\r\n ".join(found)
