"""Exact times of all statements of asyncpg connections."""

from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from tocsin_client.queries import QueryTimer
from tocsin_client.statements import operation_of

# What a pool itself says when a connection comes back.
_RESET = "SELECT pg_advisory_unlock_all()"


def watch_asyncpg(*, registry: CollectorRegistry = REGISTRY) -> Callable[[Any], Awaitable[None]]:
    """Return a coroutine function that begins to time a connection's statements.

    For a pool: `create_pool(…, init=watch_asyncpg())`; for one connection: `await watch_asyncpg()(connection)`. Needs
    asyncpg 0.29 or later. Cursors and COPY have no time in asyncpg and are not counted.
    """
    queries = QueryTimer("postgresql", registry=registry)

    def record(logged: Any) -> None:
        if not logged.query.startswith(_RESET):
            error = type(logged.exception).__name__ if logged.exception is not None else ""
            queries.observe(operation_of(logged.query), logged.elapsed, error_type=error)

    async def watch(connection: Any) -> None:
        connection.add_query_logger(record)

    return watch
