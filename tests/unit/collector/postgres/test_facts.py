"""What single collectors make of their rows."""

from pathlib import Path

import asyncpg
import pytest

from services.collector.sources.postgres.server import _QUERY as SERVER
from tests.unit.collector.postgres.fakes import Server, collect

ABOUT = {
    "version": "PostgreSQL 13.9 (Debian)", "short": "13.9 (Debian 13.9-1)", "start": 5.0, "txid": 77, "used": 45,
    "most": 60, "reserved": 3, "is_replica": False, "lag": 0.0, "last_replay": 0.0, "paused": False,
    "archived_count": 4, "failed_count": 2, "archive_age": 9.0, "failed_age": 3.0, "archiving_fails": True,
    "statements_schema": None, "has_standbys": False, "has_slots": False, "has_vacuums": False,
}  # fmt: skip


async def test_the_server_by_one_row() -> None:
    server = Server(pg_postmaster_start_time=[ABOUT])
    sheet = await collect("server", server.session())
    assert sheet.value("pg_static", short_version="13.9.0", version="PostgreSQL 13.9 (Debian)") == 1
    assert sheet.value("pg_connections_used_ratio") == pytest.approx(45 / 57)
    assert sheet.value("pg_stat_archiver_failing") == 1
    assert sheet.value("pg_stat_archiver_last_failed_age_seconds") == 3
    assert sheet.value("pg_stat_ssl_compression") == 0
    assert len(server.asked) == 1


async def test_what_the_server_has_none_of_is_not_asked_for() -> None:
    server = Server(pg_postmaster_start_time=[ABOUT])
    session = server.session()
    await collect("server", session)
    for name in ("stat_replication", "replication_slots", "stat_progress_vacuum"):
        assert (await collect(name, session)).families == {}
    assert len(server.asked) == 1
    server.answers = {"pg_postmaster_start_time": asyncpg.QueryCanceledError(), "FROM": []}
    with pytest.raises(asyncpg.QueryCanceledError):
        await collect("server", session)
    for name in ("stat_replication", "replication_slots", "stat_progress_vacuum"):
        await collect(name, session)
    assert len(server.asked) == 1 + 1 + 3, "nobody has said that there are none"


async def test_only_before_14_a_connection_can_be_compressed() -> None:
    server = Server(**{"FROM pg_stat_ssl": [{"compressed": 2}], "pg_postmaster_start_time": [ABOUT]})
    sheet = await collect("server", server.session(130_009))
    assert sheet.value("pg_stat_ssl_compression") == 2


def test_no_transaction_id_is_used_up() -> None:
    assert "txid_current()" not in SERVER
    assert "pg_current_xact_id()" not in SERVER


async def test_archiving_that_never_failed_has_no_age() -> None:
    server = Server(pg_postmaster_start_time=[{**ABOUT, "failed_age": None, "archiving_fails": False}])
    sheet = await collect("server", server.session())
    assert "pg_stat_archiver_last_failed_age_seconds" not in sheet.names()


TROUBLE = {
    "blocked": 0, "lock_wait": 0.0, "idle_in_transaction": 0.0, "query": 0.0, "long_transactions": 0, "oldest": 0.0,
    "autovacuum": None, "sessions": 0,
}  # fmt: skip


async def test_who_blocks_is_asked_only_when_someone_waits() -> None:
    calm = Server(**{"WHERE d.datallowconn": [{**TROUBLE, "datname": "shop"}]})
    sheet = await collect("activity_trouble", calm.session())
    assert len(calm.asked) == 1
    assert "pg_blocking_sessions" not in sheet.names()
    held = Server(**{
        "WHERE d.datallowconn": [
            {**TROUBLE, "datname": "shop", "blocked": 2, "lock_wait": 7.0, "long_transactions": 1, "oldest": 90.0},
            {**TROUBLE, "datname": "stock", "long_transactions": 2, "oldest": 70.0, "autovacuum": 55.0},
        ],
        "pg_blocking_pids": [{"datname": "shop", "blocking": 2, "first": 1}],
    })  # fmt: skip
    sheet = await collect("activity_trouble", held.session())
    assert sheet.value("pg_blocked_sessions", datname="shop") == 2
    assert sheet.value("pg_lock_wait_max_seconds", datname="shop") == 7
    assert sheet.value("pg_blocking_sessions_first", datname="shop") == 1
    assert sheet.value("pg_long_running_transactions") == 3
    assert sheet.value("pg_long_running_transactions_oldest_timestamp_seconds") == 90
    assert sheet.value("pg_stat_activity_autovacuum_timestamp_seconds", datname="stock") == 55


@pytest.mark.parametrize(("count", "filled"), [(10, 10), (11, 1)])
async def test_of_many_databases_only_those_awake_have_zeros(count: int, filled: int) -> None:
    rows = [{**TROUBLE, "datname": f"d{number}", "sessions": int(number == 0)} for number in range(count)]
    sheet = await collect("activity_trouble", Server(**{"WHERE d.datallowconn": rows}).session())
    assert len(sheet.families["pg_stat_activity_count"].rows) == 6 * filled
    assert len(sheet.families["pg_blocked_sessions"].rows) == filled


async def test_locks_by_mode_with_zeros_and_modes_of_servers_to_come() -> None:
    rows = [
        {"datname": "shop", "mode": "accesssharelock", "count": 3, "waiting": 1},
        {"datname": "shop", "mode": "newlock", "count": 1, "waiting": 0},
        {"datname": "shop", "mode": "", "count": 0, "waiting": 0},
    ]  # fmt: skip
    sheet = await collect("locks", Server(pg_locks=rows).session())
    assert sheet.value("pg_locks_count", datname="shop", mode="accesssharelock") == 3
    assert sheet.value("pg_locks_waiting", datname="shop", mode="accesssharelock") == 1
    assert sheet.value("pg_locks_count", datname="shop", mode="newlock") == 1
    assert sheet.value("pg_locks_count", datname="shop", mode="sireadlock") == 0
    assert len(sheet.families["pg_locks_count"].rows) == 10


async def test_idle_times_as_a_histogram() -> None:
    rows = [
        {"state": "idle", "application_name": "app", "seconds": seconds} for seconds in (0.5, 1.0, 40.0, 1000.0, None)
    ]
    sheet = await collect("process_idle", Server(pg_stat_activity=rows).session())
    labels = {"state": "idle", "application_name": "app"}
    found = {
        le: sheet.value("pg_process_idle_seconds_bucket", **labels, le=le) for le in ("1.0", "60.0", "300.0", "+Inf")
    }
    assert found == {"1.0": 3, "60.0": 4, "300.0": 4, "+Inf": 5}
    assert sheet.value("pg_process_idle_seconds_sum", **labels) == 1041.5


SIZE = {"datconnlimit": -1, "xid_age": 100, "mxid_age": 5, "freeze_at": 200.0, "size": 1000}


async def test_ages_and_sizes_and_the_disk_they_fill() -> None:
    rows = [{**SIZE, "datname": "a"}, {**SIZE, "datname": "b", "size": None, "xid_age": 2**30}]
    session = Server(pg_database_size=rows).session(disk_size=10_000.0)
    sheet = await collect("database", session)
    assert sheet.value("pg_database_size_bytes", datname="a") == 1000
    assert sheet.value("pg_database_size_bytes", datname="b") is None, "the role may not know it"
    assert sheet.value("pg_database_wraparound_age_datfrozenxid_seconds", datname="b") == 2**30
    assert sheet.value("pg_wraparound_percent") == pytest.approx(50.07, abs=0.01)
    assert sheet.value("pg_freeze_age_ratio") == 2**30 / 200
    session.memory.facts["wal_bytes"] = 1000.0
    disk = await collect("disk", session)
    assert disk.value("pg_disk_used_ratio") == pytest.approx(0.2)
    assert disk.value("pg_disk_size_bytes") == 10_000


async def test_the_disk_itself_where_it_can_be_looked_at_and_nothing_where_not(tmp_path: Path) -> None:
    session = Server().session()
    assert (await collect("disk", session)).names() == set()
    session.disk_path = str(tmp_path)
    ratio = (await collect("disk", session)).value("pg_disk_used_ratio")
    assert ratio is not None
    assert 0 < ratio <= 1


IO = {
    **dict.fromkeys(("reads", "writes", "extends", "hits", "evictions", "reuses", "fsyncs", "writebacks"), 0),
    **dict.fromkeys(("read_time", "write_time", "extend_time", "fsync_time", "writeback_time"), 0.0),
    **dict.fromkeys(("read_time_seconds", "write_time_seconds", "fsync_time_seconds"), 0.0),
    "timed": False,
}


async def test_backends_writes_come_from_pg_stat_io_since_17() -> None:
    client = {"backend_type": "client backend", "object": "relation", "context": "normal"}
    rows = [
        {**IO, **client, "writes": 5, "extends": 2, "fsyncs": 1, "read_time_seconds": 1.5, "timed": True},
        {**IO, **client, "context": "vacuum", "writes": None, "extends": 1},
        {**IO, **client, "backend_type": "checkpointer", "writes": 100},
        {**IO, **client, "object": "wal", "writes": 7, "fsyncs": 3, "write_time": 250.0},
        {**IO, **client, "object": "wal", "context": "init", "writes": 1000},
    ]
    writers = {
        **dict.fromkeys(("buffers_clean", "maxwritten_clean", "buffers_alloc", "num_timed", "num_requested"), 3),
        **dict.fromkeys(("num_done", "write_time", "sync_time", "buffers_written", "reset_at"), 4),
        "checkpointer_reset_at": 6,
    }
    wal = [{"wal_records": 9, "reset_at": 0.0}]
    answers = {"FROM pg_stat_io": rows, "pg_stat_checkpointer": [writers], "FROM pg_stat_wal": wal}
    session = Server(**answers).session()
    sheet = await collect("stat_io", session)
    labels = {"backend_type": "client backend", "object": "relation", "context": "normal"}
    assert sheet.value("pg_stat_io_writes_total", **labels) == 5
    assert sheet.value("pg_stat_io_read_time_seconds_total", **labels) == 1.5
    assert len(sheet.families["pg_stat_io_read_time_seconds_total"].rows) == 1, "only what was timed has times"
    sheet = await collect("stat_bgwriter", session)
    assert sheet.value("pg_stat_bgwriter_buffers_backend_total") == 8
    assert sheet.value("pg_stat_bgwriter_buffers_backend_fsync_total") == 1
    assert sheet.value("pg_stat_bgwriter_buffers_checkpoint") == 4
    assert sheet.value("pg_stat_checkpointer_stats_reset_total") == 6
    assert sheet.value("pg_stat_bgwriter_stats_reset_total") == 4
    sheet = await collect("stat_wal", session)
    assert sheet.value("pg_stat_wal_records_total") == 9
    assert sheet.value("pg_stat_wal_write_total") == 7, "filling new segments was no write of WAL before 18"
    assert sheet.value("pg_stat_wal_sync_total") == 3
    assert sheet.value("pg_stat_wal_write_time_total") == 250


async def test_a_vacuum_that_runs_by_the_views_own_units() -> None:
    row = {
        "datname": "shop", "relname": "orders", "phase": "scanning heap", "heap_blks_total": 100,
        "heap_blks_scanned": 40, "heap_blks_vacuumed": 0, "index_vacuum_count": 0, "max_dead_tuple_bytes": 2**26,
        "dead_tuple_bytes": 64, "num_dead_item_ids": 8,
    }  # fmt: skip
    sheet = await collect("stat_progress_vacuum", Server(pg_stat_progress_vacuum=[row, row]).session())
    where = {"datname": "shop", "relname": "orders"}
    assert sheet.value("pg_stat_progress_vacuum_heap_blks", **where) == 100
    assert sheet.value("pg_stat_progress_vacuum_max_dead_tuple_bytes", **where) == 2**26
    assert sheet.value("pg_stat_progress_vacuum_num_dead_tuples", **where) == 8
    assert "pg_stat_progress_vacuum_max_dead_tuples" not in sheet.names()
    assert sheet.value("pg_stat_progress_vacuum_phase", **where, phase="scanning heap") == 1
    assert len(sheet.families["pg_stat_progress_vacuum_heap_blks"].rows) == 1


async def test_settings_in_base_units_and_those_that_wait_for_a_restart() -> None:
    empty = {"unit": "", "short_desc": "What it does", "pending_restart": False}
    rows = [
        {**empty, "name": "jit", "vartype": "bool", "setting": "on", "pending_restart": True},
        {
            **empty,
            "name": "shared_buffers",
            "vartype": "integer",
            "setting": "16",
            "unit": "8kB",
            "pending_restart": True,
        },
        {**empty, "name": "my-ext.level", "vartype": "real", "setting": "0.5"},
        {**empty, "name": "search_path", "vartype": "string", "setting": "public"},
    ]
    sheet = await collect("settings", Server(pg_settings=rows).session())
    assert sheet.value("pg_settings_jit") == 1
    assert sheet.value("pg_settings_shared_buffers_bytes") == 131_072
    assert sheet.value("pg_settings_my_ext_level") == 0.5
    assert sheet.value("pg_settings_pending_restart_count") == 2
    assert "pg_settings_search_path" not in sheet.names()


async def test_elsewhere_only_what_is_wrong_is_told_of_the_schema() -> None:
    session = Server(pg_index=[], pg_sequence=[], pg_class=[]).session()
    session.main = False
    for name in ("invalid_indexes", "sequences", "bloat"):
        assert (await collect(name, session)).names() == set(), name
    session.main = True
    for name in ("pg_invalid_indexes", "pg_sequences_unreadable", "pg_bloat_unknown"):
        collector = {"pg_invalid_indexes": "invalid_indexes", "pg_sequences_unreadable": "sequences"}.get(name, "bloat")
        assert (await collect(collector, session)).names() == {name}
