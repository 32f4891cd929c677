"""The shop that is watched: a FastAPI app with payments and a WebSocket, and what is done to it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from celery import Celery
from fastapi import FastAPI, WebSocket
from prometheus_client import CollectorRegistry
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from redis import Redis
from websockets.asyncio.client import connect

from tests.integration.client.conftest import served
from tests.integration.collector.celery.conftest import _APP as TASKS
from tests.integration.collector.postgres.clusters import Cluster
from tocsin_client import ActiveSessions, Payments, QueryTimer, TocsinMiddleware, watch_httpx

_TABLES = (
    "CREATE EXTENSION pg_stat_statements",
    "CREATE TABLE orders (id int PRIMARY KEY, n int)",
    "INSERT INTO orders SELECT g, 1 FROM generate_series(1, 60000) g",
    "CREATE SEQUENCE invoices",
    "SELECT nextval('invoices')",
    "DELETE FROM orders WHERE id % 10 <> 0",
    "CREATE TABLE payments (provider text, status text, created_at timestamptz DEFAULT now())",
    "INSERT INTO payments SELECT 'acme', 'paid' FROM generate_series(1, 20)",
    "INSERT INTO payments VALUES ('acme', 'error'), ('acme', 'declined')",
    "GRANT SELECT ON payments, invoices TO watcher",
)


def make_app() -> FastAPI:
    """Return the app; every family of its metrics is on its page."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    app = FastAPI()
    payments, sessions = Payments("acme", registry=registry), ActiveSessions(registry=registry)
    queries = QueryTimer("postgresql", registry=registry)

    @app.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        sessions.seen(str(item))
        with queries("SELECT items"):
            await asyncio.sleep(0.001)
        with payments.attempt("acme") as attempt:
            attempt.charged(100, "EUR")
        return {"item": item}

    @app.get("/error")
    async def error() -> None:
        with payments.attempt("acme"):
            raise LookupError("no such item")

    @app.get("/call")
    async def call() -> dict[str, int]:
        transport = httpx.MockTransport(lambda _request: httpx.Response(200))
        async with watch_httpx(httpx.AsyncClient(transport=transport), registry=registry) as client:
            return {"status": (await client.get("http://gateway/")).status_code}

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            if text == "bad":
                raise ValueError(text)
            await socket.send_text(f"pong {text}")

    app.add_middleware(
        TocsinMiddleware, registry=registry, compat=["instrumentator", "fastapi", "otel"], app_name="shop"
    )
    return app


@asynccontextmanager
async def open_shop() -> AsyncIterator[int]:
    """Serve the app with somebody connected to its WebSocket; gives its port."""
    async with served(make_app()) as port, connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as socket:
        await socket.send("hello")
        await socket.recv()
        yield port


async def visit(port: int, times: int) -> None:
    """Ask the app for pages; one in each round fails."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for number in range(times):
            for path in (f"/items/{number}", "/error", "/call"):
                await client.get(path)
    async with connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as socket:
        await socket.send("bad")
        await socket.wait_closed()


async def fill(primary: Cluster) -> None:
    """Make the shop's database, with an index that is invalid and rows that are dead."""
    await primary.run("CREATE ROLE watcher LOGIN IN ROLE pg_monitor", "CREATE DATABASE shop")
    await primary.run("CREATE EXTENSION pg_stat_statements", "SELECT pg_create_physical_replication_slot('left', true)")
    await primary.run(*_TABLES, database="shop")
    await primary.run("VACUUM ANALYZE orders", "DELETE FROM orders WHERE id % 20 <> 0", database="shop")
    try:
        await primary.run("CREATE UNIQUE INDEX CONCURRENTLY orders_ccnew ON orders (n)", database="shop")
    except asyncpg.UniqueViolationError:
        return
    raise AssertionError("the index should not be valid")


async def trouble(stack: AsyncExitStack, primary: Cluster) -> None:
    """Leave a transaction that holds a lock, another that waits for it, and one that was rolled back."""
    holder = await asyncpg.connect(primary.dsn("postgres", "shop"))
    stack.callback(holder.terminate)
    await holder.execute("BEGIN; LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE")
    waiter = await asyncpg.connect(primary.dsn("postgres", "shop"))
    stack.callback(waiter.terminate)
    waiting = asyncio.ensure_future(waiter.execute("LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE"))

    async def end() -> None:
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=5)

    stack.push_async_callback(end)


async def work(primary: Cluster) -> None:
    """Let counters of the database go on."""
    connection = await asyncpg.connect(primary.dsn("postgres", "shop"))
    try:
        for number in range(5):
            await connection.execute("UPDATE orders SET n = n + $1 WHERE id < 200", number)
            await connection.execute("BEGIN; SELECT count(*) FROM orders; ROLLBACK")
    finally:
        await connection.close()


def start_worker(stack: AsyncExitStack, folder: Path, broker: str) -> None:
    """Start a Celery worker of the shop's tasks."""
    (folder / "shop_tasks.py").write_text(TASKS)
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "shop_tasks", "worker", "-n", "w1@box", "-P", "solo",
         "--heartbeat-interval", "1", "--without-mingle", "--without-gossip"],
        cwd=folder, env={**os.environ, "BROKER": broker, "OPTIONS": "{}"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def end() -> None:
        process.kill()
        process.wait(60)

    stack.callback(end)


class Producer:
    """Sends tasks of all outcomes."""

    def __init__(self, broker: str) -> None:
        self.app = Celery("producer", broker=broker, set_as_current=False)
        self.app.conf.task_send_sent_event = True

    def send(self) -> None:
        for name, arguments in (
            ("shop.add", (1, 2)),
            ("shop.fail", ()),
            ("shop.tidy", ()),
            ("shop.flaky", ()),
            ("shop.refuse", ()),
        ):
            self.app.send_task(name, arguments)
        self.app.send_task("shop.unknown")
        revoked = self.app.send_task("shop.add", (1, 2), countdown=3600)
        revoked.revoke()


def use_redis(port: int) -> None:
    """Let keys expire, hit and miss."""
    client: Any = Redis(port=port, decode_responses=True)
    with client:
        client.set("a", 1)
        client.set("b", 1, ex=1000)
        client.set("c", 1, px=1)
        client.get("a")
        client.get("nothing")
