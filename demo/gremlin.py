"""The faults that come from outside the shop's code: held connections, a held lock, a full Redis."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import structlog
from redis.asyncio import Redis

_SHARE_OF_CONNECTIONS = 0.88
_SHARE_OF_MEMORY = 0.88
_CHUNK = 512 * 1024
log = structlog.get_logger(__name__)


class Gremlin:
    """Causes and heals faults as the switches say; healing gives everything back."""

    def __init__(self, postgres_dsn: str, redis: Redis) -> None:
        self._dsn, self._redis = postgres_dsn, redis
        self._running: dict[str, asyncio.Task[None]] = {}
        self._faults: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "db-connections": self._hold_connections,
            "db-lock": self._hold_lock,
            "redis-memory": self._fill_redis,
        }

    def follow(self, faults: frozenset[str]) -> None:
        """Start what was switched on, end what was switched off."""
        for name, cause in self._faults.items():
            task = self._running.get(name)
            if name in faults and (task is None or task.done()):
                self._running[name] = asyncio.create_task(self._keep(name, cause))
            elif name not in faults and task is not None:
                task.cancel()
                del self._running[name]

    async def close(self) -> None:
        """End every fault."""
        tasks = list(self._running.values())
        self.follow(frozenset())
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: str, cause: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # The driver may answer a cancellation with an error of its own; so being wanted is asked each round.
        while self._running.get(name) is asyncio.current_task():
            try:
                await cause()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # The server went away or has no room now: the fault comes back with it.
                log.warning("fault_interrupted", fault=name, error=error)
                await asyncio.sleep(1)

    async def _hold_connections(self) -> None:
        async with AsyncExitStack() as stack:
            first = await self._connect(stack)
            limit = int(await first.fetchval("SHOW max_connections"))
            used = int(
                await first.fetchval("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            )
            for _ in range(max(0, round(limit * _SHARE_OF_CONNECTIONS) - used)):
                await self._connect(stack)
            await asyncio.Event().wait()

    async def _hold_lock(self) -> None:
        async with AsyncExitStack() as stack:
            connection = await self._connect(stack)
            async with connection.transaction():
                await connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
                await asyncio.Event().wait()

    async def _connect(self, stack: AsyncExitStack) -> "asyncpg.Connection[asyncpg.Record]":
        connection = await asyncpg.connect(
            self._dsn, timeout=10, server_settings={"application_name": "nightly-report"}
        )
        stack.callback(connection.terminate)
        return connection

    async def _fill_redis(self) -> None:
        written = []
        try:
            info = await self._redis.info("memory")
            room = int(info["maxmemory"] * _SHARE_OF_MEMORY) - int(info["used_memory"])
            for number in range(max(0, room // _CHUNK)):
                key = f"ballast:{number}"
                written.append(key)
                await self._redis.set(key, b"x" * (_CHUNK - 200))
            await asyncio.Event().wait()
        finally:
            for key in written:
                await self._redis.delete(key)
