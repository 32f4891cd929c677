"""The only place that reads a clock."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Time as an argument: wall time for facts, monotonic time for intervals, and waiting."""

    def now(self) -> float:
        """Return the wall time in seconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's own clocks and the running event loop's timer."""

    def now(self) -> float:
        """Return `time.time()`."""
        return time.time()

    def monotonic(self) -> float:
        """Return `time.monotonic()`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(max(0.0, seconds))
