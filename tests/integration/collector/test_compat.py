"""The names that community rules and dashboards ask for are on our pages, and nothing grows from scrape to scrape."""

import asyncio
import gc
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.integration.collector.apps import deaf, feed, ok, serving, silent
from tests.integration.collector.conftest import OwnServer, Start

POSTGRES = """
pg_database_size_bytes pg_exporter_last_scrape_error pg_locks_count pg_long_running_transactions
pg_postmaster_start_time_seconds pg_replication_is_replica pg_replication_lag pg_replication_lag_seconds
pg_settings_autovacuum_analyze_threshold pg_settings_autovacuum_vacuum_scale_factor
pg_settings_autovacuum_vacuum_threshold pg_settings_max_connections pg_settings_max_locks_per_transaction
pg_settings_superuser_reserved_connections pg_settings_transaction_read_only pg_stat_activity_count
pg_stat_activity_max_tx_duration pg_stat_archiver_failed_count pg_stat_bgwriter_buffers_alloc_total
pg_stat_bgwriter_buffers_backend_fsync_total pg_stat_bgwriter_buffers_backend_total
pg_stat_bgwriter_buffers_checkpoint_total pg_stat_bgwriter_buffers_clean_total pg_stat_bgwriter_checkpoints_req_total
pg_stat_bgwriter_checkpoints_timed_total pg_stat_bgwriter_maxwritten_clean_total pg_stat_database_blks_hit
pg_stat_database_blks_read pg_stat_database_conflicts pg_stat_database_deadlocks pg_stat_database_numbackends
pg_stat_database_temp_bytes pg_stat_database_tup_deleted pg_stat_database_tup_fetched pg_stat_database_tup_inserted
pg_stat_database_tup_returned pg_stat_database_tup_updated pg_stat_database_xact_commit pg_stat_database_xact_rollback
pg_stat_user_tables_idx_scan pg_stat_user_tables_last_autoanalyze pg_stat_user_tables_last_autovacuum
pg_stat_user_tables_n_dead_tup pg_stat_user_tables_n_live_tup pg_stat_user_tables_n_tup_del
pg_stat_user_tables_n_tup_hot_upd pg_stat_user_tables_n_tup_upd pg_stat_user_tables_seq_scan pg_txid_current pg_up
pg_static pg_wal_segments pg_wal_size_bytes pg_statio_user_tables_heap_blocks_hit pg_statio_user_tables_heap_blks_hit
pg_stat_checkpointer_num_timed_total pg_stat_bgwriter_buffers_alloc pg_stat_database_sessions
pg_database_wraparound_age_datfrozenxid_seconds pg_database_connection_limit pg_scrape_collector_success
pg_replication_slots_active pg_replication_slots_pg_wal_lsn_diff pg_stat_archiver_last_archive_age
"""
REDIS = """
redis_blocked_clients redis_commands_duration_seconds_total redis_commands_total redis_config_maxclients
redis_connected_clients redis_connected_slaves redis_db_keys redis_db_keys_expiring redis_evicted_keys_total
redis_expired_keys_total redis_instance_info redis_keyspace_hits_total redis_keyspace_misses_total
redis_memory_fragmentation_ratio redis_memory_max_bytes redis_memory_used_bytes redis_memory_used_rss_bytes
redis_net_input_bytes_total redis_net_output_bytes_total redis_rdb_last_save_timestamp_seconds
redis_rejected_connections_total redis_total_system_memory_bytes redis_up redis_uptime_in_seconds
redis_exporter_last_scrape_error redis_exporter_scrapes_total redis_slowlog_length redis_mem_fragmentation_ratio
redis_start_time_seconds redis_max_clients redis_commands_processed_total redis_cluster_enabled
"""
PROBES = """
probe_dns_lookup_time_seconds probe_duration_seconds probe_http_duration_seconds probe_http_redirects probe_http_ssl
probe_http_status_code probe_http_version probe_success probe_timeout_seconds probe_ip_protocol probe_ip_addr_hash
probe_failed_due_to_regex probe_http_content_length probe_http_uncompressed_body_length
probe_websocket_status_code probe_websocket_connection_upgraded probe_websocket_failed_due_to_regex
probe_websocket_duration_seconds
"""
LABELS = {
    "pg_stat_activity_count": {
        "datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event",
    },
    "pg_stat_database_xact_commit": {"datid", "datname"},
    "pg_stat_user_tables_n_dead_tup": {"datname", "schemaname", "relname"},
    "pg_locks_count": {"datname", "mode"},
    "redis_commands_total": {"cmd"},
    "redis_db_keys": {"db"},
    "probe_http_duration_seconds": {"phase"},
    "celery_queue_length": {"queue_name"},
}  # fmt: skip


def names_and_labels(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition("{")
            found.setdefault(name, {part.partition("=")[0] for part in rest.rpartition("}")[0].split('",') if part})
    return found


async def test_names_and_labels_of_the_packs(start: Start, postgres_dsn: str, redis_url: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("CREATE TABLE orders (id int)")
    await connection.execute("SELECT pg_create_physical_replication_slot('spare', true)")
    async with Redis.from_url(redis_url) as client, serving({"/": ok, "/ws": feed}) as port:
        await client.set("a", 1)
        running = await start({
            "postgres": [{"name": "db", "dsn": postgres_dsn}], "redis": [{"name": "cache", "url": redis_url}],
            "celery": [{"name": "jobs", "broker_url": redis_url}],
            "http": [{"name": "site", "url": f"http://127.0.0.1:{port}/", "module": {
                "fail_if_body_matches_regexp": ["never"]}}],
            "websocket": [{"name": "feed", "url": f"ws://127.0.0.1:{port}/ws"}],
        })  # fmt: skip
        try:
            _, text = await running.get("/metrics")
        finally:
            await connection.execute("SELECT pg_drop_replication_slot('spare')")
            await connection.close()
    found = names_and_labels(text)
    wanted = set(POSTGRES.split()) | set(REDIS.split()) | set(PROBES.split()) | {"celery_queue_length"}
    assert sorted(wanted - set(found)) == []
    for name, labels in LABELS.items():
        assert found[name] == labels | {"target"}, name


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("rounds", [30])
async def test_nothing_grows_over_many_scrapes_of_targets_in_trouble(
    start: Start, own_redis: OwnServer, postgres_dsn: str, redis_url: str, rounds: int
) -> None:
    async with serving({"/": ok, "/ws": feed, "/deaf": deaf}) as port, silent() as mute:
        running = await start({
            "postgres": [
                {"name": "db", "dsn": postgres_dsn}, {"name": "no", "host": "127.0.0.1", "port": 1, "user": "a"},
            ],
            "redis": [
                {"name": "cache", "url": redis_url}, {"name": "gone", "url": "redis://127.0.0.1:1"},
                {"name": "hung", "url": f"redis://127.0.0.1:{own_redis.port}"},
            ],
            "http": [{"name": "site", "url": f"http://127.0.0.1:{port}/"}],
            "fastapi": [{"name": "mute", "metrics_url": f"http://127.0.0.1:{mute}/metrics"}],
            "websocket": [
                {"name": "feed", "url": f"ws://127.0.0.1:{port}/ws", "ping_message": "ping"},
                {"name": "deaf", "url": f"ws://127.0.0.1:{port}/deaf", "ping_message": "ping"},
            ],
        })  # fmt: skip
        own_redis.hang()
        for _ in range(10):
            await running.samples("/metrics", scrape=0.8)
        gc.collect()
        files, tasks = open_files(), len(asyncio.all_tasks())
        for _ in range(rounds):
            found = await running.samples("/metrics", scrape=0.8)
        own_redis.resume()
        # A check that was cut off ends its connection in the background.
        async with asyncio.timeout(60):
            while open_files() > files + 8 or len(asyncio.all_tasks()) > tasks + 8:
                await running.samples("/metrics/http")
                gc.collect()
    assert found['redis_up{target="hung"}'] == 0
    assert found['fastapi_up{target="mute"}'] == 0
    assert found['probe_success{target="deaf"}'] == 0
    assert found['redis_up{target="cache"}'] == 1
    assert found['probe_success{target="site"}'] == 1
