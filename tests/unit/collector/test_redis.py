import pytest
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from services.collector.reasons import Reason
from services.collector.sheet import Sheet
from services.collector.sources.redis.facts import write_info, write_latency, write_slowlog
from services.collector.sources.redis.fields import number, table
from services.collector.sources.redis.source import translate

PRIMARY = {
    "role": "master", "redis_version": "7.0.15", "uptime_in_seconds": 100, "used_memory": 50, "maxmemory": 0,
    "total_system_memory": 200, "maxclients": 10_000, "mem_fragmentation_ratio": 1.5, "rdb_last_bgsave_status": "ok",
    "aof_last_write_status": "err", "latest_fork_usec": 2500, "keyspace_hits": 3,
    "db0": {"keys": 4, "expires": 2, "avg_ttl": 1500}, "db1": {"keys": 1, "expires": 0, "avg_ttl": 0},
    "cmdstat_get": {"calls": 7, "usec": 21, "usec_per_call": 3.0, "rejected_calls": 1, "failed_calls": 2},
    "errorstat_ERR": {"count": 9}, "slave0": {"ip": "10.0.0.2", "port": 6379, "state": "online", "offset": 5, "lag": 1},
}  # fmt: skip


def test_a_primary() -> None:
    sheet = Sheet()
    write_info(sheet, PRIMARY, now=1000.0)
    assert sheet.value("redis_start_time_seconds") == 900
    assert sheet.value("redis_memory_limit_bytes") == 200
    assert sheet.value("redis_memory_used_ratio") == 0.25
    assert sheet.value("redis_memory_max_bytes") == 0
    assert sheet.value("redis_rdb_last_bgsave_status") == 1
    assert sheet.value("redis_aof_last_write_status") == 0
    assert sheet.value("redis_latest_fork_seconds") == 0.0025
    assert sheet.value("redis_config_maxclients") == sheet.value("redis_max_clients") == 10_000
    assert sheet.value("redis_memory_fragmentation_ratio") == 1.5
    assert sheet.value("redis_db_keys", db="db0") == 4
    assert sheet.value("redis_db_avg_ttl_seconds", db="db0") == 1.5
    assert sheet.value("redis_db_avg_ttl_seconds", db="db1") is None
    assert sheet.value("redis_commands_total", cmd="get") == 7
    assert sheet.value("redis_commands_duration_seconds_total", cmd="get") == pytest.approx(21e-6)
    assert sheet.value("redis_commands_failed_calls_total", cmd="get") == 2
    assert sheet.value("redis_errors_total", err="ERR") == 9
    replica = {"slave_ip": "10.0.0.2", "slave_port": "6379", "slave_state": "online"}
    assert sheet.value("redis_connected_slave_lag_seconds", **replica) == 1
    assert sheet.families["redis_keyspace_hits_total"].type == "counter"


def test_a_replica() -> None:
    sheet = Sheet()
    info = {
        "role": "slave", "master_host": "db", "master_port": 6379, "master_link_status": "down",
        "master_last_io_seconds_ago": -1, "master_sync_in_progress": 0, "slave_repl_offset": 5, "slave_read_only": 1,
        "slave_priority": 100,
    }  # fmt: skip
    write_info(sheet, info, now=0)
    master = {"master_host": "db", "master_port": "6379"}
    assert sheet.value("redis_master_link_up", **master) == 0
    assert sheet.value("redis_slave_repl_offset", **master) == 5
    assert sheet.value("redis_slave_info", read_only="1", priority="100", **master) == 1
    assert "redis_memory_used_ratio" not in sheet.names()


def test_the_slow_log() -> None:
    sheet = Sheet()
    entries = [{"id": 8, "start_time": 995, "duration": 30_000}, {"id": 7, "start_time": 100, "duration": 900_000}]
    write_slowlog(sheet, 2, entries, now=1000.0)
    assert sheet.value("redis_slowlog_last_id") == 8
    assert sheet.value("redis_last_slow_execution_duration_seconds") == 0.03
    assert sheet.value("redis_slowlog_max_seconds") == 0.03
    empty = Sheet()
    write_slowlog(empty, 0, [], now=0)
    assert empty.value("redis_slowlog_max_seconds") == 0


def test_latency_events() -> None:
    sheet = Sheet()
    write_latency(sheet, [["command", 1_700_000_000, 13, 40]])
    assert sheet.value("redis_latency_spike_last", event_name="command") == 1_700_000_000
    assert sheet.value("redis_latency_spike_duration_seconds", event_name="command") == 0.013


def test_no_metric_stands_twice_in_the_table() -> None:
    names = [name for _, name, _ in table()]
    assert len(names) == len(set(names))
    fields = [field for field, _, _ in table()]
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize(
    ("value", "wanted"), [(1, 1), ("2.5", 2.5), ("ok", 1), ("fail", 0), ("text", None), (None, None)]
)
def test_numbers(value: object, wanted: float | None) -> None:
    assert number(value) == wanted


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthenticationError("x"), Reason.AUTH),
        (ResponseError("NOAUTH Authentication required."), Reason.AUTH),
        (ResponseError("WRONGPASS invalid username-password pair"), Reason.AUTH),
        (NoPermissionError("this user has no permissions"), Reason.PERMISSION),
        (ResponseError("max number of clients reached"), Reason.REFUSED),
        (ResponseError("ERR unknown command"), Reason.ERROR),
    ],
)
def test_reasons(error: Exception, reason: Reason) -> None:
    assert translate(error).reason is reason
