"""Every name of the community's rules and dashboards for PostgreSQL is on the page, with the labels they ask for.

The list is of awesome-prometheus-alerts, postgres_exporter's mixin and Grafana's postgres-observ-lib (rules and
dashboards): each metric with the labels that they match or group by, without those that a scrape adds.
"""

import asyncio
import re

import asyncpg
import pytest

from tests.fixtures.waiting import until
from tests.integration.collector.conftest import Start
from tests.integration.collector.postgres.clusters import Cluster, standby

ASKED_FOR = """
pg_bloat_btree_bloat_pct idxname
pg_bloat_btree_real_size idxname
pg_bloat_table_bloat_pct relname
pg_bloat_table_real_size relname
pg_database_size_bytes
pg_exporter_last_scrape_error
pg_general_index_info_pg_relation_size indexrelname
pg_locks_count datname mode
pg_long_running_transactions
pg_postmaster_start_time_seconds
pg_replication_is_replica
pg_replication_lag
pg_replication_lag_seconds
pg_replication_slots_active
pg_settings_autovacuum_analyze_threshold
pg_settings_autovacuum_vacuum_scale_factor
pg_settings_autovacuum_vacuum_threshold
pg_settings_max_connections
pg_settings_max_locks_per_transaction
pg_settings_superuser_reserved_connections
pg_settings_transaction_read_only
pg_stat_activity_count datname state
pg_stat_activity_max_tx_duration datname state
pg_stat_archiver_failed_count
pg_stat_bgwriter_buffers_alloc_total
pg_stat_bgwriter_buffers_backend_fsync_total
pg_stat_bgwriter_buffers_backend_total
pg_stat_bgwriter_buffers_checkpoint_total
pg_stat_bgwriter_buffers_clean_total
pg_stat_bgwriter_checkpoints_req_total
pg_stat_bgwriter_checkpoints_timed_total
pg_stat_bgwriter_maxwritten_clean_total
pg_stat_database_blks_hit datname
pg_stat_database_blks_read datname
pg_stat_database_conflicts datname
pg_stat_database_deadlocks datid datname
pg_stat_database_numbackends datname
pg_stat_database_temp_bytes
pg_stat_database_tup_deleted datname
pg_stat_database_tup_fetched datname
pg_stat_database_tup_inserted datname
pg_stat_database_tup_returned datname
pg_stat_database_tup_updated datname
pg_stat_database_xact_commit datid datname
pg_stat_database_xact_rollback datid datname
pg_stat_replication_pg_current_wal_lsn_bytes
pg_stat_replication_pg_wal_lsn_diff application_name client_addr state
pg_stat_ssl_compression
pg_stat_statements_calls_total
pg_stat_statements_rows_total
pg_stat_statements_seconds_total
pg_stat_user_tables_idx_scan
pg_stat_user_tables_last_autoanalyze relname schemaname
pg_stat_user_tables_last_autovacuum relname schemaname
pg_stat_user_tables_n_dead_tup relname schemaname
pg_stat_user_tables_n_live_tup relname schemaname
pg_stat_user_tables_n_tup_del
pg_stat_user_tables_n_tup_hot_upd
pg_stat_user_tables_n_tup_upd
pg_stat_user_tables_seq_scan
pg_statio_user_indexes_idx_blks_hit_total
pg_statio_user_indexes_idx_blks_read_total
pg_txid_current
pg_up
"""
# Asked for, and not given: `granted` of pg_locks_count (it would double the series, and pg_locks_waiting tells it),
# `datname` of two settings (a setting has none; the rule's join is wrong), `namespace` of pg_stat_database (Kubernetes
# adds it).
_NAME = re.compile(r"([a-z_0-9]+)(?:\{(.*)\})? ")
_LABEL = re.compile(r'([a-z_]+)="')


@pytest.fixture
async def page(start: Start, newest: Cluster) -> str:
    await newest.run(
        "CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT g, 1 FROM generate_series(1, 60000) g",
        "DELETE FROM t WHERE id % 10 <> 0", "VACUUM ANALYZE t",
    )  # fmt: skip
    with pytest.raises(asyncpg.UniqueViolationError):
        await newest.run("CREATE UNIQUE INDEX CONCURRENTLY t_ccnew ON t (n)")
    replica = await asyncio.to_thread(standby, newest, "spare")
    try:
        await replica.ready()
        running = await start({"postgres": [{"name": "db", "dsn": newest.dsn()}]})

        async def whole() -> bool:
            found = await running.samples("/metrics/postgres")
            return any("pg_bloat_btree_bloat_pct" in name for name in found)

        await until(whole)
        return (await running.get("/metrics/postgres"))[1]
    finally:
        replica.remove()


async def test_every_name_that_is_asked_for_is_there_with_its_labels(page: str) -> None:
    found: dict[str, set[str]] = {}
    for line in page.splitlines():
        if not line.startswith("#") and (match := _NAME.match(line)):
            found.setdefault(match[1], set()).update(_LABEL.findall(match[2] or ""))
    for line in ASKED_FOR.split("\n"):
        name, *labels = line.split() or [""]
        if name:
            assert name in found, name
            assert set(labels) <= found[name], name


async def test_each_metric_is_told_once_with_help_and_one_type(page: str) -> None:
    lines = page.splitlines()
    types = [line.split()[2:4] for line in lines if line.startswith("# TYPE pg_")]
    helps = [line.split(maxsplit=3)[2:] for line in lines if line.startswith("# HELP pg_")]
    assert len({name for name, _ in types}) == len(types)
    assert [name for name, _ in types] == [one[0] for one in helps]
    assert all(len(one) == 2 for one in helps), "every metric has a help text"
    assert "untyped" not in {kind for _, kind in types}
    assert not any(name.endswith("_created") for name, _ in types)
