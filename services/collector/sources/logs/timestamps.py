"""Times as logs write them, as seconds since the epoch."""

import math
import re
from datetime import UTC, datetime

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<part>\d{1,9}))?"
    r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
ISO = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)\b)?"
"""The pattern of such a time, for the formats' own patterns."""
# Milli-, micro- and nanoseconds are told from seconds by their size: these begin in 1973 if read as seconds.
_SCALES = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))


def parse_time(value: object) -> float | None:
    """Return the time of an ISO text (comma or point, with or without a zone) or of a number; None for anything else.

    A text without a zone is local time, as Python's logging and Postgres write it.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_number(float(value))
    text = str(value).strip()
    found = _ISO.match(text)
    if found is None:
        try:
            return _from_number(float(text))
        except ValueError:
            return None
    zone = found["zone"] or ""
    zone = "+00:00" if zone in {"Z", "UTC", "GMT"} else zone
    part = (found["part"] or "0")[:6].ljust(6, "0")
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time']}.{part}{zone}")
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _from_number(number: float) -> float | None:
    if not math.isfinite(number) or number <= 0:
        return None
    for least, scale in _SCALES:
        if number >= least:
            return number / scale
    return number


def hour_of(time: float) -> int:
    """Return the start of the hour (UTC) that a time lies in."""
    return int(datetime.fromtimestamp(time, UTC).replace(minute=0, second=0, microsecond=0).timestamp())
