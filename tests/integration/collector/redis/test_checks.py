"""Keys, streams, clients and what else is read on demand."""

import shutil
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from tests.integration.collector.conftest import OwnServer, Start
from tests.integration.collector.redis.servers import SYSTEM, Launch


async def test_keys_of_all_types(start: Start, own_redis: OwnServer) -> None:
    with Redis(port=own_redis.port, db=2) as client:
        client.set("number", "12.5")
        client.set("text", "red" * 100)
        client.lpush("list", *range(3))
        client.sadd("set", 1, 2)
        client.zadd("zset", {"a": 1})
        client.hset("hash", "a", "1")
        client.xadd("stream", {"a": 1})
    names = ["number", "text", "list", "set", "zset", "hash", "stream", "gone"]
    keys = [{"key": name, "db": 2, "text": True} for name in names]
    running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}/1", "keys": keys}]})
    for _ in range(2):
        found = await running.samples("/metrics/redis")
        sizes = [found[f'redis_key_size{{target="r",db="db2",key="{name}"}}'] for name in names]
        assert sizes == [4, 300, 3, 2, 1, 1, 1, 0]
        assert found['redis_key_value{target="r",db="db2",key="number"}'] == 12.5
        assert found[f'redis_key_value_as_string{{target="r",db="db2",key="text",val="{("red" * 100)[:128]}"}}'] == 1
        assert found['redis_key_memory_usage_bytes{target="r",db="db2",key="hash"}'] > 0
        assert 'redis_key_memory_usage_bytes{target="r",db="db2",key="gone"}' not in found


async def test_patterns_are_bounded_and_not_looked_for_at_each_scrape(start: Start, own_redis: OwnServer) -> None:
    with Redis(port=own_redis.port) as client:
        client.mset({f"session:{number}": "x" for number in range(5000)})
        running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}", "keys": [
            {"pattern": "session:*", "max_keys": 3, "memory": False}, {"pattern": "no*"},
            {"pattern": "*", "max_scanned": 1000, "max_keys": 0},
        ]}]})  # fmt: skip
        found = await running.samples("/metrics/redis")
        before = client.info("commandstats")["cmdstat_scan"]["calls"]
        again = await running.samples("/metrics/redis")
        assert client.info("commandstats")["cmdstat_scan"]["calls"] == before
    for page in (found, again):
        assert page['redis_keys_count{target="r",db="db0",key="session:*"}'] == 5000
        assert page['redis_keys_count_complete{target="r",db="db0",key="session:*"}'] == 1
        assert page['redis_keys_count{target="r",db="db0",key="no*"}'] == 0
        assert page['redis_keys_count_complete{target="r",db="db0",key="*"}'] == 0
        assert 0 < page['redis_keys_count{target="r",db="db0",key="*"}'] < 5000
        sizes = [name for name in page if name.startswith("redis_key_size{")]
        assert len(sizes) == 3
        assert 'redis_key_size{target="r",db="db0",key="session:0"}' in sizes


async def test_streams_groups_and_consumers(start: Start, own_redis: OwnServer) -> None:
    with Redis(port=own_redis.port) as client:
        for number in range(5):
            client.xadd("orders", {"n": number}, id=f"{1000 + 500 * number}-0")
        client.xgroup_create("orders", "mail", 0)
        client.xreadgroup("mail", "w1", {"orders": ">"}, count=2)
        client.xgroup_create("orders", "idle", "$")
    running = await start({"redis": [
        {"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}", "streams": [{"key": "orders"}, {"key": "none"}]}
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    stream = 'target="r",db="db0",stream="orders"'
    assert found[f"redis_stream_length{{{stream}}}"] == 5
    assert found[f"redis_stream_groups{{{stream}}}"] == 2
    assert found[f"redis_stream_first_entry_id{{{stream}}}"] == 1000
    assert found[f"redis_stream_last_generated_id{{{stream}}}"] == 3000
    assert found[f'redis_stream_group_messages_pending{{{stream},group="mail"}}'] == 2
    assert found[f'redis_stream_group_lag_seconds{{{stream},group="mail"}}'] == 1.5
    assert found[f'redis_stream_group_lag{{{stream},group="idle"}}'] == 0
    assert found[f'redis_stream_group_consumer_messages_pending{{{stream},group="mail",consumer="w1"}}'] == 2
    assert found['redis_stream_length{target="r",db="db0",stream="none"}'] == 0


async def test_a_key_that_is_no_stream_fails_that_part_only(start: Start, own_redis: OwnServer) -> None:
    with Redis(port=own_redis.port) as client:
        client.set("orders", 1)
    running = await start({"redis": [
        {"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}", "streams": [{"key": "orders"}]}
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    assert found['redis_scrape_collector_success{target="r",collector="streams"}'] == 0
    assert found['redis_scrape_collector_error{target="r",collector="streams",reason="error"}'] == 1
    assert found['redis_up{target="r"}'] == 1
    assert (await running.samples("/metrics/redis"))['redis_up{target="r"}'] == 1


async def test_clients_when_asked_for(start: Start, own_redis: OwnServer) -> None:
    target = {"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}", "collectors": {"clients": {"enabled": True}}}
    running = await start({"redis": [target]})
    with Redis(port=own_redis.port, client_name="shop") as client:
        client.ping()
        found = await running.samples("/metrics/redis")
    assert found['redis_clients_by_name{target="r",name="shop"}'] == 1
    assert found['redis_clients_by_name{target="r",name="tocsin-collector"}'] == 1
    assert any(name.startswith("redis_connected_client_info{") and 'name="shop"' in name for name in found)
    assert any(name.startswith("redis_connected_client_idle_since_timestamp{") for name in found)


async def test_collectors_can_be_switched_off_and_slowed(start: Start, own_redis: OwnServer) -> None:
    switches = {"slowlog": {"enabled": False}, "config": {"min_interval": "0s"}, "latency": {"min_interval": "1h"}}
    running = await start({"redis": [
        {"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}", "collectors": switches}
    ]})  # fmt: skip
    with Redis(port=own_redis.port) as client:
        await running.samples("/metrics/redis")
        for _ in range(3):
            found = await running.samples("/metrics/redis")
        stats = client.info("commandstats")
    assert 'redis_slowlog_length{target="r"}' not in found
    assert found['redis_scrape_collector_success{target="r",collector="latency"}'] == 1
    assert stats["cmdstat_config"]["calls"] == 4
    assert stats["cmdstat_latency"]["calls"] == 1
    assert "cmdstat_slowlog" not in stats


async def test_the_slow_log_of_the_last_minute(start: Start, own_redis: OwnServer) -> None:
    running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}"}]})
    with Redis(port=own_redis.port) as client:
        await running.samples("/metrics/redis")
        client.config_set("slowlog-log-slower-than", 0)
        client.execute_command("DEBUG", "SLEEP", "0.05")
        client.ping()
        client.config_set("slowlog-log-slower-than", -1)
    for _ in range(2):
        found = await running.samples("/metrics/redis")
        assert found['redis_slowlog_max_seconds{target="r"}'] >= 0.05
        assert found['redis_slowlog_length{target="r"}'] >= 2
        assert found['redis_last_slow_execution_duration_seconds{target="r"}'] < 0.05


async def test_latency_events(start: Start, own_redis: OwnServer) -> None:
    with Redis(port=own_redis.port) as client:
        client.config_set("latency-monitor-threshold", 1)
        client.execute_command("DEBUG", "SLEEP", "0.02")
    running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}"}]})
    found = await running.samples("/metrics/redis")
    assert found['redis_latency_spike_duration_seconds{target="r",event_name="command"}'] >= 0.02
    assert found['redis_latency_spike_last{target="r",event_name="command"}'] > 1_600_000_000


async def test_a_server_that_was_started_anew_is_not_down(start: Start, launch: Launch) -> None:
    server = launch("--save", "")
    running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{server.port}"}]})
    await running.samples("/metrics/redis")
    server.end()
    launch("--save", "", port=server.port)
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="r"}'] == 1
    assert found['redis_exporter_scrapes_total{target="r"}'] == 2
    assert found['redis_exporter_scrape_duration_seconds_count{target="r"}'] == 2
    assert found['redis_exporter_scrape_duration_seconds_sum{target="r"}'] > 0


async def test_a_unix_socket_and_another_database(start: Start, launch: Launch, tmp_path: Path) -> None:
    launch("--save", "", "--unixsocket", str(tmp_path / "s"))
    running = await start({"redis": [{"name": "r", "url": f"unix://{tmp_path}/s?db=1", "keys": [{"key": "a"}]}]})
    with Redis(unix_socket_path=str(tmp_path / "s")) as client:
        client.set("a", "1")
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="r"}'] == 1
    assert found['redis_key_value{target="r",db="db0",key="a"}'] == 1


def certificates(folder: Path) -> bool:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost"
    )
    if shutil.which("openssl") is None:
        return False
    return subprocess.run(command.split(), cwd=folder, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(SYSTEM is None, reason="the embedded redis-server has no TLS; install redis-server")
async def test_tls_with_an_own_authority_and_a_client_certificate(start: Start, launch: Launch, tmp_path: Path) -> None:
    if not certificates(tmp_path):
        pytest.skip("openssl is not installed")
    files = {"cert-file": "cert.pem", "key-file": "key.pem", "ca-cert-file": "cert.pem"}
    options = [part for key, name in files.items() for part in (f"--tls-{key}", str(tmp_path / name))]
    plain = launch("--save", "", *options, "--tls-port", "0", binary=str(SYSTEM))
    with Redis(port=plain.port) as client:
        port = plain.port + 1 if plain.port < 65_000 else plain.port - 1
        client.config_set("tls-port", port)
    own = {"ca_file": "cert.pem", "cert_file": "cert.pem", "key_file": "key.pem"}
    running = await start({"redis": [
        {"name": "well", "url": f"rediss://localhost:{port}", "tls": own},
        {"name": "stranger", "url": f"rediss://localhost:{port}", "tls": {"ca_file": "cert.pem"}},
        {"name": "unknown", "url": f"rediss://localhost:{port}"},
        {"name": "host", "url": f"rediss://127.0.0.1:{port}", "tls": own},
        {"name": "loose", "url": f"rediss://127.0.0.1:{port}", "tls": {**own, "check_hostname": False}},
    ]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    states = {name: found[f'redis_up{{target="{name}"}}'] for name in ("well", "stranger", "unknown", "host", "loose")}
    assert states == {"well": 1, "stranger": 0, "unknown": 0, "host": 0, "loose": 1}
    assert found['tocsin_target_error{target="unknown",kind="redis",reason="tls"}'] == 1
