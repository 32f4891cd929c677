"""When a group is evaluated: as soon as samples that it reads came in, and at the latest once per interval. Pure.

A group is due
- at a sample's arrival: at once where its source brings samples no more often than the group's interval, but not
  before `min_gap` after its last evaluation (arrivals in between are answered together); a source that is faster than
  the group's interval can't push the group beyond its interval;
- without an arrival: an interval after its last evaluation plus a short grace for scrapes that are late.

So breach to event costs the scrape's phase plus at most `min_gap`, and no second timer beats against the scrapes.
After a start the first round waits until every target was scraped once, or for `first_deadline`: on half of the data
`count(up) < 3` would be a false alarm.
"""

from dataclasses import dataclass
from typing import Literal

from services.evaluator.scrape.arrival import Arrival

Cause = Literal["samples", "interval"]
_GAP_SHARE = 1 / 20
_LONGEST_GAP_SHARE = 1 / 4
_COST_FACTOR = 10
_GRACE_SHARE = 0.1
_LONGEST_GRACE = 0.5


def min_gap(interval: float, seconds: float) -> float:
    """Return the least time between two evaluations of a group, seconds.

    A twentieth of the interval, or ten times what its last evaluation took, but at most a quarter of the interval.
    """
    return min(max(interval * _GAP_SHARE, seconds * _COST_FACTOR), interval * _LONGEST_GAP_SHARE)


@dataclass
class Slot:
    """One group's place in the schedule; times are the monotonic clock's, but for `at`, the samples' own."""

    key: str
    interval: float
    reads: frozenset[str] | None
    last: float | None = None
    seconds: float = 0.0
    arrived: float | None = None
    at: float = 0.0
    due: float = 0.0
    cause: Cause = "interval"
    through: frozenset[str] = frozenset()
    patient: bool = True
    """Whether it waits for late scrapes at all; a group over another server's samples does not."""

    def start(self, first_deadline: float) -> None:
        """Set the first deadline of a group that was never evaluated."""
        if self.last is None:
            self.due, self.cause = first_deadline, "interval"

    def concerns(self, arrival: Arrival) -> bool:
        """Tell whether the group reads any of the samples and did not lead to them itself."""
        if self.key in arrival.through:
            return False
        return self.reads is None or not self.reads.isdisjoint(arrival.names)

    def arrive(self, arrival: Arrival, now: float, *, not_before: float) -> None:
        """Note samples that the group reads."""
        gap = min_gap(self.interval, self.seconds) if arrival.interval >= self.interval else self.interval
        at = max(now, not_before, now if self.last is None else self.last + gap)
        self.through |= arrival.through
        self.at = max(self.at, arrival.at)
        if self.arrived is None:
            self.arrived = now
        if at < self.due:
            self.due, self.cause = at, "samples"

    def moment(self, now: float, last: float | None) -> float:
        """Return the wall time to evaluate at: that of the newest samples, so that times are even and `for` exact.

        Old news (a slow target) and news from before the last evaluation are evaluated at `now`.
        """
        fresh = self.cause == "samples" and 0.0 <= now - self.at <= self.grace
        return self.at if fresh and (last is None or self.at > last) else now

    @property
    def grace(self) -> float:
        """How late a scrape may be, seconds, before the group is evaluated without it."""
        return min(self.interval * _GRACE_SHARE, _LONGEST_GRACE) if self.patient else 0.0

    def missed(self, now: float) -> int:
        """Return how many whole intervals passed without an evaluation."""
        return 0 if self.last is None else max(0, int((now - self.last) / self.interval) - 1)

    def done(self, now: float, seconds: float) -> None:
        """Note an evaluation and set the next deadline."""
        self.last, self.seconds, self.arrived, self.through = now, seconds, None, frozenset()
        self.due = now + self.interval + self.grace
        self.cause = "interval"
