"""A pool of Postgres connections that may come late and may go away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)


class StorageUnavailableError(ConnectionError):
    """Postgres can't be reached or takes no writes now; the caller keeps its data and tries again."""


class Database:
    """Lends connections; the pool is made at the first use that succeeds; statements are bounded by `timeout` s."""

    def __init__(self, dsn: str, *, name: str, timeout: float = 5.0, max_size: int = 8) -> None:
        self._dsn, self._name, self._timeout, self._max_size = dsn, name, timeout, max_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections, waiting at most the time-out for those in use."""
        if self._pool is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._pool.close(), self._timeout)
            self._pool.terminate()

    async def _ready_pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._max_size,
                    timeout=self._timeout,
                    command_timeout=self._timeout,
                    server_settings={"application_name": f"tocsin-{self._name}"},
                )
            return self._pool

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator["PoolConnectionProxy[asyncpg.Record]"]:
        """Lend a connection; raises StorageUnavailableError when Postgres is away, also in the middle of the block."""
        try:
            pool = await self._ready_pool()
            async with pool.acquire(timeout=self._timeout) as connection:
                yield connection
        except _GONE as error:
            raise StorageUnavailableError(f"Postgres is away: {str(error) or type(error).__name__}") from error

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Run one query and return its rows."""
        async with self.connection() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """Run one query and return its first row."""
        async with self.connection() as connection:
            return await connection.fetchrow(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement and return its command tag."""
        async with self.connection() as connection:
            return await connection.execute(query, *args)
