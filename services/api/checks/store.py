"""Checks in Postgres; every method raises StorageUnavailableError while it is away."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from services.api.checks.model import CheckBody, Ping, PingKind
from services.common.clock import Clock
from services.common.storage import Database, Queries
from services.common.tokens import hash_token, new_token

MOST_CHECKS = 1000
KEPT_PINGS = 100
_SQL = Queries(Path(__file__).parents[1] / "queries" / "checks.sql")


class CheckNameTakenError(ValueError):
    """Another check has that name."""


class TooManyChecksError(ValueError):
    """There are as many checks as may be: each is a few series."""


@dataclass(frozen=True, slots=True)
class Report:
    """One ping as it came in."""

    key_hash: bytes
    at: float
    kind: PingKind
    log: str


class CheckStore:
    """The table of checks, the log of their pings, and the audit of what people change."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def rows(self, check_id: int | None = None) -> list[dict[str, Any]]:
        """Return all checks by name, or the one."""
        return [dict(row) for row in await self._database.fetch(_SQL["all"], check_id)]

    async def create(self, body: CheckBody, by: str) -> tuple[int, str]:
        """Store a check; return its id and its key, which is stored nowhere.

        Raises CheckNameTakenError and TooManyChecksError.
        """
        key, now = new_token(), self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            if await connection.fetchval(_SQL["count"]) >= MOST_CHECKS:
                raise TooManyChecksError
            try:
                check_id = await connection.fetchval(_SQL["insert"], *_columns(body), hash_token(key), by, now)
            except asyncpg.UniqueViolationError as error:
                raise CheckNameTakenError(body.name) from error
            await connection.execute(_SQL["audit"], now, by, "check_created", body.name)
        return int(check_id), key

    async def change(self, check_id: int, body: CheckBody, by: str) -> bool:
        """Change a check, keeping its key and reports; False when there is none. Raises CheckNameTakenError."""
        try:
            return await self._change("update", "check_changed", by, check_id, *_columns(body)) is not None
        except asyncpg.UniqueViolationError as error:
            raise CheckNameTakenError(body.name) from error

    async def renew_key(self, check_id: int, by: str) -> str | None:
        """Give the check another key and return it; the old one ends. None when there is no such check."""
        key = new_token()
        found = await self._change("renew_key", "check_key_renewed", by, check_id, hash_token(key))
        return None if found is None else key

    async def delete(self, check_id: int, by: str) -> bool:
        """Remove a check with its reports; False when there is none."""
        return await self._change("delete", "check_deleted", by, check_id) is not None

    async def _change(self, statement: str, action: str, by: str, check_id: int, *values: Any) -> Any:
        async with self._database.connection() as connection, connection.transaction():
            found = await connection.fetchval(_SQL[statement], check_id, *values)
            if found is not None:
                await connection.execute(_SQL["audit"], self._clock.now(), by, action, str(found))
        return found

    async def take(self, report: Report) -> bool:
        """Store a report; False when no check has that key."""
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["ping"], report.key_hash, report.at, report.kind)
            if row is None:
                return False
            await connection.execute(
                _SQL["insert_ping"], row["id"], report.at, report.kind, row["seconds"], report.log
            )  # fmt: skip
            await connection.execute(_SQL["trim_pings"], row["id"], KEPT_PINGS)
        return True

    async def pings(self, check_id: int) -> list[Ping]:
        """Return the kept reports of a check, newest first."""
        return [Ping.model_validate(dict(row)) for row in await self._database.fetch(_SQL["pings"], check_id)]


def _columns(body: CheckBody) -> tuple[Any, ...]:
    return body.name, body.description, body.period_seconds, body.schedule, body.timezone, body.grace_seconds
