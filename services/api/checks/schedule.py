"""When a job is due next: so long after its last success, or by five cron fields in a time zone; pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab

_FIELDS = 5
# 29 February may be eight years away.
_DAYS = 8 * 366 + 1
_ONE_DAY = timedelta(days=1)
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either `period` seconds, or `cron` (minute hour day-of-month month day-of-week) in the time zone."""

    period: float | None = None
    cron: str = ""
    timezone: str = "UTC"

    def next_after(self, at: float) -> float:
        """Return the first time after `at` that the job is due, both in seconds since the epoch."""
        return at + self.period if self.period is not None else _next_by_cron(self.cron, self.timezone, at)


def check_cron(text: str) -> str:
    """Return the fields with single spaces; raises ValueError with what is wrong."""
    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError("a schedule has five fields: minute hour day-of-month month day-of-week, such as 0 3 * * *")
    cron = " ".join(fields)
    try:
        _next_by_cron(cron, "UTC", 0.0)
    except (ParseException, ValueError) as error:
        raise ValueError(f"{text!r} is no schedule: {error}") from error
    return cron


def check_timezone(name: str) -> str:
    """Return the name if there is such a time zone; raises ValueError."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write it like Europe/Berlin") from error
    return name


@lru_cache(maxsize=4096)
def _next_by_cron(cron: str, timezone: str, at: float) -> float:
    minute, hour, day_of_month, month, day_of_week = cron.split()
    fields = crontab(minute, hour, day_of_week, day_of_month, month)
    zone = ZoneInfo(timezone)
    day = datetime.fromtimestamp(at, zone).date()
    for _ in range(_DAYS):
        if day.month in fields.month_of_year and _fits(fields, day, day_of_month, day_of_week):
            # A local time that clocks jump over comes later than it says, so the day's times are not in order.
            later = [time for time in _times(fields, day, zone) if time > at]
            if later:
                return min(later)
        day += _ONE_DAY
    raise ValueError("no day is ever like that")


def _fits(fields: crontab, day: date, day_of_month: str, day_of_week: str) -> bool:
    by_month, by_week = day.day in fields.day_of_month, day.isoweekday() % _WEEK in fields.day_of_week
    # As in crontab(5): where both are restricted, one is enough.
    if not day_of_month.startswith("*") and not day_of_week.startswith("*"):
        return by_month or by_week
    return by_month and by_week


def _times(fields: crontab, day: date, zone: ZoneInfo) -> list[float]:
    return [
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC).timestamp()
        for hour, minute in product(fields.hour, fields.minute)
    ]
