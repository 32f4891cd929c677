"""Streams in memory, with the behaviour of the port over Redis."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.common.bus.port import BusUnavailableError, Entry
from services.common.clock import Clock


def _order(entry_id: str) -> tuple[int, int]:
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number or 0)


@dataclass
class _Pending:
    consumer: str
    since: float
    deliveries: int


@dataclass
class _Group:
    last: tuple[int, int] = (0, 0)
    pending: dict[str, _Pending] = field(default_factory=dict)


class MemoryBus:
    """A fake bus; `available = False` makes every call fail as if Redis were away."""

    def __init__(self, clock: Clock) -> None:
        self.available = True
        self._clock = clock
        self._streams: dict[str, list[tuple[str, bytes]]] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._changed = asyncio.Event()

    def _check(self) -> None:
        if not self.available:
            raise BusUnavailableError("Redis is away: switched off by the test")

    async def publish(self, stream: str, payloads: Sequence[bytes], *, keep_seconds: float) -> list[str]:
        """See the port."""
        self._check()
        rows = self._streams.setdefault(stream, [])
        ids = []
        for payload in payloads:
            ms, number = round(self._clock.now() * 1000), 0
            if rows:
                last_ms, last_number = _order(rows[-1][0])
                if last_ms >= ms:
                    ms, number = last_ms, last_number + 1
            ids.append(f"{ms}-{number}")
            rows.append((ids[-1], payload))
        oldest = (round((self._clock.now() - keep_seconds) * 1000), 0)
        rows[:] = [row for row in rows if _order(row[0]) >= oldest]
        self._changed.set()
        return ids

    async def read_group(
        self, stream: str, group: str, consumer: str, *, count: int, block_ms: int, claim_idle_ms: int
    ) -> list[Entry]:
        """See the port."""
        self._check()
        state = self._groups.setdefault((stream, group), _Group())
        claimed = self._claim(stream, state, consumer, count, claim_idle_ms)
        if claimed:
            return claimed
        rows = await self._wait(stream, state.last, count, block_ms)
        for entry_id, _ in rows:
            state.last = _order(entry_id)
            state.pending[entry_id] = _Pending(consumer, self._clock.monotonic(), 1)
        return [Entry(entry_id, payload) for entry_id, payload in rows]

    def _claim(self, stream: str, state: _Group, consumer: str, count: int, idle_ms: int) -> list[Entry]:
        payloads = dict(self._streams.get(stream, []))
        claimed: list[Entry] = []
        for entry_id in sorted(state.pending, key=_order):
            held = state.pending[entry_id]
            if (
                len(claimed) < count
                and (self._clock.monotonic() - held.since) * 1000 >= idle_ms
                and entry_id in payloads
            ):
                held.consumer, held.since, held.deliveries = consumer, self._clock.monotonic(), held.deliveries + 1
                claimed.append(Entry(entry_id, payloads[entry_id], held.deliveries))
        return claimed

    async def ack(self, stream: str, group: str, entry_ids: Sequence[str]) -> None:
        """See the port."""
        self._check()
        pending = self._groups.setdefault((stream, group), _Group()).pending
        for entry_id in entry_ids:
            pending.pop(entry_id, None)

    async def lag(self, stream: str, group: str) -> int:
        """See the port."""
        self._check()
        state = self._groups.get((stream, group), None)
        if state is None:
            return 0
        return len(state.pending) + sum(_order(entry_id) > state.last for entry_id, _ in self._streams.get(stream, []))

    async def last_id(self, stream: str) -> str:
        """See the port."""
        self._check()
        rows = self._streams.get(stream)
        return rows[-1][0] if rows else "0-0"

    async def read_after(self, stream: str, after: str, *, count: int, block_ms: int) -> list[Entry]:
        """See the port."""
        self._check()
        return [Entry(*row) for row in await self._wait(stream, _order(after), count, block_ms)]

    async def _wait(self, stream: str, after: tuple[int, int], count: int, block_ms: int) -> list[tuple[str, bytes]]:
        async def newer() -> list[tuple[str, bytes]]:
            while True:
                rows = [row for row in self._streams.get(stream, []) if _order(row[0]) > after][:count]
                if rows:
                    return rows
                self._changed.clear()
                await self._changed.wait()

        if block_ms <= 0:
            return [row for row in self._streams.get(stream, []) if _order(row[0]) > after][:count]
        try:
            return await asyncio.wait_for(newer(), block_ms / 1000)
        except TimeoutError:
            return []
