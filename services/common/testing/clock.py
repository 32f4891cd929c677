"""A clock that a test drives."""

import asyncio
import heapq
import itertools


class ManualClock:
    """Stands still until `advance`; sleepers wake in the order of their deadlines."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._mono = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now(self) -> float:
        """Return the driven wall time, seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Return the driven seconds since the clock was made."""
        return self._mono

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._mono + seconds, next(self._order), future))
        self._changed.set()
        await future

    async def advance(self, seconds: float) -> None:
        """Move the clock, waking each sleeper at its own moment and letting it run before time goes on."""
        target = self._mono + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            deadline, _, future = heapq.heappop(self._sleepers)
            self._move_to(deadline)
            if not future.done():
                future.set_result(None)
            await self._settle()
        self._move_to(target)
        await self._settle()

    def jump(self, seconds: float) -> None:
        """Set the wall time off by that much, as an operator or NTP would; intervals are not touched."""
        self._now += seconds

    async def wait_for_sleepers(self, count: int = 1) -> None:
        """Wait until at least that many tasks sleep on this clock."""
        while sum(not future.done() for _, _, future in self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()

    def _move_to(self, mono: float) -> None:
        self._now += mono - self._mono
        self._mono = mono

    @staticmethod
    async def _settle(rounds: int = 20) -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)
