"""Makes the history's partitions ahead and drops old ones."""

from typing import TYPE_CHECKING

import structlog

from services.common.metric_history import DAY, LEVELS, Level, start_of

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
_THERE = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass"
# Updates of a row that still grows stay on its page.
_FILL = {0: 100, 60: 80, 300: 60, 3600: 50}
log = structlog.get_logger(__name__)


class Partitions:
    """Knows which partitions there are; statements give up after 2 s rather than make readers queue behind them."""

    def __init__(self) -> None:
        self._known: dict[str, set[int]] = {}

    def forget(self) -> None:
        """Look anew: the database may be another one."""
        self._known.clear()

    async def ensure(self, connection: "PoolConnectionProxy[asyncpg.Record]", first: float, last: float) -> int:
        """Make what is missing between two times; return how many were made."""
        made = 0
        for level in LEVELS:
            known = await self._there(connection, level)
            for start in level.starts(first, last):
                if start not in known:
                    async with connection.transaction():
                        await connection.execute(_LOCK_TIMEOUT)
                        await connection.execute(_create(level, start))
                    known.add(start)
                    made += 1
        return made

    async def drop(self, connection: "PoolConnectionProxy[asyncpg.Record]", level: Level, before: float) -> int:
        """Drop partitions that hold nothing newer than `before`; return how many."""
        self._known.pop(level.table, None)
        known = await self._there(connection, level)
        old = sorted(start for start in known if (start + level.days) * DAY <= before)
        for start in old:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(f"DROP TABLE IF EXISTS {level.partition(start)}")
            known.discard(start)
        if old:
            log.info("history_partitions_dropped", level=level.key, count=len(old))
        return len(old)

    async def _there(self, connection: "PoolConnectionProxy[asyncpg.Record]", level: Level) -> set[int]:
        if level.table not in self._known:
            rows = await connection.fetch(_THERE, level.table)
            starts = {start_of(row["name"]) for row in rows}
            self._known[level.table] = {start for start in starts if start is not None}
        return self._known[level.table]


def _create(level: Level, start: int) -> str:
    bounds = [f"timestamptz 'epoch' + interval '{day} days'" for day in (start, start + level.days)]
    return (
        f"CREATE TABLE IF NOT EXISTS {level.partition(start)} PARTITION OF {level.table}"
        f" FOR VALUES FROM ({bounds[0]}) TO ({bounds[1]}) WITH (fillfactor = {_FILL[level.seconds]})"
    )
