"""The same facts from an old and from the newest server, for a role that has pg_monitor alone."""

import asyncpg
import pytest

from tests.fixtures.waiting import until
from tests.integration.collector.conftest import Running, Start
from tests.integration.collector.postgres.clusters import Cluster

WANTED = """
pg_stat_bgwriter_checkpoints_timed_total pg_stat_bgwriter_checkpoints_req_total pg_stat_bgwriter_buffers_backend_total
pg_stat_bgwriter_buffers_backend_fsync_total pg_stat_bgwriter_buffers_alloc pg_stat_checkpointer_num_timed_total
pg_stat_checkpointer_num_requested_total pg_stat_checkpointer_buffers_written_total pg_stat_ssl_compression
pg_stat_database_sessions pg_stat_database_session_time pg_stat_database_active_time_seconds_total
pg_stat_wal_records_total pg_stat_wal_bytes_total pg_txid_current
pg_roles_connection_limit pg_wraparound_percent pg_freeze_age_ratio pg_settings_pending_restart_count
pg_replication_replay_paused pg_stat_archiver_failing pg_connections_used_ratio pg_replication_lag
pg_buffercache_summary_buffers_used pg_stat_statements_calls_total pg_stat_statements_seconds_total
pg_stat_statements_block_read_seconds_total pg_stat_statements_available pg_stat_user_tables_table_size_bytes
pg_statio_user_tables_heap_blks_hit pg_statio_user_tables_heap_blocks_hit pg_statio_user_indexes_idx_blks_hit_total
pg_stat_user_indexes_idx_scan_total pg_scrape_database_timestamp_seconds pg_bloat_unknown pg_sequences_unreadable
pg_invalid_indexes pg_stat_activity_count pg_locks_waiting pg_wal_segments pg_database_xid_age pg_static
"""
SINCE = {
    "pg_buffercache_summary_buffers_used": 16, "pg_stat_io_hits_total": 16, "pg_stat_checkpointer_num_done_total": 18,
}  # fmt: skip


async def toured(running: Running, path: str = "/metrics/postgres") -> dict[str, float]:
    """Return a page that has what the first tour has read."""
    found: dict[str, float] = {}

    async def ended() -> bool:
        found.clear()
        found.update(await running.samples(path))
        return any('collector="bloat"' in name for name in found) and not any(
            name.startswith("pg_scrape_database_success") and value == 0 for name, value in found.items()
        )

    await until(ended)
    return found


async def test_all_names_and_no_failure(start: Start, cluster: Cluster) -> None:
    await cluster.run(
        "CREATE TABLE orders (id serial PRIMARY KEY, note text)",
        "INSERT INTO orders (note) SELECT 'x' FROM generate_series(1, 100)", "ANALYZE", "CHECKPOINT",
    )  # fmt: skip
    running = await start({"postgres": [{"name": "db", "dsn": cluster.dsn()}]})
    found = await toured(running)
    failed = [name for name, value in found.items() if name.startswith("pg_scrape_collector_success") and not value]
    assert failed == []
    assert found['pg_exporter_last_scrape_error{target="db"}'] == 0
    names = {name.partition("{")[0] for name in found}
    missing = {name for name in WANTED.split() if SINCE.get(name, 0) <= cluster.version} - names
    assert sorted(missing) == []
    assert ("pg_stat_io_hits_total" in names) == (cluster.version >= SINCE["pg_stat_io_hits_total"])
    assert found['pg_stat_checkpointer_num_requested_total{target="db"}'] >= 1
    same = ("pg_stat_checkpointer_num_requested_total", "pg_stat_bgwriter_checkpoints_req_total")
    assert len({found[f'{name}{{target="db"}}'] for name in same}) == 1
    version = await cluster.value("SELECT version()")
    short = await cluster.value("SELECT split_part(current_setting('server_version'), ' ', 1) || '.0'")
    assert found[f'pg_static{{target="db",short_version="{short}",version="{version}"}}'] == 1


async def test_without_compat_each_fact_has_one_name(start: Start, cluster: Cluster) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": cluster.dsn(), "compat": False}]})
    names = {name.partition("{")[0] for name in await running.samples("/metrics/postgres")}
    for old in ("pg_replication_lag", "pg_stat_bgwriter_buffers_alloc", "pg_statio_user_tables_heap_blks_hit"):
        assert old not in names
    assert {"pg_replication_lag_seconds", "pg_stat_bgwriter_buffers_alloc_total"} <= names


async def test_statements_by_name_the_rest_as_other_and_texts_on_request(start: Start, cluster: Cluster) -> None:
    await cluster.run(*(f"SELECT {number} AS column_{number}" for number in range(6)))
    everything = "SELECT sum(calls) FROM pg_stat_statements"
    before = float(await cluster.value(everything))
    switch = {"stat_statements_texts": {"enabled": True, "min_interval": 0}}
    target = {"name": "db", "dsn": cluster.dsn(), "top_statements": 3, "collectors": switch}
    running = await start({"postgres": [target]})
    found = await running.samples("/metrics/postgres")
    calls = {name: value for name, value in found.items() if name.startswith("pg_stat_statements_calls_total")}
    assert len(calls) == 4
    assert 'pg_stat_statements_calls_total{target="db",user="",datname="",queryid="other"}' in calls
    assert before <= sum(calls.values()) <= float(await cluster.value(everything))
    texts = [name for name in found if name.startswith("pg_stat_statements_query_id")]
    assert 0 < len(texts) <= 3
    assert all('query=""' not in text for text in texts)


async def test_bloat_sequences_and_invalid_indexes(start: Start, cluster: Cluster) -> None:
    await cluster.run(
        "CREATE TABLE wasted (id int PRIMARY KEY, day date)", "CREATE TABLE texts (id int, note text)",
        "INSERT INTO wasted SELECT g, '2026-01-01' FROM generate_series(1, 60000) g",
        "INSERT INTO texts SELECT g % 10, repeat('x', 100) FROM generate_series(1, 20000) g",
        "DELETE FROM wasted WHERE id % 10 <> 0", "VACUUM ANALYZE wasted", "ANALYZE texts",
        "CREATE TABLE small (id serial)", "SELECT setval('small_id_seq', 2147483647 / 2)",
        "CREATE TABLE tiny (id smallserial)", "SELECT setval('tiny_id_seq', 32000)",
        "GRANT SELECT ON SEQUENCE small_id_seq, tiny_id_seq TO watcher",
        "CREATE SEQUENCE hidden",
    )  # fmt: skip
    with pytest.raises(asyncpg.UniqueViolationError):
        await cluster.run("CREATE UNIQUE INDEX CONCURRENTLY texts_ccnew ON texts (id)")
    running = await start({"postgres": [{"name": "db", "dsn": cluster.dsn()}]})
    found = await toured(running)
    where = 'target="db",datname="postgres",schemaname="public"'
    table = f'{{{where},relname="wasted"}}'
    assert 80 < found["pg_bloat_table_bloat_pct" + table] < 95
    pages = await cluster.value("SELECT relpages FROM pg_class WHERE relname = 'wasted'")
    assert found["pg_bloat_table_real_size" + table] == pages * 8192
    index = f'{{{where},relname="wasted",idxname="wasted_pkey"}}'
    assert 75 < found["pg_bloat_btree_bloat_pct" + index] < 95
    assert found['pg_bloat_unknown{target="db",datname="postgres",kind="table"}'] == 1, "texts: the role may not read"
    assert found[f'pg_sequence_used_ratio{{{where},sequencename="tiny_id_seq"}}'] > 0.97
    assert 0.49 < found[f'pg_sequence_used_ratio{{{where},sequencename="small_id_seq"}}'] < 0.51
    assert found['pg_sequences_unreadable{target="db",datname="postgres"}'] == 1
    assert found['pg_invalid_indexes{target="db",datname="postgres"}'] == 1
    assert f'pg_general_index_info_pg_relation_size{{{where},relname="texts",indexrelname="texts_ccnew"}}' in found
    await cluster.run("GRANT pg_read_all_data TO watcher")
    await running.collector.reload()
    found = await toured(running)
    assert found['pg_bloat_unknown{target="db",datname="postgres",kind="table"}'] == 0
