"""Redis servers of all modes, of the binary that the embedded server brings, or of TOCSIN_TEST_REDIS_SERVER."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.integration.collector.conftest import OwnServer
from tests.integration.collector.redis.servers import Launch, form_cluster, launching, wait_until


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start a server with the given options; `binary` is another program than the embedded one."""
    with launching() as launch:
        yield launch


@pytest.fixture
def cluster(launch: Launch) -> list[OwnServer]:
    """Three primaries that share the slots, and a replica of the first."""
    return form_cluster(launch)


@pytest.fixture
def watched(launch: Launch) -> tuple[OwnServer, OwnServer, OwnServer]:
    """A primary, its replica, and a Sentinel that watches them as `shop`."""
    primary = launch("--save", "")
    replica = launch("--save", "", "--replicaof", "127.0.0.1", str(primary.port))
    conf = (
        f"sentinel monitor shop 127.0.0.1 {primary.port} 1\nsentinel down-after-milliseconds shop 1000\n"
        "sentinel failover-timeout shop 60000\n"
    )
    sentinel = launch("--sentinel", conf=conf)
    with Redis(port=sentinel.port, decode_responses=True) as client:
        wait_until(
            lambda: bool(client.execute_command("SENTINEL REPLICAS", "shop")), "the Sentinel found no replica", 40
        )
    return primary, replica, sentinel
