"""All children of one supervisor: started, awaited, ended in stages."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Iterable

from services.common.clock import Clock
from services.supervisor.child import POLL_SECONDS, Child
from services.supervisor.console import Console
from services.supervisor.datadir import DataDir
from services.supervisor.orphans import Reaper
from services.supervisor.process import Process


class Family:
    """Keeps the children by name, in the order in which they were started."""

    def __init__(self, data: DataDir, clock: Clock, console: Console) -> None:
        self.reaper = Reaper()
        self.children: dict[str, Child] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._data, self._clock, self._console = data, clock, console
        self._hurry = False

    def start(self, process: Process) -> Child:
        """Start keeping a process running."""
        child = Child(process, self._data, self._clock, self._console, self.reaper)
        self.children[process.name] = child
        self._tasks[process.name] = asyncio.create_task(child.run(), name=f"child {process.name}")
        return child

    async def wait_ready(self, process: Process, *, limit: float) -> str:
        """Ask the process' probe until it is ready ("") or `limit` seconds are over (what was missing last)."""
        if process.probe is None:
            return ""
        deadline = self._clock.monotonic() + limit
        while missing := await process.probe():
            if self._clock.monotonic() >= deadline:
                return missing
            await self._clock.sleep(POLL_SECONDS)
        return ""

    def signal(self, names: Iterable[str], number: int) -> None:
        """Send a signal to those of the named children that run."""
        for name in names:
            if name in self.children:
                self.children[name].send(number)

    def hurry(self) -> None:
        """Kill what still runs: the person asked twice."""
        self._hurry = True
        for child in self.children.values():
            child.stopping = True
            child.send(signal.SIGKILL)

    async def stop(self, stages: Iterable[Iterable[str]]) -> None:
        """End the children stage by stage, those of a stage at once; each within its own time-out."""
        rest = list(self.children)
        for child in self.children.values():
            child.quiet = True
        ordered = [[name for name in stage if name in rest] for stage in stages]
        named = {name for stage in ordered for name in stage}
        for stage in [[name for name in rest if name not in named], *ordered]:
            await asyncio.gather(*(self._stop(name) for name in stage))
        self.reaper.sweep()

    async def _stop(self, name: str) -> None:
        if self._hurry:
            self.children[name].send(signal.SIGKILL)
        await self.children[name].stop()
        # It may be waiting to be started again.
        self._tasks[name].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tasks[name]


async def first_of(work: Awaitable[object], stop: asyncio.Event) -> bool:
    """Run `work` until it ends or `stop` is set; tell whether it ended. What it raised is raised."""
    task = asyncio.ensure_future(work)
    stopper = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopper}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for each in (task, stopper):
            each.cancel()
        await asyncio.gather(task, stopper, return_exceptions=True)
