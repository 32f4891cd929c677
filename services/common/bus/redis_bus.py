"""The port over a real Redis (6.2 or newer: XAUTOCLAIM)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.common.bus.port import BusUnavailableError, Entry
from services.common.clock import Clock

_FIELD = b"event"
# Some 60 MB of alert events: a storm must not fill Redis. What is cut off unread, the evaluator sends again.
MAX_ENTRIES = 50_000


def connect_redis(url: str, *, timeout: float = 5.0) -> Redis:
    """Return a client that connects when first used; every call is bounded by `timeout` seconds and not retried.

    Callers retry by themselves: they know what still matters. Blocking reads get their own time on top.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 0),
    )


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError, OSError) as error:
        raise BusUnavailableError(f"Redis is away: {error}") from error
    except RedisError as error:
        if "OOM" in str(error) or "MISCONF" in str(error):
            raise BusUnavailableError(f"Redis refuses writes: {error}") from error
        raise


class RedisBus:
    """Streams of one Redis; payloads stand in the field `event`."""

    def __init__(self, redis: Redis, clock: Clock, *, timeout: float = 5.0, max_entries: int = MAX_ENTRIES) -> None:
        self._redis, self._clock, self._timeout = redis, clock, timeout
        self._max_entries = max_entries
        self._groups: set[tuple[str, str]] = set()

    async def publish(self, stream: str, payloads: Sequence[bytes], *, keep_seconds: float) -> list[str]:
        """See the port; trimming, by age and by number, is approximate (whole nodes)."""
        oldest = f"{max(0, round((self._clock.now() - keep_seconds) * 1000))}-0"
        async with _translated():
            pipe = self._redis.pipeline(transaction=True)
            for payload in payloads:
                pipe.xadd(stream, {_FIELD: payload})
            pipe.xtrim(stream, minid=oldest, approximate=True)
            pipe.xtrim(stream, maxlen=self._max_entries, approximate=True)
            answers = await pipe.execute()
        return [_text(entry_id) for entry_id in answers[: len(payloads)]]

    async def read_group(
        self, stream: str, group: str, consumer: str, *, count: int, block_ms: int, claim_idle_ms: int
    ) -> list[Entry]:
        """See the port."""
        async with _translated():
            for attempt in (1, 2):
                try:
                    await self._ensure_group(stream, group)
                    claimed = await self._claim(stream, group, consumer, count, claim_idle_ms)
                    if claimed:
                        return claimed
                    raw = await self._redis.xreadgroup(
                        group, consumer, {stream: ">"}, count=count, block=self._block(block_ms)
                    )
                    return _entries(raw)
                except ResponseError as error:
                    # The stream or group went with the data (Redis was emptied): make it again, once.
                    if "NOGROUP" not in str(error) or attempt == 2:  # noqa: PLR2004 - the second of two attempts
                        raise
                    self._groups.discard((stream, group))
        return []

    async def _ensure_group(self, stream: str, group: str) -> None:
        if (stream, group) in self._groups:
            return
        try:
            await self._redis.xgroup_create(stream, group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._groups.add((stream, group))

    async def _claim(self, stream: str, group: str, consumer: str, count: int, idle_ms: int) -> list[Entry]:
        answer = await self._redis.xautoclaim(stream, group, consumer, idle_ms, "0-0", count=count)
        found = [(entry_id, fields) for entry_id, fields in answer[1] if fields]
        if not found:
            return []
        pending = await self._redis.xpending_range(stream, group, min=found[0][0], max=found[-1][0], count=10 * count)
        times = {row["message_id"]: int(row["times_delivered"]) for row in pending}
        return [Entry(_text(entry_id), fields.get(_FIELD, b""), times.get(entry_id, 1)) for entry_id, fields in found]

    async def ack(self, stream: str, group: str, entry_ids: Sequence[str]) -> None:
        """See the port."""
        if entry_ids:
            async with _translated():
                await self._redis.xack(stream, group, *entry_ids)

    async def lag(self, stream: str, group: str) -> int:
        """See the port; counts from the group's last delivered id, since 6.2 has no `lag` field."""
        async with _translated():
            try:
                groups = await self._redis.xinfo_groups(stream)
            except ResponseError:
                return 0
            for info in groups:
                if _text(info["name"]) == group:
                    newer = await self._redis.xrange(stream, min=f"({_text(info['last-delivered-id'])}", count=10_000)
                    return int(info["pending"]) + len(newer or ())
        return 0

    async def last_id(self, stream: str) -> str:
        """See the port."""
        async with _translated():
            newest = await self._redis.xrevrange(stream, count=1)
        return _text(newest[0][0] or "0-0") if newest else "0-0"

    async def read_after(self, stream: str, after: str, *, count: int, block_ms: int) -> list[Entry]:
        """See the port."""
        async with _translated():
            return _entries(await self._redis.xread({stream: after}, count=count, block=self._block(block_ms)))

    def _block(self, block_ms: int) -> int | None:
        # A blocking read must end before the socket's time-out, or it would look like a dead server.
        limit = round(self._timeout * 1000 * 0.8)
        return min(block_ms, limit) if block_ms > 0 else None


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _entries(raw: Any) -> list[Entry]:
    if not raw:
        return []
    streams = raw.items() if isinstance(raw, dict) else raw
    found: list[Entry] = []
    for _stream, rows in streams:
        found += [Entry(_text(entry_id), fields.get(_FIELD, b"")) for entry_id, fields in rows]
    return found
