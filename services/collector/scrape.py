"""One scrape at a time per target, each within its time, and the truth about how it went."""

import asyncio
from contextlib import AsyncExitStack

import structlog
from prometheus_client import Counter, Histogram

from services.collector.reasons import Reason, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.base import Source
from services.common.clock import Clock
from services.common.telemetry import Telemetry

log = structlog.get_logger(__name__)
_UP = "1 when the target answered this scrape, 0 when not."
_ERROR = "1 with the reason why the target could not be scraped."
_GRACE = 0.1


class ScrapeMetrics:
    """What the collector tells of its own scrapes."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.failures = Counter(
            "tocsin_collector_scrape_failures_total",
            "Scrapes of a target that failed.",
            ["kind", "reason"],
            registry=telemetry.registry,
        )
        self.seconds = Histogram(
            "tocsin_collector_scrape_duration_seconds",
            "Time to scrape one target.",
            ["kind"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=telemetry.registry,
        )


class Target:
    """One configured target; callers that come while a scrape runs share its result."""

    def __init__(
        self, kind: str, name: str, address: str, source: Source, clock: Clock, metrics: ScrapeMetrics
    ) -> None:
        self.kind, self.name, self.address = kind, name, address
        self.source = source
        self._clock, self._metrics = clock, metrics
        self._running: asyncio.Task[Sheet] | None = None
        self._last_reason: str | None = None

    async def scrape(self, limit: float) -> Sheet:
        """Return the target's samples within `limit` seconds, with its `…_up` 0 when they are not all there."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(limit), name=f"scrape {self.kind}/{self.name}")
        running = self._running
        done, _ = await asyncio.wait({running}, timeout=limit)
        if done and not running.cancelled():
            return running.result()
        # Either a scrape that another caller began has not ended within our time, or a client does not let itself be
        # cancelled: the answer goes out now, and the next caller joins what still runs.
        sheet = Sheet(self.name)
        self.source.down(sheet, Reason.TIMEOUT)
        self._tell(sheet, Reason.TIMEOUT, 0.0)
        return sheet

    async def _run(self, limit: float) -> Sheet:
        sheet, start = Sheet(self.name), self._clock.monotonic()
        reason: Reason | None = None
        text = ""
        try:
            # The source ends a little before the callers stop to wait, so that they get what it has found so far.
            inner = max(limit - _GRACE, limit / 2)
            async with asyncio.timeout(inner):
                await self.source.collect(sheet, inner)
        except Exception as error:  # noqa: BLE001 - one for each target: whatever its client raises, the others go on
            reason, text = reason_of(error), f"{type(error).__name__}: {error}"
            self.source.down(sheet, reason)
        took = self._clock.monotonic() - start
        self._metrics.seconds.labels(self.kind).observe(took)
        if reason is not None:
            self._metrics.failures.labels(self.kind, reason.value).inc()
        self._log_change(reason, text)
        self._tell(sheet, reason, took)
        return sheet

    def _tell(self, sheet: Sheet, reason: Reason | None, took: float) -> None:
        sheet.gauge("tocsin_target_up", _UP, reason is None, kind=self.kind)
        sheet.gauge("tocsin_target_scrape_duration_seconds", "Time this scrape took.", took, kind=self.kind)
        if reason is not None:
            sheet.gauge("tocsin_target_error", _ERROR, 1, kind=self.kind, reason=reason.value)

    def _log_change(self, reason: Reason | None, text: str) -> None:
        now = "" if reason is None else reason.value
        if now == self._last_reason:
            return
        if now:
            log.warning("target_down", kind=self.kind, target=self.name, reason=now, error=text)
        elif self._last_reason is not None:
            log.info("target_up", kind=self.kind, target=self.name)
        self._last_reason = now

    def stop_on(self, stack: AsyncExitStack) -> None:
        """Cancel a scrape that runs when the stack closes."""

        async def stop() -> None:
            if self._running is not None and not self._running.done():
                self._running.cancel()
                await asyncio.wait({self._running}, timeout=1.0)

        stack.push_async_callback(stop)
