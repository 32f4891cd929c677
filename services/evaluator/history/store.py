"""Writes chunks into Postgres: samples and roll-ups in one transaction, by one writer."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from services.common.metric_history import DAY, LEVELS
from services.common.storage import Database, Queries
from services.evaluator.history.chunk import Chunk
from services.evaluator.history.config import HistoryRetention
from services.evaluator.history.partitions import Partitions

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

LEASE_SECONDS = 30.0
_AHEAD = 2 * DAY
_SQL = Queries(Path(__file__).parent / "history.sql")


class HistoryStore:
    """The tables' one writer; every method raises StorageUnavailableError while Postgres is away.

    `holder` names this evaluator. Who writes is held by a row for 30 s at a time; the row is locked in the transaction
    of the write, so that a writer that was paused can't write beside its successor.
    """

    def __init__(self, database: Database, holder: str, retention: HistoryRetention) -> None:
        self._database, self._holder, self._retention = database, holder, retention
        self._partitions = Partitions()
        self._ids: dict[str, int] = {}
        self._others_ms = 0
        """Up to here another evaluator wrote before we took over."""

    def forget(self) -> None:
        """Learn ids and partitions anew: after Postgres was away it may be another one."""
        self._ids.clear()
        self._partitions.forget()

    async def write(self, chunk: Chunk) -> int | None:
        """Write what is not there yet; return how many samples were new, None when another evaluator is the writer."""
        async with self._database.connection() as connection:
            times = [t_ms for _, t_ms, _ in chunk.rows]
            await self._partitions.ensure(connection, min(times) / 1000, max(times) / 1000)
            async with connection.transaction():
                lease = await connection.fetchrow(_SQL["may_write"], self._holder, LEASE_SECONDS)
                if lease is None:
                    return None
                if not lease["kept"]:
                    self._others_ms = lease["written_ms"]
                rows = tuple(row for row in chunk.rows if row[1] > self._others_ms)
                new, count = await self._put(connection, Chunk(rows)) if rows else ({}, 0)
        # Only what is committed may be remembered.
        self._ids.update(new)
        return count

    async def _put(self, connection: "PoolConnectionProxy[asyncpg.Record]", chunk: Chunk) -> tuple[dict[str, int], int]:
        newest: dict[str, int] = {}
        for key, t_ms, _ in chunk.rows:
            newest[key] = max(newest.get(key, t_ms), t_ms)
        new = await self._add_series(connection, {key: at for key, at in newest.items() if key not in self._ids})
        ids = {key: new[key] if key in new else self._ids[key] for key in newest}
        await connection.execute(_SQL["staging"])
        await connection.copy_records_to_table(
            "metric_incoming",
            schema_name="pg_temp",
            columns=("series_id", "at_ms", "value"),
            records=[(ids[key], t_ms, value) for key, t_ms, value in chunk.rows],
        )
        count = await connection.fetchval(_SQL["merge"])
        await connection.execute(_SQL["series_seen"], list(ids.values()), max(newest.values()))
        await connection.execute(_SQL["wrote"], chunk.newest_ms)
        return new, count

    async def _add_series(
        self, connection: "PoolConnectionProxy[asyncpg.Record]", newest: dict[str, int]
    ) -> dict[str, int]:
        if not newest:
            return {}
        digests = {hashlib.blake2b(key.encode(), digest_size=16).hexdigest(): key for key in sorted(newest)}
        rows = await connection.fetch(
            _SQL["add_series"], list(digests), list(digests.values()), [newest[key] for key in digests.values()]
        )
        return {digests[row["digest"]]: row["series_id"] for row in rows}

    async def keep_house(self, now: float) -> None:
        """Make the partitions of the next two days, drop those that are too old, and series that have no row left."""
        async with self._database.connection() as connection:
            await self._partitions.ensure(connection, now, now + _AHEAD)
            for level in LEVELS:
                await self._partitions.drop(connection, level, now - getattr(self._retention, level.key))
            coarsest = LEVELS[-1]
            oldest = now - self._retention.hour - coarsest.days * DAY
            await connection.execute(_SQL["forget_series"], oldest)
        self._ids.clear()

    async def give_up(self) -> None:
        """Let another evaluator write at once."""
        await self._database.execute(_SQL["give_up"], self._holder)
