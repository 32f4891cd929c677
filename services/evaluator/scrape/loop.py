"""One target's scrape loop: fetch, parse, store, report, at the target's own phase."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import structlog
from numpy.typing import NDArray

from services.common.clock import Clock
from services.evaluator.head import Head, Layout
from services.evaluator.scrape.arrival import Arrival, OnArrival
from services.evaluator.scrape.client import Fetched
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.exposition import ExpositionError, MetricMeta
from services.evaluator.scrape.mapping import NOTHING, Mapped, SeriesMapper
from services.evaluator.scrape.page_reader import PageReader
from services.evaluator.scrape.shapes import Shape, Shapes
from services.evaluator.scrape.targets import Target
from services.evaluator.telemetry import ScrapeTelemetry

REPORT_NAMES = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
# Of the interval: how far from its tick a scrape may begin and still bear the tick's time.
_ALIGNED = 0.01
Fetch = Callable[[Target], Awaitable[Fetched]]
log = structlog.get_logger(__name__)


@dataclass
class TargetStatus:
    """How the last scrape went, for `/api/v1/targets`."""

    health: Literal["unknown", "up", "down"] = "unknown"
    last_error: str = ""
    last_scrape: float = 0.0
    last_duration: float = 0.0
    left_out: int = 0
    """Series of the last page that the head's limits kept out."""
    meta: Mapping[str, MetricMeta] = field(default_factory=dict)


class TargetLoop:
    """Scrapes one target until cancelled; nothing that the target does can stop or delay another loop."""

    def __init__(
        self,
        target: Target,
        config: ScrapeConfig,
        fetch: Fetch,
        head: Head,
        *,
        clock: Clock,
        telemetry: ScrapeTelemetry,
        on_arrival: OnArrival,
        shapes: Shapes | None = None,
    ) -> None:
        self.target, self.config, self.status = target, config, TargetStatus()
        self._fetch, self._head, self._clock, self._telemetry = fetch, head, clock, telemetry
        self._on_arrival = on_arrival
        self._reader, self._mapper, self._mapped = PageReader(shapes), SeriesMapper(target, config), NOTHING
        self._columns = head.target(target.key, interval_s=target.interval)
        self._report = head.target(f"{target.key}\xffreport", interval_s=target.interval, limited=False)
        self._report_layout = Layout(tuple({"__name__": name, **dict(target.labels)} for name in REPORT_NAMES))
        self._timed: dict[str, int] = {}
        self._names: frozenset[str] = frozenset()
        self._tick = 0.0
        self._left_out = 0
        self.refused = ""
        """Why the target is not to be scraped at all; empty: it is."""

    async def run(self) -> None:
        """Scrape at each tick of the target's phase, for ever."""
        while True:
            tick = self.next_tick(self._clock.now())
            await self._clock.sleep(tick - self._clock.now())
            self._tick = tick
            await self.scrape(self._aligned(tick))

    def next_tick(self, now: float) -> float:
        """Return the next moment of this target's phase; never the same one twice, should a sleeper wake early."""
        interval = self.target.interval
        offset = self.target.offset(interval)
        tick = ((now - offset) // interval + 1) * interval + offset
        return tick + interval if abs(tick - self._tick) < interval / 2 else tick

    def _aligned(self, tick: float) -> float:
        """Return the time that the samples get: the tick itself where we are near it, so that times are even."""
        now = self._clock.now()
        self._telemetry.lag.observe(max(0.0, now - tick))
        return tick if abs(now - tick) <= self.target.interval * _ALIGNED else now

    async def scrape(self, at: float) -> None:
        """Scrape once, now, samples dated `at`; a failure is a result like any other (up = 0, staleness markers)."""
        began = self._clock.monotonic()
        t_ms = round(at * 1000)
        scraped = kept = added = 0
        error: ScrapeError | None = None
        try:
            fetched = await self._get()
            shape, values = self._reader.read(fetched.body, openmetrics=fetched.openmetrics, pick=self._pick)
            mapped = self._mapped
            self._store(t_ms, shape, values, mapped)
            scraped, kept, added = shape.count, mapped.kept, mapped.added
            self.status.meta = shape.meta
        except ScrapeError as failure:
            error, scraped, kept = failure, failure.scraped, failure.kept
        except ExpositionError as failure:
            error = ScrapeError("format", str(failure))
        duration = self._clock.monotonic() - began
        gone = self._fail(t_ms) if error is not None else frozenset()
        up = 0.0 if error is not None else 1.0
        report = np.array([up, duration, scraped, kept, added], dtype=np.float64)
        self._report.append(t_ms, self._report_layout, report)
        self._note(at, duration, error, 0 if error is not None else scraped)
        names = self._names | gone | frozenset(REPORT_NAMES)
        self._on_arrival(Arrival(names, self.target.interval, at, self.target.key))

    def take_over(self, old: "TargetLoop") -> None:
        """Go on from the loop that scraped the same target until now."""
        self.status, self._names, self._timed = old.status, old._names, old._timed  # noqa: SLF001 - of its own class

    def end(self) -> None:
        """Mark all series of the target as stale: it is no longer scraped."""
        now = self._clock.now()
        self._forget_left_out()
        for columns in (self._columns, self._report):
            columns.append_stale(max(round(now * 1000), columns.last_time + 1))
        self._end_timed(round(now * 1000), self._timed)
        names = self._names | frozenset(REPORT_NAMES)
        self._on_arrival(Arrival(names, self.target.interval, now, self.target.key))

    async def _get(self) -> Fetched:
        if self.refused:
            raise ScrapeError("limit", self.refused)
        return await self._fetch(self.target)

    def _pick(self, shape: Shape) -> NDArray[np.int64] | None:
        """Map a page's series and tell the reader which values are needed."""
        self._mapped = self._mapper.map(shape, self._head.keep)
        return self._mapped.wanted(shape)

    def _store(self, t_ms: int, shape: Shape, values: NDArray[np.float64], mapped: Mapped) -> None:
        untimed = values[mapped.rows] if mapped.timed else values
        stored = self._columns.append(t_ms, mapped.layout, untimed)
        self._note_left_out(len(untimed) - stored)
        self._store_timed(t_ms, shape, values, mapped)
        self._names = mapped.names

    def _store_timed(self, t_ms: int, shape: Shape, values: NDArray[np.float64], mapped: Mapped) -> None:
        here: set[str] = set()
        for row, labels in mapped.timed:
            time = shape.times[row] if shape.times is not None else None
            key = f"{self.target.key}\xff{sorted(labels.items())}"
            here.add(key)
            if time is not None and time > self._timed.get(key, -1):
                self._timed[key] = time
                self._head.target(key).append(time, Layout((labels,)), values[row : row + 1])
        self._end_timed(t_ms, self._timed.keys() - here)

    def _end_timed(self, t_ms: int, keys: Iterable[str]) -> None:
        """Mark series with their own times as stale, where the job asks for it."""
        if self.config.track_timestamps_staleness:
            for key in list(keys):
                columns = self._head.target(key)
                columns.append_stale(max(t_ms, columns.last_time + 1))
                del self._timed[key]

    def _note_left_out(self, number: int) -> None:
        """Name the target whose series exceed max_series or max_series_per_target."""
        if number == self._left_out:
            return
        self._left_out = self.status.left_out = number
        target = self.target
        if number:
            log.warning("series_left_out", job=target.job, url=target.url, series=number, reason="max_series")
            self._telemetry.left_out.labels(target.job, target.url).set(number)
        else:
            log.info("series_all_kept", job=target.job, url=target.url)
            self._forget_left_out()

    def _forget_left_out(self) -> None:
        self._telemetry.left_out.remove_by_labels({"job": self.target.job, "target": self.target.url})

    def _fail(self, t_ms: int) -> frozenset[str]:
        gone, self._names = self._names, frozenset()
        if gone:
            self._columns.append_stale(t_ms)
        self._end_timed(t_ms, self._timed)
        return gone

    def _note(self, at: float, duration: float, error: ScrapeError | None, scraped: int) -> None:
        status, job = self.status, self.target.job
        health: Literal["up", "down"] = "down" if error is not None else "up"
        if health != status.health:
            write = log.warning if error is not None else log.info
            reason = error.reason if error is not None else ""
            write("target_" + health, job=job, url=self.target.url, reason=reason, error=str(error or ""))
        status.health, status.last_error = health, str(error or "")
        status.last_scrape, status.last_duration = at, duration
        self._telemetry.observe(job, duration, scraped, error.reason if error is not None else "")
