"""Servers with very many commands, users with few rights, and a thousand scrapes."""

import asyncio
import gc
from pathlib import Path

import psutil
import pytest
from redis import Redis

from tests.fixtures.waiting import in_time
from tests.integration.collector.conftest import OwnServer, Start
from tests.integration.collector.redis.servers import SYSTEM, Launch

needs_7 = pytest.mark.skipif(SYSTEM is None, reason="the embedded redis-server is of 6.2; install a newer one")

ENDS = {
    "shutdown", "debug", "monitor", "subscribe", "psubscribe", "ssubscribe", "sync", "psync", "replicaof", "slaveof",
    "failover", "quit", "client", "reset", "select", "auth", "hello", "swapdb", "cluster", "wait", "waitaof", "config",
    "acl", "bgsave", "save", "bgrewriteaof", "flushall", "flushdb", "multi", "exec", "restore-asking", "replconf",
    "readonly", "module", "function", "script", "xread", "xreadgroup",
}  # fmt: skip
SUBCOMMANDS = {"client|reply", "client|pause", "client|kill", "config|resetstat", "config|rewrite"}
"""Commands that end, block or change the server, or the connection; those that begin with `b` wait."""


async def use(port: int, lines: list[str]) -> None:
    """Send commands without a look at the answers: refusals count too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "ECHO the-end-of-all", ""]).encode())
    seen = b""
    async with asyncio.timeout(60):
        while b"the-end-of-all" not in seen:
            seen = seen[-32:] + await reader.read(65_536)
    writer.close()
    await writer.wait_closed()


async def many_commands(port: int) -> int:
    """Use all commands that neither end, block nor change the server; return how many it then counts."""
    with Redis(port=port) as client:
        # Subcommands, too: the server counts each by itself.
        listed = [name.decode().lower() for name in client.execute_command("COMMAND LIST")]
        names = [name.replace("|", " ") for name in listed if name not in ENDS | SUBCOMMANDS and name[0] != "b"]
        await use(port, [f"{name} {words}" for name in names for words in ("k", "k 1", "k 1 2")])
        return len(client.info("commandstats"))


@needs_7
async def test_the_cost_does_not_grow_with_the_commands_in_use(start: Start, launch: Launch) -> None:
    server = launch("--save", "", binary=str(SYSTEM))
    running = await start({"redis": [
        {"name": "r", "url": f"redis://127.0.0.1:{server.port}", "top_commands": 20, "histogram_commands": 4}
    ]})  # fmt: skip
    used = await many_commands(server.port)
    assert used >= 300
    first = await running.samples("/metrics/redis")
    with Redis(port=server.port) as client:
        before = client.info("stats")
        for _ in range(10):
            found = await running.samples("/metrics/redis")
        after = client.info("stats")
    # One of the counted commands is our own INFO.
    assert after["total_commands_processed"] - before["total_commands_processed"] - 1 == 50
    assert after["total_connections_received"] == before["total_connections_received"]
    assert len([name for name in found if name.startswith("redis_commands_total{")]) == 21
    other = 'redis_commands_total{target="r",cmd="other"}'
    assert found[other] >= first[other] > used / 2
    histograms = {name for name in found if name.startswith("redis_commands_latencies_usec_count{")}
    assert len(histograms) == 4
    for name in histograms:
        infinite = name.replace("_count{", "_bucket{").replace("}", ',le="+Inf"}')
        assert found[name] == found[infinite] > 0
    assert len([name for name in found if name.startswith("redis_latency_percentiles_usec{")]) == 12
    assert len(found) < 500


async def test_a_user_of_few_rights_gives_what_he_may(start: Start, own_redis: OwnServer) -> None:
    with Redis(port=own_redis.port) as admin:
        admin.execute_command("ACL", "SETUSER", "watch", "on", ">pw", "+latency", "+config|get", "+select")
    running = await start({"redis": [{
        "name": "r", "url": f"redis://127.0.0.1:{own_redis.port}", "username": "watch", "password": "pw",
        "keys": [{"key": "a"}],
    }]})  # fmt: skip
    for _ in range(2):
        found = await running.samples("/metrics/redis")
        states = {name: found[f'redis_scrape_collector_success{{target="r",collector="{name}"}}']
                  for name in ("info", "slowlog", "latency", "config", "keys")}  # fmt: skip
        assert states == {"info": 0, "slowlog": 0, "latency": 1, "config": 1, "keys": 0}
        assert found['redis_scrape_collector_error{target="r",collector="info",reason="permission"}'] == 1
        assert found['redis_exporter_last_scrape_error{target="r",err="permission"}'] == 1
        assert found['redis_up{target="r"}'] == 1
        assert found['redis_config_maxmemory{target="r"}'] == 0


@pytest.mark.parametrize("binary", [None, pytest.param(SYSTEM, marks=needs_7)])
async def test_the_documented_rights_are_enough(start: Start, launch: Launch, binary: str | None) -> None:
    text = (Path(__file__).parents[4] / "docs/redis.md").read_text()
    rights = {word for line in text.splitlines() if line.startswith(("ACL SETUSER", "For keys")) for word in
              line.replace("`", " ").rstrip(".").split() if word.startswith(("+", "~"))}  # fmt: skip
    assert {"+info", "+memory|usage", "~*", "+cluster|nodes"} <= rights
    server = launch("--save", "", **({} if binary is None else {"binary": binary}))
    with Redis(port=server.port) as admin:
        admin.execute_command("ACL", "SETUSER", "tocsin", "on", ">pw", *sorted(rights))
        for name, made in {
            "s": ("SET", "s", "1"),
            "l": ("LPUSH", "l", "1"),
            "h": ("HSET", "h", "a", "1"),
            "x": ("XADD", "x", "*", "a", "1"),
            "z": ("ZADD", "z", "1", "a"),
            "e": ("SADD", "e", "a"),
        }.items():
            assert name == made[1]
            admin.execute_command(*made)
    running = await start({"redis": [{
        "name": "r", "url": f"redis://127.0.0.1:{server.port}", "username": "tocsin", "password": "pw",
        "keys": [{"pattern": "*"}, {"key": "s"}], "streams": [{"key": "x"}, {"key": "x"}],
    }]})  # fmt: skip
    found = await running.samples("/metrics/redis")
    states = {name: value for name, value in found.items() if name.startswith("redis_scrape_collector_success{")}
    assert len(states) >= 8
    assert set(states.values()) == {1.0}, states


async def test_a_replica_says_how_its_link_is(start: Start, own_redis: OwnServer, launch: Launch) -> None:
    replica = launch("--save", "", "--replicaof", "127.0.0.1", str(own_redis.port))
    running = await start({"redis": [
        {"name": "main", "url": f"redis://127.0.0.1:{own_redis.port}"},
        {"name": "copy", "url": f"redis://127.0.0.1:{replica.port}"},
    ]})  # fmt: skip
    labels = f'target="copy",master_host="127.0.0.1",master_port="{own_redis.port}"'
    async with asyncio.timeout(60):
        while (found := await running.samples("/metrics/redis"))[f"redis_master_link_up{{{labels}}}"] != 1:
            pass
    assert found['redis_connected_slaves{target="main"}'] == 1
    assert found[f'redis_slave_info{{{labels},read_only="1"}}'] == 1
    own_redis.end()
    async with asyncio.timeout(60):
        while (found := await running.samples("/metrics/redis"))[f"redis_master_link_up{{{labels}}}"] != 0:
            pass
    assert found['redis_up{target="main"}'] == 0
    assert found['redis_up{target="copy"}'] == 1


async def test_a_server_that_starts_to_ask_for_a_password(start: Start, own_redis: OwnServer) -> None:
    running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}"}]})
    assert (await running.samples("/metrics/redis"))['redis_up{target="r"}'] == 1
    with Redis(port=own_redis.port) as admin:
        admin.execute_command("CONFIG", "SET", "requirepass", "new")
        admin.execute_command("AUTH", "new")
        admin.execute_command("CLIENT", "KILL", "TYPE", "normal")
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="r"}'] == 0
    assert found['tocsin_target_error{target="r",kind="redis",reason="auth"}'] == 1


async def test_a_thousand_scrapes_leave_nothing(start: Start, own_redis: OwnServer) -> None:
    running = await start({"redis": [
        {"name": "well", "url": f"redis://127.0.0.1:{own_redis.port}",
         "keys": [{"pattern": "*", "min_interval": "0s"}]},
        {"name": "gone", "url": "redis://127.0.0.1:1"},
        {"name": "lost", "url": "redis://127.0.0.1:1", "discover": "cluster"},
    ]})  # fmt: skip
    path = "/metrics/redis"
    for _ in range(100):
        await running.samples(path)
    gc.collect()
    process = psutil.Process()
    memory, files, tasks = process.memory_info().rss, process.num_fds(), len(asyncio.all_tasks())
    for _ in range(1000):
        await running.samples(path)
    gc.collect()
    assert process.num_fds() <= files + 2
    assert len(asyncio.all_tasks()) <= tasks + 2
    assert process.memory_info().rss < memory + 12 * 1024**2
    with Redis(port=own_redis.port) as client:
        assert [one["name"] for one in client.client_list()].count("tocsin-collector") == 1


async def test_hung_and_refused_many_times_leaves_no_connection(start: Start, own_redis: OwnServer) -> None:
    running = await start({"redis": [{"name": "r", "url": f"redis://127.0.0.1:{own_redis.port}"}]})
    await running.samples("/metrics/redis")
    files = psutil.Process().num_fds()
    own_redis.hang()
    for _ in range(20):
        with in_time(1.0):
            found = await running.samples("/metrics/redis", scrape=0.2)
        assert found['redis_up{target="r"}'] == 0
    own_redis.resume()
    found = await running.samples("/metrics/redis")
    assert found['redis_up{target="r"}'] == 1
    assert psutil.Process().num_fds() <= files + 2
