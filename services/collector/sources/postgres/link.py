"""Connections to a server: read only, every statement and every wait for a lock bounded."""

import asyncio
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from services.collector.reasons import Reason, ScrapeError
from services.collector.sources.postgres.collector import MARK, Fetch
from services.collector.sources.postgres.columns import Row
from services.collector.sources.postgres.target import PostgresAddress
from services.common.clock import Clock

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_AUTH = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)


async def connect(
    target: PostgresAddress,
    base: Path,
    limit: float,
    *,
    statement_timeout: float,
    lock_timeout: float,
    database: str | None = None,
) -> Connection:
    """Connect within `limit` seconds; `database` in place of the target's own.

    Raises ScrapeError for a refused password or a full server, ConfigError for a password file that can't be read, and
    the driver's errors.
    """
    password = target.read_password(base)
    settings = {
        "application_name": "tocsin-collector",
        "statement_timeout": str(round(statement_timeout * 1000)),
        "lock_timeout": str(round(lock_timeout * 1000)),
        "default_transaction_read_only": "on",
        # Compiling a plan over the catalogue costs a hundred times what the plan does.
        "jit": "off",
    }
    address: dict[str, Any] = (
        {"dsn": target.dsn.get_secret_value()}
        if target.dsn is not None
        else {"host": target.host, "port": target.port, "user": target.user, "database": target.dbname}
    )
    if password is not None:
        address["password"] = password
    if database is not None:
        address["database"] = database
    try:
        return await asyncpg.connect(**address, timeout=limit, server_settings=settings)
    except _AUTH as error:
        raise ScrapeError(Reason.AUTH, f"{error}; check user, password or password_file, and pg_hba.conf") from error
    except asyncpg.TooManyConnectionsError as error:
        raise ScrapeError(Reason.REFUSED, f"{error}; give the role a reserved connection") from error


def fetcher(connection: Connection, clock: Clock, deadline: float) -> Fetch:
    """Return how statements are run on the connection until the deadline (of the monotonic clock)."""

    async def fetch(statement: str, *args: object) -> list[Row]:
        left = deadline - clock.monotonic()
        if left <= 0:
            raise TimeoutError("no time was left for this statement")
        rows: list[Any] = await connection.fetch(f"{statement.rstrip()} {MARK}", *args, timeout=left)
        return rows

    return fetch


def version_of(connection: Connection) -> int:
    """Return `server_version_num`, such as 180006."""
    version = connection.get_server_version()
    return version.major * 10_000 + version.minor


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # What the driver says when the server's farewell comes just as a statement goes out.
    asyncpg.InternalClientError,
    ConnectionError,
)
"""The connection has ended."""
GONE = (*LOST, asyncio.CancelledError, TimeoutError)
"""The connection, or all time, is gone: nothing that follows could work."""
FAILED = (asyncpg.PostgresError, OSError, ValueError, LookupError)
"""One statement failed, or its answer was not as expected; the connection goes on."""
TROUBLE = (*FAILED, *LOST, TimeoutError, ScrapeError)
"""All that can go wrong with one database, from the attempt to connect to its last statement."""
