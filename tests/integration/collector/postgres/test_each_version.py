"""Every supported version with load, a standby, locks, slots and a vacuum that runs: all works, the families are known.

`families.txt` names each family with the versions that have it; UPDATE_FAMILIES=DIR writes there what was found.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from services.collector.sources.postgres.background import _BGWRITER, _CHECKPOINTER, _IO, _IO_SECONDS, _WAL_VIEW
from services.collector.sources.postgres.collector import MARK
from services.collector.sources.postgres.columns import View
from services.collector.sources.postgres.databases import _CONFLICTS, _STATISTICS
from services.collector.sources.postgres.progress import _VACUUM_VIEW
from tests.fixtures.waiting import until
from tests.integration.collector.conftest import Start
from tests.integration.collector.postgres.clusters import Cluster, need, pair
from tests.integration.collector.postgres.conftest import EXTENSIONS
from tests.integration.collector.postgres.test_versions import toured

VERSIONS = (13, 14, 15, 16, 17, 18)
FAMILIES = Path(__file__).with_name("families.txt")
OPTIONS = {"wal_level": "logical", "track_io_timing": "on", "max_slot_wal_keep_size": "100MB"}
LOAD = (
    "CREATE ROLE watcher LOGIN IN ROLE pg_monitor", *EXTENSIONS,
    "CREATE TABLE orders (id serial PRIMARY KEY, day date, n int)",
    "INSERT INTO orders (day, n) SELECT '2026-01-01', g FROM generate_series(1, 60000) g",
    "DELETE FROM orders WHERE id % 10 <> 0", "VACUUM ANALYZE orders", "CHECKPOINT",
    "CREATE TABLE broken AS SELECT 1 AS n FROM generate_series(1, 2)",
    "GRANT SELECT ON SEQUENCE orders_id_seq TO watcher",
    "SELECT pg_create_physical_replication_slot('idle', true)",
    "SELECT pg_create_logical_replication_slot('logical', 'test_decoding')",
    "CREATE DATABASE shop",
)  # fmt: skip
# Where `SELECT *` reads a view, columns of it that make no metric, and why.
READ_OTHERWISE = {
    "datid datname backend_type object context": "labels",
    "stats_reset checksum_last_failure": "as seconds since the epoch, under names of their own",
    "active_time": "also under postgres_exporter's name",
    "op_bytes": "read_bytes, write_bytes and extend_bytes are made of it",
    "parallel_workers_to_launch parallel_workers_launched": "left out: many databases would make the page too long",
    "pid relid phase": "of a vacuum: labels, or of one process only",
}
VIEWS: tuple[tuple[str, int, tuple[View, ...]], ...] = (
    ("pg_stat_database", 13, (_STATISTICS,)),
    ("pg_stat_database_conflicts", 13, (_CONFLICTS,)),
    ("pg_stat_progress_vacuum", 13, (_VACUUM_VIEW,)),
    ("pg_stat_bgwriter", 13, (_BGWRITER,)),
    ("pg_stat_wal", 14, (_WAL_VIEW,)),
    ("pg_stat_io", 16, (_IO, _IO_SECONDS)),
    ("pg_stat_checkpointer", 17, (_CHECKPOINTER,)),
)


@asynccontextmanager
async def in_use(version: int) -> AsyncIterator[tuple[Cluster, Cluster]]:
    """A server and its standby; one session waits for another's lock, and a vacuum takes long."""
    need(version)
    async with AsyncExitStack() as stack:
        primary, standby = await asyncio.to_thread(pair, version, **OPTIONS)
        stack.callback(primary.remove)
        stack.callback(standby.remove)
        await primary.ready()
        await primary.run(*LOAD)
        with pytest.raises(asyncpg.UniqueViolationError):
            await primary.run("CREATE UNIQUE INDEX CONCURRENTLY broken_ccnew ON broken (n)")

        async def session(*statements: str) -> asyncpg.Connection:
            connection = await asyncpg.connect(primary.dsn("postgres"))
            stack.callback(connection.terminate)
            for statement in statements:
                await connection.execute(statement)
            return connection

        holder = await session("BEGIN", "LOCK TABLE broken IN ACCESS EXCLUSIVE MODE")
        slow = await session("SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1")
        left_alone = [
            asyncio.ensure_future((await session()).execute("UPDATE broken SET n = 3")),
            asyncio.ensure_future(slow.execute("VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) orders")),
        ]
        stack.callback(lambda: [task.cancel() for task in left_alone])

        async def busy() -> bool:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            vacuums = "SELECT count(*) FROM pg_stat_progress_vacuum"
            return bool(await primary.value(waiting)) and bool(await primary.value(vacuums))

        await until(busy, seconds=30)
        await standby.ready()
        yield primary, standby
        assert not holder.is_closed()


@pytest.mark.parametrize("version", VERSIONS)
async def test_all_collectors_work_and_give_the_families_of_this_version(start: Start, version: int) -> None:
    async with in_use(version) as (primary, standby):
        more = {"stat_statements_texts": {"enabled": True}, "process_idle": {"enabled": True}}
        running = await start({"postgres": [
            {"name": "db", "dsn": primary.dsn(), "collectors": more}, {"name": "spare", "dsn": standby.dsn()},
        ]})  # fmt: skip
        await toured(running)
        # An estimate of query times wants statements between two scrapes.
        await primary.run(*["SELECT count(*) FROM orders"] * 3)
        found = await toured(running)
        assert [name for name, value in found.items() if "_success{" in name and not value] == []
        assert [value for name, value in found.items() if name.startswith("pg_exporter_last_scrape_error")] == [0, 0]
        families = {name.partition("{")[0] for name in found}
        settings = {name for name in families if name.startswith("pg_settings_")}
        assert len(settings) > 190
        _compare(families - settings, version)
        for server in (primary, standby):
            assert MARK not in (server.home / "log").read_text(), "a statement of ours failed"
        for view, since, read in VIEWS:
            if since <= version:
                assert await _unread(primary, view, read) == set(), f"columns of {view} that nothing reads"


async def _unread(server: Cluster, view: str, read: tuple[View, ...]) -> set[str]:
    columns = await server.value("SELECT array_agg(attname::text) FROM pg_attribute WHERE attnum > 0 "
                                 "AND attrelid = $1::regclass", view)  # fmt: skip
    known = {column for one in read for column, _, _ in one._columns}
    known |= {column.removesuffix("_seconds") for column in known}
    return set(columns) - known - {name for names in READ_OTHERWISE for name in names.split()}


def _compare(families: set[str], version: int) -> None:
    target = os.environ.get("UPDATE_FAMILIES")
    if target:
        (Path(target) / f"{version}.txt").write_text("\n".join(sorted(families)))
        return
    wanted = set()
    for line in FAMILIES.read_text().splitlines():
        name, _, versions = line.partition("#")[0].strip().partition(" ")
        first, _, last = versions.partition("-")
        if name and int(first or VERSIONS[0]) <= version <= int(last or VERSIONS[-1]):
            wanted.add(name)
    assert sorted(families - wanted) == [], "not in families.txt for this version"
    assert sorted(wanted - families) == [], "lost"
