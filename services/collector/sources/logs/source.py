"""One service's logs as a source: a thread of its own reads, scrapes and pages ask it."""

import asyncio
import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import Context
from services.collector.sources.logs.groups import Group
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.sheet import write_counts
from services.collector.sources.logs.state import StateFile
from services.collector.sources.logs.tail import Tail
from services.common.lifecycle import keep_running, spawn

_TURN = 0.05
_TURNS = 40
_REMEMBER = 5.0
_CLOSE_LIMIT = 5.0
Result = TypeVar("Result")


class LogSource:
    """Reads in the background, so that nothing rotates away between scrapes, and once more at each scrape."""

    def __init__(self, target: LogTarget, context: Context) -> None:
        self.name, self.service = target.name, target.label
        self._target, self._clock = target, context.clock
        self.tail = Tail(target, context.base, StateFile(context.data_dir / "collector" / "logs", target.name))
        # All reading and counting is done here, one job at a time: a disk that hangs does not block the loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"logs {target.name}")
        self._remembered = float("-inf")

    async def _do(self, job: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    async def follow(self) -> None:
        """Read what is new, then wait: one round of the background task."""
        more = await self._do(self._pass)
        await self._clock.sleep(0 if more else self._target.poll_interval)

    def _pass(self) -> bool:
        if not self.tail.own():
            return False
        more = self.tail.read(self._clock.now(), self._clock.monotonic())
        if self._clock.monotonic() - self._remembered >= _REMEMBER:
            self._remember()
        return more

    def _remember(self) -> None:
        self._remembered = self._clock.monotonic()
        self.tail.checkpoint(self._clock.now())

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port. What is shown has been remembered before: a counter never goes back after a crash."""
        del limit
        for _ in range(_TURNS):
            found = await self._do(self._sample)
            if found is not None:
                break
            # A reload opens the new source before it closes the old one, which still holds the state.
            await self._clock.sleep(_TURN)
        else:
            raise ScrapeError(
                Reason.CONFIG, f"another collector follows the logs of {self.name}; give each its own data_dir"
            )
        sheet.families.update(found.families)
        sheet.gauge("logs_up", "1 when all files could be read, 0 when not.", not self._trouble())
        if self.tail.denied:
            path, why = next(iter(self.tail.denied.items()))
            raise ScrapeError(Reason.PERMISSION, f"{path}: {why}; let the collector's user read it")
        if self.tail.state_error:
            raise ScrapeError(Reason.ERROR, self.tail.state_error)

    def _trouble(self) -> bool:
        return bool(self.tail.denied or self.tail.state_error)

    def _sample(self) -> Sheet | None:
        if not self.tail.own():
            return None
        self.tail.read(self._clock.now(), self._clock.monotonic())
        self._remember()
        sheet = Sheet()
        write_counts(sheet, self.tail, self.service)
        return sheet

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        del reason
        if sheet.value("logs_up") is None:
            sheet.gauge("logs_up", "1 when all files could be read, 0 when not.", 0)

    async def errors(self) -> list[tuple[Group, float]]:
        """Return copies of the errors with the time of the copy."""

        def job() -> list[tuple[Group, float]]:
            now = self._clock.now()
            self.tail.tally.groups.settle()
            return [(copy.deepcopy(group), now) for group in self.tail.tally.groups.table.values()]

        return await self._do(job)

    async def stop(self) -> None:
        """Remember all and let go; a disk that hangs is not waited for longer than 5 seconds."""
        closing = asyncio.ensure_future(self._do(lambda: self.tail.close(self._clock.now())))
        await asyncio.wait({closing}, timeout=_CLOSE_LIMIT)
        self._thread.shutdown(wait=False, cancel_futures=True)


async def open_logs(target: LogTarget, context: Context) -> LogSource:
    """Return the source and begin to follow; files that are not there yet are met when they come."""
    source = LogSource(target, context)
    context.stack.push_async_callback(source.stop)
    loop = keep_running(f"logs {target.name}", source.follow, clock=context.clock, telemetry=context.telemetry)
    spawn(context.stack, loop, name=f"logs {target.name}")
    return source
