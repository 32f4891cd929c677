"""When a scheduled (beat) task is due: every so many seconds, or by a crontab in its time zone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from celery import Celery
from celery.schedules import ParseException, crontab

_FIELDS = 5
_CRON_REPR = re.compile(r"<crontab: (\S+ \S+ \S+ \S+ \S+) \(m/h/dM/MY/d\)>")
_FREQUENCY_REPR = re.compile(r"<freq: (.+)>")
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_DELTA = re.compile(r"(?:(-?\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Timetable:
    """One scheduled task: `every` seconds, or five crontab fields (minute hour day-of-month month day-of-week)."""

    name: str
    task: str
    every: float | None = None
    cron: str = ""
    timezone: str = "UTC"

    def next_after(self, at: float) -> float:
        """Return the first time that it is due after `at`, both in seconds since the epoch."""
        if self.every is not None:
            return at + self.every
        moment = datetime.fromtimestamp(at, tz=ZoneInfo(self.timezone))
        wait: timedelta = _crontab(self.cron, self.timezone, moment).remaining_estimate(moment)
        return at + wait.total_seconds()


@lru_cache(maxsize=32)
def _app(timezone: str) -> Celery:
    app = Celery("tocsin-timetable", set_as_current=False)
    app.conf.timezone = timezone
    return app


def _crontab(text: str, timezone: str, moment: datetime) -> crontab:
    minute, hour, day_of_month, month_of_year, day_of_week = text.split()
    return crontab(
        minute, hour, day_of_week, day_of_month, month_of_year, nowfun=lambda: moment, app=_app(timezone)
    )  # fmt: skip


def check_cron(text: str) -> str:
    """Return the fields with single spaces; raises ValueError with what is wrong."""
    fields = text.split()
    if len(fields) != _FIELDS:
        raise ValueError("needs five fields: minute hour day-of-month month day-of-week, such as '0 3 * * *'")
    try:
        _crontab(text, "UTC", datetime.fromtimestamp(0, tz=UTC))
    except (ParseException, ValueError) as error:
        raise ValueError(f"{text!r} is no crontab: {error}") from error
    return " ".join(fields)


def check_timezone(name: str) -> str:
    """Return the name if there is such a time zone; raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write it like Europe/Berlin") from error
    return name


def read_beat_schedule(conf: Mapping[str, Any]) -> tuple[Timetable, ...]:
    """Return the entries of an app's `beat_schedule` as a worker tells its configuration; unknown forms are left out.

    Intervals come as numbers of seconds, a timedelta's text or `<freq: 30.00 seconds>`; crontabs as their repr.
    """
    schedule = conf.get("beat_schedule")
    if not isinstance(schedule, Mapping):
        return ()
    timezone = str(conf.get("timezone") or "UTC")
    try:
        check_timezone(timezone)
    except ValueError:
        timezone = "UTC"
    found = []
    for name, entry in schedule.items():
        if isinstance(entry, Mapping) and entry.get("task"):
            one = _read_entry(str(name), str(entry["task"]), entry.get("schedule"), timezone)
            if one is not None:
                found.append(one)
    return tuple(found)


def _read_entry(name: str, task: str, schedule: Any, timezone: str) -> Timetable | None:
    if isinstance(schedule, int | float):
        return Timetable(name, task, every=float(schedule)) if schedule > 0 else None
    text = str(schedule)
    match = _CRON_REPR.fullmatch(text)
    if match:
        try:
            return Timetable(name, task, cron=check_cron(match[1]), timezone=timezone)
        except ValueError:
            return None
    match = _FREQUENCY_REPR.fullmatch(text)
    every = _frequency(match[1]) if match else _delta(text)
    return Timetable(name, task, every=every) if every else None


def _frequency(text: str) -> float:
    amount, _, unit = text.partition(" ")
    try:
        return float(amount) * _UNITS.get(unit.removesuffix("s"), 0.0)
    except ValueError:
        return 0.0


def _delta(text: str) -> float:
    match = _DELTA.fullmatch(text)
    if not match:
        return 0.0
    days, hours, minutes, seconds = match.groups()
    return int(days or 0) * 86400.0 + int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds)


__all__ = ["Timetable", "check_cron", "check_timezone", "read_beat_schedule"]
