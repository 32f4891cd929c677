"""Fills Tocsin's tables as a year of work would, straight into partitions."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from bench.api.rows import SCRAPE_SECONDS, Stretch
from services.common.metric_history import DAY, LEVELS, Level
from services.common.storage import Queries, migrate
from services.evaluator.history.partitions import Partitions

KEPT_DAYS = {"samples": 7, "minute": 31, "five_minutes": 92, "hour": 400}
_SQL = Queries(Path(__file__).parent / "record.sql")
_AT_ONCE = 2


@dataclass(frozen=True)
class Size:
    """How much there is to be: `series` are recorded each 5 s for 7 days, and rolled up for as long as by default."""

    alerts: int
    series: int

    @property
    def samples(self) -> int:
        """How many samples that is."""
        return self.series * KEPT_DAYS["samples"] * DAY // SCRAPE_SECONDS


async def fill(dsn: str, size: Size, now: float, console: Console) -> int:
    """Make the tables and fill them; return how many rows of roll-ups there are."""
    await migrate(dsn)
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=_AT_ONCE)
    async with pool:
        ids = np.array([row[0] for row in await pool.fetch(_SQL["series"], size.series, now)], np.int32)
        async with pool.acquire() as connection:
            for level in LEVELS:
                await Partitions().ensure(connection, now - KEPT_DAYS[level.key] * DAY, now)
        rolled = await _levels(pool, ids, now, console)
        console.print(f"{size.alerts:,} alerts …")
        await pool.execute(_SQL["alerts"], size.alerts, now)
        await pool.execute(_SQL["notifications"])
        for table in ("alert_history", "notifications", "metric_series"):
            await pool.execute(f"VACUUM (ANALYZE) {table}")
    return rolled


async def _levels(pool: "asyncpg.Pool[asyncpg.Record]", ids: NDArray[np.int32], now: float, console: Console) -> int:
    end, rolled = int(now) // 3600 * 3600, 0
    for level in LEVELS:
        first = end - KEPT_DAYS[level.key] * DAY
        parts = [(level.partition(start), _part(level, start, first, end)) for start in level.starts(first, end - 1)]
        rows = sum(len(range(part.first, part.last, part.step)) for _, part in parts) * len(ids)
        console.print(f"{level.key}: {rows:,} rows …")
        rolled += rows if level.seconds else 0
        turn = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(_load(pool, turn, level, name, part, ids) for name, part in parts))
        await pool.execute(f"ANALYZE {level.table}")
    return rolled


def _part(level: Level, start: int, first: int, end: int) -> Stretch:
    begin, over = max(first, start * DAY), min(end, (start + level.days) * DAY)
    return Stretch(begin, over, level.seconds or SCRAPE_SECONDS, level.seconds > 0)


async def _load(
    pool: "asyncpg.Pool[asyncpg.Record]",
    turn: asyncio.Semaphore,
    level: Level,
    name: str,
    part: Stretch,
    ids: NDArray[np.int32],
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        made = part.rows(ids)
        while piece := await asyncio.to_thread(next, made, b""):
            yield piece

    async with turn, pool.acquire() as connection, connection.transaction():
        bounds = await connection.fetchval(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = $1::regclass", name
        )
        # Without its index and emptied in the same transaction it is filled several times as fast.
        await connection.execute(f"ALTER TABLE {level.table} DETACH PARTITION {name}")
        await connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT {name}_pkey; TRUNCATE {name}")
        await connection.copy_to_table(name, source=pieces(), format="binary", freeze=True, timeout=600)
        await connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY (series_id, at)", timeout=600)
        await connection.execute(f"ALTER TABLE {level.table} ATTACH PARTITION {name} {bounds}", timeout=600)
