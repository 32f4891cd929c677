"""Between moments and a place's wall clock, also where its clocks are changed. Pure."""

import datetime as dt
from zoneinfo import ZoneInfo


def local_time(at: float, zone: ZoneInfo) -> dt.datetime:
    """Return what a clock on the wall shows, without a zone."""
    return dt.datetime.fromtimestamp(at, zone).replace(tzinfo=None)


def instant(local: dt.datetime, zone: ZoneInfo, *, late: bool = False) -> float:
    """Return the moment (seconds since the epoch) at which the wall clock first shows at least that time.

    A time that is left out in spring is the moment of the change; of one that comes twice in autumn it is the first,
    with `late` the second.
    """
    first = local.replace(tzinfo=zone, fold=0).timestamp()
    second = local.replace(tzinfo=zone, fold=1).timestamp()
    if first == second:
        return first
    if second > first:
        return second if late else first
    return _change(second, first, zone)


def _change(before: float, after: float, zone: ZoneInfo) -> float:
    # The zone's offset differs between the two; zoneinfo tells no transitions, so look for it to the second.
    low, high = int(before), int(after)
    was = dt.datetime.fromtimestamp(low, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if dt.datetime.fromtimestamp(middle, zone).utcoffset() == was:
            low = middle
        else:
            high = middle
    return float(high)


def told(at: float, zone: ZoneInfo) -> str:
    """Return a moment for people: `08:00 Europe/Berlin`."""
    return f"{dt.datetime.fromtimestamp(at, zone):%H:%M} {zone.key}"
