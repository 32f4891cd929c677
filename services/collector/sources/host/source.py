"""The host: read in a thread, as a file system that hangs blocks who asks."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from services import __version__
from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.base import CollectorSwitch, Context, SourceKind
from services.collector.sources.host.collector import HostCollector, Scene
from services.collector.sources.host.config import HostTarget
from services.collector.sources.host.groups import Groups
from services.collector.sources.host.registry import COLLECTORS
from services.common.clock import Clock

log = structlog.get_logger(__name__)
_NO_SWITCH = CollectorSwitch()


@dataclass(frozen=True)
class Kept:
    """A collector's last result and when it was made, on the monotonic clock."""

    at: float
    sheet: Sheet
    reason: str


class HostSource:
    """This machine."""

    def __init__(
        self, target: HostTarget, clock: Clock, base: Path, collectors: Sequence[HostCollector] = COLLECTORS
    ) -> None:
        self._target, self._clock, self._base = target, clock, base
        self._groups = Groups()
        self._kept: dict[str, Kept] = {}
        self._ended = threading.Event()
        self._ended.set()
        self._collectors = [one for one in collectors if self._switch(one).enabled is not False]

    def _switch(self, collector: HostCollector) -> CollectorSwitch:
        return self._target.collectors.get(collector.name, _NO_SWITCH)

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; what one collector can't read does not stop the others."""
        sheet.gauge("node_exporter_build_info", "Always 1; who exports.", 1, version=__version__)
        if not self._ended.is_set():
            # One thread at most hangs, however often we are asked.
            raise ScrapeError(Reason.TIMEOUT, "the scrape before still waits for a file system; see mount_points")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        parts: list[Sheet] = []

        def finish() -> None:
            if not done.done():
                done.set_result(None)

        def run() -> None:
            try:
                for collector in self._collectors:
                    parts.append(self._one(collector))  # noqa: PERF401 - each is there for the reader as soon as it is made
            finally:
                self._ended.set()
                # The program may have ended meanwhile.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(finish)

        self._ended.clear()
        # A daemon: a thread that hangs must not hold back the end of the program.
        threading.Thread(target=run, name="host scrape", daemon=True).start()
        try:
            async with asyncio.timeout(limit):
                await done
        finally:
            # A copy: a thread that hung may go on at any time.
            for part in parts[:]:
                for family in part.families.values():
                    sheet.family(family.name, family.type, family.help).rows.extend(family.rows)

    def _one(self, collector: HostCollector) -> Sheet:
        name, start = collector.name, self._clock.monotonic()
        interval = self._switch(collector).min_interval
        kept = self._kept.get(name)
        if kept is not None and start - kept.at < (collector.min_interval if interval is None else interval):
            return kept.sheet
        part, reason = Sheet(), ""
        try:
            collector.work(Scene(self._target, self._base, self._groups, self._clock.now()), part)
        except (OSError, psutil.Error, ValueError, KeyError) as error:
            part, reason = Sheet(), reason_of(error).value
            if kept is None or kept.reason != reason:
                log.warning("host_collector_failed", collector=name, reason=reason, error=str(error))
        took = self._clock.monotonic() - start
        part.gauge("node_scrape_collector_success", "Whether a collector succeeded.", not reason, collector=name)
        text = "Duration of a collector, in seconds."
        part.gauge("node_scrape_collector_duration_seconds", text, took, collector=name)
        self._kept[name] = Kept(start, part, reason)
        return part

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port; `tocsin_target_up` says it."""
        del sheet, reason


async def open_host(target: HostTarget, context: Context) -> HostSource:
    """Return the source."""
    return HostSource(target, context.clock, context.base)


KIND = SourceKind("host", HostTarget, open_host, lambda _target: "localhost")
