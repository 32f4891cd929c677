"""Quiet hours: when a person is told only of what can't wait. Pure."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from pydantic import Field

from services.common.config import StrictModel
from services.notifier.people.fields import Minutes, Weekdays, Zone, every_day
from services.notifier.people.wall_clock import instant, local_time

_WHOLE_DAY = 24 * 60
# Windows that follow each other without a break are one; one that never ends is looked at anew after so many.
_MOST_JOINED = 16


class QuietHours(StrictModel, arbitrary_types_allowed=True):
    """A time of the day on some days; where `to` is not after `from` it ends on the next day."""

    time_zone: Zone
    days: Weekdays = Field(default_factory=every_day)
    """The days on which it begins."""
    from_: Minutes = Field(alias="from")
    to: Minutes
    critical_passes: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """Where the person lives."""
        return self.time_zone

    def until(self, at: float) -> float | None:
        """Return when the window that holds now ends; None when none does."""
        today = local_time(at, self.zone).date()
        for day in (today - dt.timedelta(days=1), today, today + dt.timedelta(days=1)):
            if day.isoweekday() % 7 not in self.days:
                continue
            begin, end = self._window(day)
            if begin <= at < end:
                return end
        return None

    def _window(self, day: dt.date) -> tuple[float, float]:
        midnight = dt.datetime.combine(day, dt.time())
        length = _WHOLE_DAY if self.to <= self.from_ else 0
        begin = instant(midnight + dt.timedelta(minutes=self.from_), self.zone)
        # Where the clock shows the end twice, it is over when it shows it for the second time.
        return begin, instant(midnight + dt.timedelta(minutes=self.to + length), self.zone, late=True)


def quiet_until(windows: Iterable[QuietHours], at: float, *, critical: bool) -> tuple[float, ZoneInfo] | None:
    """Return until when nothing of that weight is told, and in whose zone; None when it may be told now."""
    asked = [window for window in windows if not (critical and window.critical_passes)]
    found: tuple[float, ZoneInfo] | None = None
    for _ in range(_MOST_JOINED):
        moment = found[0] if found else at
        ends = [(end, window.zone) for window in asked if (end := window.until(moment)) is not None]
        if not ends:
            break
        found = max(ends, key=lambda one: one[0])
    return found
