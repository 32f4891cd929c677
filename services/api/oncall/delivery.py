"""Puts what people have chosen where the notifier reads it: two hashes in Redis, again when Redis has lost them."""

import asyncio
from collections.abc import Mapping
from typing import cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.api.oncall.store import OnCallStore
from services.common.clock import Clock
from services.common.people import OVERRIDES_KEY, PEOPLE_KEY

SECONDS = 30.0
log = structlog.get_logger(__name__)


class RedisAwayError(ConnectionError):
    """Redis does not take it now; the next round tries again."""


class OnCallDelivery:
    """Makes the hashes what the tables say; several copies of the API write the same."""

    def __init__(self, store: OnCallStore, redis: Redis, clock: Clock) -> None:
        self._store, self._redis, self._clock = store, redis, clock
        self._one_at_a_time = asyncio.Lock()

    async def round(self) -> None:
        """Deliver, then wait; raises StorageUnavailableError and RedisAwayError, and what was there stays."""
        await self.deliver()
        await self._clock.sleep(SECONDS)

    async def deliver(self) -> None:
        """Bring both hashes up to the tables."""
        async with self._one_at_a_time:
            preferences = await self._store.written_preferences()
            overrides = {one.id: one.takeover.model_dump_json() for one in await self._store.overrides()}
            try:
                await self._bring(PEOPLE_KEY, preferences)
                await self._bring(OVERRIDES_KEY, overrides)
            except (RedisError, OSError) as error:
                raise RedisAwayError(str(error) or type(error).__name__) from error

    async def _bring(self, key: str, wanted: Mapping[str, str]) -> None:
        there = cast("dict[bytes, bytes]", await self._redis.hgetall(key))
        known = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in there.items()}
        if known == wanted:
            return
        async with self._redis.pipeline(transaction=True) as commands:
            commands.delete(key)
            if wanted:
                commands.hset(key, items=[part for pair in wanted.items() for part in pair])
            await commands.execute()
        log.info("choices_delivered", key=key, entries=len(wanted))
