"""Many tables, many databases, many scrapes, and a server that lets some of them not be read."""

import asyncio
import gc
import os
import re
from pathlib import Path

import asyncpg
import pytest

from services.common.config import ConfigError
from tests.fixtures.waiting import until
from tests.integration.collector.conftest import Running, Start
from tests.integration.collector.postgres.clusters import Cluster


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def names_of(found: dict[str, float], metric: str, label: str) -> set[str]:
    pattern = re.compile(rf'^{metric}{{.*{label}="([^"]*)"')
    return {match[1] for name in found if (match := pattern.match(name))}


async def visited(running: Running, count: int) -> dict[str, float]:
    found: dict[str, float] = {}

    async def all_read() -> bool:
        found.clear()
        found.update(await running.samples("/metrics/postgres"))
        return len(names_of(found, "pg_scrape_database_success", "datname")) == count

    await until(all_read)
    return found


async def test_505_tables_in_24_databases_fit_on_a_page(start: Start, newest: Cluster) -> None:
    await newest.run("DROP EXTENSION pg_stat_statements")  # it would add 51 statements of five series each
    for number in range(23):
        await newest.run(f"CREATE DATABASE tenant_{number}")
    await newest.run(*(f"CREATE TABLE t_{number} (id int PRIMARY KEY, note text)" for number in range(505)))
    await newest.run(
        "INSERT INTO t_77 SELECT g, 'x' FROM generate_series(1, 1000) g", "SELECT pg_stat_force_next_flush()"
    )
    running = await start({"postgres": [{"name": "db", "dsn": newest.dsn()}]})
    found = await visited(running, 24)
    assert found['pg_exporter_last_scrape_error{target="db"}'] == 0
    shown = names_of(found, "pg_stat_user_tables_n_live_tup", "relname")
    assert len(shown) == 13
    assert {"t_77", "other"} <= shown
    assert len(found) <= 2000
    per_database = {name for name in found if 'datname="tenant_3"' in name}
    assert 25 < len(per_database) < 60


async def test_tables_of_other_databases_come_with_the_tour(start: Start, newest: Cluster) -> None:
    for name in ("shop", "stock", "closed", "rdsadmin"):
        await newest.run(f"CREATE DATABASE {name}")
    await newest.run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC", "ALTER DATABASE stock CONNECTION LIMIT 0")
    await newest.run("CREATE TABLE orders (id int PRIMARY KEY)", "CREATE TABLE items (id int)", database="shop")
    running = await start({"postgres": [{"name": "db", "dsn": newest.dsn()}]})
    found = await visited(running, 3)
    assert names_of(found, "pg_scrape_database_success", "datname") == {"postgres", "shop", "stock"}
    assert found['pg_scrape_database_success{target="db",datname="shop"}'] == 1
    assert found['pg_scrape_database_success{target="db",datname="stock"}'] == 0, "it takes no connection"
    assert found['pg_scrape_collector_success{target="db",collector="databases"}'] == 0
    assert found['pg_scrape_collector_error{target="db",collector="databases",reason="refused"}'] == 1
    assert found['pg_exporter_last_scrape_error{target="db"}'] == 1
    assert names_of(found, "pg_stat_user_tables_seq_scan", "relname") == {"orders", "items"}
    assert names_of(found, "pg_stat_user_tables_seq_scan", "datname") == {"shop"}
    assert names_of(found, "pg_statio_user_indexes_idx_blks_hit_total", "indexrelname") == {"orders_pkey"}


async def test_statements_are_found_in_whichever_database_has_the_extension(start: Start, newest: Cluster) -> None:
    await newest.run("DROP EXTENSION pg_stat_statements", "CREATE DATABASE shop")
    running = await start({"postgres": [{"name": "db", "dsn": newest.dsn(), "databases_interval": 1}]})
    found = await visited(running, 2)
    assert found['pg_stat_statements_available{target="db"}'] == 0
    assert found['pg_scrape_collector_success{target="db",collector="stat_statements"}'] == 1
    await newest.run("CREATE EXTENSION pg_stat_statements", database="shop")

    async def there() -> bool:
        return (await running.samples("/metrics/postgres"))['pg_stat_statements_available{target="db"}'] == 1

    await until(there)
    found = await running.samples("/metrics/postgres")
    assert "postgres" in names_of(found, "pg_stat_statements_calls_total", "datname")
    await newest.run("DROP DATABASE shop WITH (FORCE)")

    async def gone() -> bool:
        found = await running.samples("/metrics/postgres")
        return found['pg_up{target="db"}'] == 1 and found.get('pg_stat_statements_available{target="db"}') == 0

    await until(gone)


async def test_databases_can_be_chosen_and_capped(start: Start, newest: Cluster) -> None:
    for name in ("shop_a", "shop_b", "shop_c", "stock"):
        await newest.run(f"CREATE DATABASE {name}")
    target = {"name": "db", "dsn": newest.dsn(), "databases": ["shop_*"], "max_databases": 3}
    running = await start({"postgres": [target]})
    found = await visited(running, 3)
    assert names_of(found, "pg_scrape_database_success", "datname") == {"postgres", "shop_a", "shop_b"}
    assert found['pg_scrape_databases_left_out{target="db"}'] == 1


async def test_collectors_can_be_switched_off_and_slowed_down(start: Start, newest: Cluster) -> None:
    await newest.run("CREATE TABLE t (id int)")
    switches = {
        "locks": {"enabled": False},
        "databases": {"enabled": False},
        "stat_user_tables": {"min_interval": "1h"},
    }
    running = await start({"postgres": [{"name": "db", "dsn": newest.dsn(), "collectors": switches}]})
    before = await running.samples("/metrics/postgres")
    assert not any(name.startswith("pg_locks") or 'collector="locks"' in name for name in before)
    await newest.run("CREATE TABLE u (id int)")
    after = await running.samples("/metrics/postgres")
    assert names_of(after, "pg_stat_user_tables_seq_scan", "relname") == {"t"}
    assert after['pg_scrape_collector_success{target="db",collector="stat_user_tables"}'] == 1
    assert not any(name.startswith("pg_scrape_database_success") for name in after)
    with pytest.raises((ConfigError, ValueError), match="there is no collector 'lock'; there are: "):
        await start({"postgres": [{"name": "db", "dsn": newest.dsn(), "collectors": {"lock": {"enabled": False}}}]})


async def test_a_locked_index_and_a_migration_that_waits_blind_nothing(start: Start, newest: Cluster) -> None:
    await newest.run(
        "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 1000)", "ANALYZE t"
    )
    running = await start({"postgres": [{"name": "db", "dsn": newest.dsn()}]})
    await running.samples("/metrics/postgres")
    reader, holder, waiter = [await asyncpg.connect(newest.dsn("postgres")) for _ in range(3)]
    table = '{target="db",datname="postgres",schemaname="public",relname="t"}'
    try:
        async with holder.transaction():
            await holder.execute("REINDEX INDEX t_pkey")
            found = await running.samples("/metrics/postgres", scrape=3)
            assert found['pg_exporter_last_scrape_error{target="db"}'] == 0
            assert found["pg_stat_user_tables_index_size_bytes" + table] > 0
        async with reader.transaction():
            await reader.execute("SELECT count(*) FROM t")
            # A migration behind a long reader: its wait alone would make every new reader wait.
            migration = asyncio.create_task(waiter.execute("ALTER TABLE t ADD COLUMN note text"))

            async def waits() -> bool:
                return bool(await newest.value("SELECT count(*) FROM pg_locks WHERE NOT granted"))

            await until(waits)
            found = await running.samples("/metrics/postgres", scrape=3)
            assert found['pg_exporter_last_scrape_error{target="db"}'] == 0
            assert found["pg_stat_user_tables_table_size_bytes" + table] >= 8192
            assert found['pg_blocked_sessions{target="db",datname="postgres"}'] == 1
            assert found['pg_blocking_sessions_first{target="db",datname="postgres"}'] == 1
            waiting = 'pg_locks_waiting{target="db",datname="postgres",mode="accessexclusivelock"}'
            assert found[waiting] == 1
        await migration
    finally:
        for connection in (reader, holder, waiter):
            await connection.close()


async def test_a_thousand_scrapes_leave_nothing_behind(start: Start, newest: Cluster) -> None:
    await newest.run("CREATE DATABASE shop", "CREATE TABLE t (id int)")
    target = {"name": "db", "dsn": newest.dsn(), "databases_interval": 1, "bloat_interval": 1}
    running = await start({"postgres": [target]})
    source = running.collector.pages.targets[0]
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'watcher'"
    for _ in range(100):
        await source.scrape(5.0)
    gc.collect()
    tasks, files, objects, memory = len(asyncio.all_tasks()), open_files(), len(gc.get_objects()), resident_mib()
    for _ in range(900):
        await source.scrape(5.0)
    gc.collect()
    # A scrape makes some ten thousand objects: of one in a hundred that stayed there would be ninety thousand.
    assert len(gc.get_objects()) < objects + 5000
    assert resident_mib() < memory + 16
    assert len(asyncio.all_tasks()) <= tasks + 1
    assert open_files() <= files + 2

    async def one_left() -> bool:
        return await newest.value(sessions) <= 2

    await until(one_left)
