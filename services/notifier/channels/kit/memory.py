"""What a channel must still know of a message when it is updated, answered or receipted: JSON by key, for a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.clock import Clock

_PREFIX = "tocsin:notifier:channel:"
_MOST_LOCAL = 20_000
log = structlog.get_logger(__name__)


class Memory:
    """In Redis; while that is away, or where there is none, in this process.

    Losing it costs an update in place, a thread or a short reply's meaning, never a message.
    """

    def __init__(self, clock: Clock, redis: Redis | None = None) -> None:
        self._clock, self._redis = clock, redis
        self._local: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._away = False
        self.lock = asyncio.Lock()
        """For who reads, changes and writes: one notifier sends at a time, with many tasks."""

    async def put(self, key: str, value: Mapping[str, Any], ttl: float) -> None:
        """Keep a value for `ttl` seconds."""
        data = orjson.dumps(value)
        if self._redis is not None:
            try:
                await self._redis.set(_PREFIX + key, data, px=round(ttl * 1000))
            except (RedisError, OSError) as error:
                self._note_away(error)
            else:
                self._away = False
                self._local.pop(key, None)
                return
        self._keep(key, data, ttl)

    async def get(self, key: str) -> dict[str, Any] | None:
        """Return the value, or None when it is unknown or too old."""
        data: bytes | str | None = self._recall(key)
        if data is None and self._redis is not None:
            try:
                data = await self._redis.get(_PREFIX + key)
            except (RedisError, OSError) as error:
                self._note_away(error)
        if data is None:
            return None
        found = orjson.loads(data)
        return found if isinstance(found, dict) else None

    async def claim(self, key: str, ttl: float) -> bool:
        """Tell whether this is the first time that the key is claimed within `ttl` seconds."""
        if self._recall(key) is not None:
            return False
        if self._redis is not None:
            try:
                return bool(await self._redis.set(_PREFIX + key, b"{}", px=round(ttl * 1000), nx=True))
            except (RedisError, OSError) as error:
                self._note_away(error)
        self._keep(key, b"{}", ttl)
        return True

    def _keep(self, key: str, data: bytes, ttl: float) -> None:
        self._local[key] = (self._clock.now() + ttl, data)
        self._local.move_to_end(key)
        while len(self._local) > _MOST_LOCAL:
            self._local.popitem(last=False)

    def _recall(self, key: str) -> bytes | None:
        until, data = self._local.get(key, (0.0, b""))
        if until > self._clock.now():
            return data
        self._local.pop(key, None)
        return None

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            log.warning("channel_memory_away", error=error)
