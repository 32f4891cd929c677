import pytest

from services.collector.sheet import Sheet
from services.collector.sources.redis.facts import write_info, write_keyspace, write_memory, write_replication
from services.collector.sources.redis.fields import number, pairs, parse_info, split_info, table, value_text

PRIMARY = """# Server\r
redis_version:7.0.15\r
redis_mode:standalone\r
uptime_in_seconds:100\r
# Clients\r
maxclients:10000\r
# Memory\r
used_memory:50\r
maxmemory:0\r
total_system_memory:200\r
mem_fragmentation_ratio:1.50\r
# Persistence\r
rdb_last_bgsave_status:ok\r
aof_last_write_status:err\r
latest_fork_usec:2500\r
# Stats\r
keyspace_hits:3\r
# Replication\r
role:master\r
slave0:ip=10.0.0.2,port=6379,state=online,offset=5,lag=1\r
slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=-1\r
# Commandstats\r
cmdstat_get:calls=7,usec=21,usec_per_call=3.00,rejected_calls=1,failed_calls=2\r
# Errorstats\r
errorstat_ERR:count=9\r
# Keyspace\r
db0:keys=4,expires=2,avg_ttl=1500,subexpiry=3\r
db1:keys=1,expires=0,avg_ttl=0\r
"""


def info(text: str) -> dict[str, str]:
    return parse_info(split_info(text)[0])


def test_long_sections_are_set_apart() -> None:
    plain, apart = split_info(PRIMARY)
    assert "cmdstat_get" not in plain
    assert "db0:keys=4" in plain
    assert apart["Commandstats"].startswith("cmdstat_get:calls=7")
    assert apart["Errorstats"].strip() == "errorstat_ERR:count=9"


def test_a_primary() -> None:
    sheet, found = Sheet(), info(PRIMARY)
    write_info(sheet, found, now=1000.0)
    write_replication(sheet, found)
    assert sheet.value("redis_start_time_seconds") == 900
    assert sheet.value("redis_memory_max_bytes") == 0
    assert sheet.value("redis_rdb_last_bgsave_status") == 1
    assert sheet.value("redis_aof_last_write_status") == 0
    assert sheet.value("redis_latest_fork_seconds") == 0.0025
    assert sheet.value("redis_max_clients") == 10_000
    assert sheet.value("redis_memory_fragmentation_ratio") == 1.5
    assert sheet.families["redis_keyspace_hits_total"].type == "counter"
    replica = {"slave_ip": "10.0.0.2", "slave_port": "6379", "slave_state": "online"}
    assert sheet.value("redis_connected_slave_lag_seconds", **replica) == 1
    late = {"slave_ip": "10.0.0.3", "slave_port": "6379", "slave_state": "wait_bgsave"}
    assert sheet.value("redis_connected_slave_lag_seconds", **late) is None
    assert sheet.value("redis_connected_slave_offset_bytes", **late) == 0
    assert "redis_slave_info" not in sheet.names()


def test_a_replica() -> None:
    sheet = Sheet()
    found = {
        "role": "slave", "master_host": "db", "master_port": "6379", "master_link_status": "down",
        "master_last_io_seconds_ago": "-1", "master_sync_in_progress": "0", "slave_repl_offset": "5",
        "slave_read_only": "1", "slave_priority": "100", "master_link_down_since_seconds": "9",
    }  # fmt: skip
    write_replication(sheet, found)
    write_info(sheet, found, now=0)
    master = {"master_host": "db", "master_port": "6379"}
    assert sheet.value("redis_master_link_up", **master) == 0
    assert sheet.value("redis_master_link_down_since_seconds", **master) == 9
    assert sheet.value("redis_slave_repl_offset", **master) == 5
    assert sheet.value("redis_slave_priority") == 100
    assert sheet.value("redis_slave_info", read_only="1", **master) == 1


@pytest.mark.parametrize(
    ("maxmemory", "configured", "container", "limit"),
    [
        ("100", 150.0, 120.0, 100), ("0", 150.0, 120.0, 150), ("0", None, 120.0, 120), ("0", None, None, 200),
    ],
)  # fmt: skip
def test_the_memory_limit_is_the_first_one_known(
    maxmemory: str, configured: float | None, container: float | None, limit: float
) -> None:
    sheet = Sheet()
    found = {"used_memory": "50", "maxmemory": maxmemory, "total_system_memory": "200"}
    write_memory(sheet, found, configured=configured, container=container)
    assert sheet.value("redis_memory_limit_bytes") == limit
    assert sheet.value("redis_memory_used_ratio") == 50 / limit


def test_without_any_limit_there_is_no_ratio() -> None:
    sheet = Sheet()
    write_memory(sheet, {"used_memory": "50", "maxmemory": "0"}, configured=None, container=None)
    assert sheet.names() == set()


def test_databases_without_a_key_are_zero() -> None:
    sheet = Sheet()
    write_keyspace(sheet, info(PRIMARY), databases=3)
    assert sheet.value("redis_db_keys", db="db0") == 4
    assert sheet.value("redis_db_keys_expiring", db="db0") == 2
    assert sheet.value("redis_db_avg_ttl_seconds", db="db0") == 1.5
    assert sheet.value("redis_db_keys_with_expiring_items", db="db0") == 3
    assert sheet.value("redis_db_keys", db="db2") == 0
    assert sheet.value("redis_db_keys", db="db3") is None


def test_valkey_says_its_own_version() -> None:
    sheet = Sheet()
    write_info(sheet, {"redis_version": "7.2.4", "valkey_version": "8.1.0", "server_mode": "standalone"}, now=0)
    ((_, labels, _),) = sheet.families["redis_instance_info"].rows
    assert 'valkey_version="8.1.0"' in labels
    assert 'redis_mode="standalone"' in labels


def test_no_metric_stands_twice_in_the_table() -> None:
    rows = table()
    fields = {}
    for row in rows:
        fields.setdefault(row.metric, []).append(row.field)
    twice = {metric: names for metric, names in fields.items() if len(names) > 1}
    # One fact, which no server tells under both names.
    assert twice == {"redis_expired_subkeys_total": ["expired_subkeys", "expired_fields"]}
    assert len({row.field for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("hz", "10", "10"), ("x", "2.50", "2.50"), ("x", "ok", "1"), ("x", "fail", "0"), ("x", "text", None),
        ("x", "1.2.3", None), ("latest_fork_usec", "1000", "0.001"), ("latest_fork_usec", "?", None),
    ],
)  # fmt: skip
def test_values(field: str, value: str, wanted: str | None) -> None:
    assert value_text(field, value) == wanted


def test_numbers_and_pairs() -> None:
    assert number("-1") == -1
    assert number(None) is None
    assert number("many") is None
    assert pairs("a=1,b=x,c") == {"a": "1", "b": "x"}
