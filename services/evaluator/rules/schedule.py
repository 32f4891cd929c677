"""When a group is evaluated: once per interval, as soon as the scrapes of its tick are in, or when they are late. Pure.

A group learns from arrivals which sources bring what it reads, and when. Its tick ends where the sources rest longest:
what is scraped together is evaluated together, right after the last of it. So

- a group over one target, or over targets scraped together, is evaluated milliseconds after their scrape;
- many targets spread over the interval cost one evaluation per interval, not one per scrape phase;
- a source that is slower than the group is waited for in the ticks in which it is due; one that is faster, for its
  last scrape in the tick;
- a source that does not come holds a tick up by a short grace, and after two of its intervals it is forgotten.

Groups that read what other groups record have those groups among their sources (`order.py`). After a start the first
round waits until every target was scraped once, or for `first_deadline`: on half of the data `count(up) < 3` would be
a false alarm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from services.evaluator.scrape.arrival import Arrival

Cause = Literal["samples", "interval"]
_GRACE_SHARE = 0.1
_LONGEST_GRACE = 0.5
_GAP_SHARE = 1 / 20
_FORGOTTEN_AFTER = 2
_HALF = 2
_LEAST_SLACKS = 2
_ON_BEAT = 1e-6


@dataclass(slots=True)
class Source:
    """When samples last came from somewhere (monotonic), and how often they come, seconds."""

    last: float
    interval: float

    def keeps_beat(self, interval: float) -> bool:
        """Tell whether it comes at the same moments of each interval, or of some."""
        ratio = max(self.interval, interval) / min(self.interval, interval)
        return abs(ratio - round(ratio)) < _ON_BEAT


def end_of_tick(sources: Iterable[Source], now: float, interval: float, before: float) -> float | None:
    """Return the time after `now`, at most an interval away, after which no source comes for longest.

    `before`: the end of the last tick; a pause must be clearly longer to move the end away from that beat. Sources
    that are slower than the interval have a say only where all are; those that are off its beat have none (None:
    nobody has).
    """
    steady = [one for one in sources if one.keeps_beat(interval)]
    steady = [one for one in steady if one.interval <= interval] or steady
    ahead = sorted({interval - (now - one.last) % interval for one in steady})
    if not ahead:
        return None
    slack = interval * _GAP_SHARE
    best, longest = 0.0, 0.0
    for one, following in pairwise([*ahead, ahead[0] + interval]):
        pause = following - one
        if abs((now + one - before + interval / _HALF) % interval - interval / _HALF) <= slack:
            pause += slack
        if pause >= longest:
            best, longest = one, pause
    return now + best


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
    patient: bool = True
    """Whether it waits for late scrapes at all; a group over another server's samples does not."""
    sources: dict[str, Source] = field(default_factory=dict)
    end: float = 0.0
    """When the last of its sources is expected to come in this tick."""
    earliest: float = 0.0
    """Not before then, even when all samples are in: a source may come off its beat."""
    awaited: dict[str, float] = field(default_factory=dict)
    """The sources that its tick still lacks, and from when on what they bring belongs to the tick."""

    def start(self, first_deadline: float) -> None:
        """Set the first deadline of a group that was never evaluated."""
        if self.last is None:
            self.due, self.cause = first_deadline, "interval"

    def concerns(self, arrival: Arrival) -> bool:
        """Tell whether the group reads any of the samples."""
        return self.reads is None or not self.reads.isdisjoint(arrival.names)

    def arrive(self, arrival: Arrival, now: float, *, not_before: float) -> None:
        """Note samples that the group reads."""
        knew = bool(self.sources)
        self.sources[arrival.source] = Source(now, arrival.interval)
        self.at = max(self.at, arrival.at)
        if self.arrived is None:
            self.arrived = now
        if self.last is None:
            self._bring_forward(max(now, not_before))
            return
        if now >= self.awaited.get(arrival.source, now):
            waited = self.awaited.pop(arrival.source, None) is not None
            if (waited and not self.awaited) or not knew:
                self._bring_forward(max(now, not_before, self.earliest))

    def _bring_forward(self, at: float) -> None:
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
        """Note an evaluation; set the end of the next tick, and what it awaits."""
        self.last, self.seconds, self.arrived, self.cause = now, seconds, None, "interval"
        for key, one in list(self.sources.items()):
            if now - one.last > _FORGOTTEN_AFTER * max(one.interval, self.interval) + self.grace:
                del self.sources[key]
        slack = self.interval * _GAP_SHARE
        end = end_of_tick(self.sources.values(), now, self.interval, self.end)
        if end is None:
            on_beat = -self.grace <= self.end - now <= slack
            end = (self.end if on_beat else now) + self.interval
        elif end - now < _LEAST_SLACKS * slack:
            end += self.interval
        self.end, self.earliest = end, max(now, end - 2 * slack if self.sources else now) + slack
        self.awaited = {}
        for key, one in self.sources.items():
            rounds = int((end + slack / _HALF - one.last) / one.interval)
            expected = one.last + rounds * one.interval
            if rounds and expected > now:
                self.awaited[key] = max(now, expected - min(one.interval, self.interval) / _HALF)
        self.due = end + (self.grace if self.awaited else 0.0)
