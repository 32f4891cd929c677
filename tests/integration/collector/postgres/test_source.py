import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.fixtures.waiting import in_time
from tests.integration.collector.conftest import OwnServer, Start


@pytest.fixture
async def database(postgres_dsn: str):
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("CREATE TABLE orders (id int PRIMARY KEY, note text)")
    await connection.execute("INSERT INTO orders SELECT g, 'x' FROM generate_series(1, 500) g")
    await connection.execute("ANALYZE orders")
    yield connection
    await connection.close()


def own_dsn(server: OwnServer, password: str = "right") -> str:
    return f"postgresql://tocsin:{password}@127.0.0.1:{server.port}/postgres"


def datname(dsn: str) -> str:
    return dsn.rpartition("/")[2]


async def test_says_what_widgets_and_packs_need(start: Start, postgres_dsn: str, database) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn, "disk_path": "."}]})
    found = await running.samples("/metrics/postgres")
    db = datname(postgres_dsn)
    assert found['pg_up{target="db"}'] == 1
    assert found['pg_exporter_last_scrape_error{target="db"}'] == 0
    assert found['pg_settings_max_connections{target="db"}'] == 60
    assert found['pg_settings_shared_buffers_bytes{target="db"}'] == 32 * 1024**2
    assert found['pg_settings_deadlock_timeout_seconds{target="db"}'] == 1
    used, most = found['pg_connections_used_ratio{target="db"}'], 60 - 3
    assert used * most == pytest.approx(round(used * most))
    assert 0 < used < 1
    assert 0 < found['pg_disk_used_ratio{target="db"}'] < 1
    assert found[f'pg_database_size_bytes{{target="db",datname="{db}"}}'] > 1e6
    assert found[f'pg_locks_count{{target="db",datname="{db}",mode="accesssharelock"}}'] == 0
    assert found[f'pg_blocked_sessions{{target="db",datname="{db}"}}'] == 0
    assert found['pg_replication_lag_seconds{target="db"}'] == 0
    assert found['pg_wal_size_bytes{target="db"}'] > 0
    assert found['pg_stat_bgwriter_checkpoints_req_total{target="db"}'] >= 0
    assert found['pg_stat_checkpointer_num_requested_total{target="db"}'] >= 0
    table = f'{{target="db",datname="{db}",schemaname="public",relname="orders"}}'
    assert found["pg_stat_user_tables_n_live_tup" + table] == 500
    assert found["pg_stat_user_tables_table_size_bytes" + table] >= 8192
    names = {name.partition("{")[0] for name in found}
    assert {"pg_stat_database_deadlocks", "pg_stat_database_xact_commit", "pg_static", "pg_txid_current"} <= names
    assert found['pg_scrape_collector_success{target="db",collector="stat_bgwriter"}'] == 1


async def test_blocked_sessions_and_idle_transactions_are_seen(start: Start, postgres_dsn: str, database) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn}]})
    db = datname(postgres_dsn)
    waiter = await asyncpg.connect(postgres_dsn)
    transaction = database.transaction()
    await transaction.start()
    await database.execute("UPDATE orders SET note = 'y' WHERE id = 1")
    waiting = asyncio.create_task(waiter.execute("UPDATE orders SET note = 'z' WHERE id = 1"))
    try:
        async with asyncio.timeout(60):
            while True:
                found = await running.samples("/metrics/postgres")
                if found[f'pg_blocked_sessions{{target="db",datname="{db}"}}']:
                    break
        assert found[f'pg_blocked_sessions{{target="db",datname="{db}"}}'] == 1
        assert found[f'pg_idle_in_transaction_max_seconds{{target="db",datname="{db}"}}'] > 0
        assert found[f'pg_lock_wait_max_seconds{{target="db",datname="{db}"}}'] >= 0
        waited = [value for name, value in found.items() if name.startswith("pg_locks_waiting") and db in name]
        assert sum(waited) >= 0
    finally:
        await transaction.rollback()
        await waiting
        await waiter.close()


async def test_a_locked_table_blinds_nothing(start: Start, postgres_dsn: str, database) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn}]})
    table = f'{{target="db",datname="{datname(postgres_dsn)}",schemaname="public",relname="orders"}}'
    async with database.transaction():
        await database.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with in_time(2):
            found = await running.samples("/metrics/postgres", scrape=5)
        assert found['pg_up{target="db"}'] == 1
        assert found['pg_exporter_last_scrape_error{target="db"}'] == 0
        assert found["pg_stat_user_tables_n_live_tup" + table] == 500
        assert found["pg_stat_user_tables_table_size_bytes" + table] >= 8192


async def test_query_percentiles_are_those_of_the_interval_and_not_our_own(
    start: Start, postgres_dsn: str, database
) -> None:
    await database.execute("CREATE EXTENSION pg_stat_statements")
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn}]})
    first = await running.samples("/metrics/postgres")
    assert not any(name.startswith("pg_query_duration_estimate") for name in first)
    await running.samples("/metrics/postgres")
    for _ in range(200):
        await database.execute("SELECT pg_sleep(0.02)")
    found = await running.samples("/metrics/postgres")
    slowest = await database.fetchval("SELECT max(max_exec_time) FROM pg_stat_statements WHERE query LIKE '%pg_sleep%'")
    # A busy machine sleeps longer than it was told.
    assert 0.02 < found['pg_query_duration_estimate_seconds{target="db",quantile="0.95"}'] < 1.2 * slowest / 1000
    assert found['pg_stat_statements_available{target="db"}'] == 1
    own = await database.fetch("SELECT query FROM pg_stat_statements WHERE query LIKE '%/* tocsin-collector */'")
    assert own, "the mark stands in the statistics"


async def test_tables_beyond_the_limit_are_summed(start: Start, postgres_dsn: str, database) -> None:
    for number in range(4):
        await database.execute(f"CREATE TABLE quiet_{number} (id int)")
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn, "top_tables": 1}]})
    found = await running.samples("/metrics/postgres")
    shown = [name for name in found if name.startswith("pg_stat_user_tables_n_live_tup")]
    assert len(shown) == 2
    assert any('relname="orders"' in name for name in shown)
    assert any('schemaname="",relname="other"' in name for name in shown)


async def test_one_connection_is_kept(start: Start, postgres_dsn: str, database) -> None:
    target = {"name": "db", "dsn": postgres_dsn, "collectors": {"databases": {"enabled": False}}}
    running = await start({"postgres": [target]})
    count = (
        "SELECT array_agg(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tocsin-collector' AND datname = current_database()"
    )
    # The tour through the databases has short connections of its own.
    await running.samples("/metrics/postgres")
    before = await database.fetchval(count)
    await asyncio.gather(*(running.samples("/metrics/postgres") for _ in range(10)))
    assert await database.fetchval(count) == before
    assert len(before) == 1


async def test_the_connection_is_made_again_when_the_server_ends_it(start: Start, postgres_dsn: str, database) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn}]})
    await running.samples("/metrics/postgres")
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tocsin-collector' AND datname = current_database()"
    )
    found = await running.samples("/metrics/postgres")
    assert found['pg_up{target="db"}'] == 1, "the server is not down because a connection was ended"
    assert found['pg_scrape_collector_success{target="db",collector="server"}'] == 1


async def test_the_session_is_read_only_and_bounded(start: Start, postgres_dsn: str, database) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn, "statement_timeout": 1.5}]})
    await running.samples("/metrics/postgres")
    source = running.collector.pages.targets[0].source
    settings = {
        name: await source._connections[None].fetchval(f"SHOW {name}")
        for name in ("statement_timeout", "lock_timeout", "default_transaction_read_only")
    }
    assert settings == {"statement_timeout": "1500ms", "lock_timeout": "100ms", "default_transaction_read_only": "on"}


async def test_a_role_without_rights_gives_the_rest(start: Start, postgres_dsn: str, database) -> None:
    await database.execute("DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN")
    try:
        dsn = postgres_dsn.replace("tocsin@", "weak@")
        running = await start({"postgres": [{"name": "db", "dsn": dsn}]})
        found = await running.samples("/metrics/postgres")
        assert found['pg_up{target="db"}'] == 1
        assert found['pg_scrape_collector_success{target="db",collector="wal"}'] == 0
        assert found['pg_scrape_collector_error{target="db",collector="wal",reason="permission"}'] == 1
        assert found['pg_exporter_last_scrape_error{target="db"}'] == 1
        assert found['pg_scrape_collector_success{target="db",collector="stat_database"}'] == 1
    finally:
        await database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'weak'")
        await database.execute("DROP ROLE weak")


async def test_refused(start: Start) -> None:
    running = await start({"postgres": [{"name": "db", "host": "127.0.0.1", "port": 1, "user": "tocsin"}]})
    found = await running.samples("/metrics/postgres")
    assert found['pg_up{target="db"}'] == 0
    assert found['pg_exporter_last_scrape_error{target="db"}'] == 1
    assert found['tocsin_target_error{target="db",kind="postgres",reason="refused"}'] == 1


async def test_wrong_password_then_the_right_one_in_the_file(start: Start, own_postgres: OwnServer, tmp_path) -> None:
    (tmp_path / "secret").write_text("wrong\n")
    target = {
        "name": "db", "host": "127.0.0.1", "port": own_postgres.port, "user": "tocsin", "password_file": "secret",
    }  # fmt: skip
    running = await start({"postgres": [target]})
    async with asyncio.timeout(60):
        while True:
            found = await running.samples("/metrics/postgres")
            assert found['pg_up{target="db"}'] == 0
            if 'tocsin_target_error{target="db",kind="postgres",reason="auth"}' in found:
                break
            await asyncio.sleep(0.05)
    (tmp_path / "secret").write_text("right\n")
    assert (await running.samples("/metrics/postgres"))['pg_up{target="db"}'] == 1


async def test_a_missing_password_file_is_named(start: Start, own_postgres: OwnServer) -> None:
    target = {"name": "db", "host": "127.0.0.1", "port": own_postgres.port, "user": "a", "password_file": "gone"}
    running = await start({"postgres": [target]})
    found = await running.samples("/metrics/postgres")
    assert found['tocsin_target_error{target="db",kind="postgres",reason="config"}'] == 1


@asynccontextmanager
async def ready(server: OwnServer):
    async with asyncio.timeout(60):
        while True:
            try:
                connection = await asyncpg.connect(own_dsn(server))
                break
            except (asyncpg.CannotConnectNowError, OSError):
                await asyncio.sleep(0.05)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_hung_server_is_down_in_time_and_delays_nobody(
    start: Start, own_postgres: OwnServer, postgres_dsn: str
) -> None:
    async with ready(own_postgres):
        pass
    running = await start({
        "postgres": [{"name": "hung", "dsn": own_dsn(own_postgres)}, {"name": "well", "dsn": postgres_dsn}]
    })  # fmt: skip
    assert (await running.samples("/metrics/postgres"))['pg_up{target="hung"}'] == 1
    own_postgres.hang()
    for _ in range(3):
        with in_time(1.5):
            found = await running.samples("/metrics/postgres", scrape=1.5)
        assert found['pg_up{target="hung"}'] == 0
        assert found['tocsin_target_error{target="hung",kind="postgres",reason="timeout"}'] == 1
        assert found['pg_up{target="well"}'] == 1
    own_postgres.resume()
    assert (await running.samples("/metrics/postgres"))['pg_up{target="hung"}'] == 1
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin-collector'"
    async with ready(own_postgres) as connection, asyncio.timeout(60):
        while await connection.fetchval(count) != 1:
            await connection.execute("SELECT pg_sleep(0.05)")


async def test_disk_by_size(start: Start, postgres_dsn: str, database) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn, "disk_size": 1e9}]})
    found = await running.samples("/metrics/postgres")
    sizes = sum(value for name, value in found.items() if name.startswith("pg_database_size_bytes"))
    wal = found['pg_wal_size_bytes{target="db"}']
    assert found['pg_disk_used_ratio{target="db"}'] == pytest.approx((sizes + wal) / 1e9)
