"""The shop's HTTP API: products, orders, payments and the feed, on Postgres, Redis, Celery and two outside services."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

import asyncpg
import httpx
from fastapi import Cookie, FastAPI, HTTPException, Request, Response, WebSocket
from kombu.exceptions import OperationalError
from pydantic import BaseModel, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from demo.config import DemoSettings
from demo.faults import FaultWatch
from demo.shop.feed import Feed
from demo.shop.tasks import enqueue_receipt, make_celery
from services.common.clock import SystemClock
from tocsin_client import ActiveSessions, Payments, QueryTimer, TocsinMiddleware

_CACHE_SECONDS = 30
_BASKET = 20
_BROKEN_EVERY = 3


class NewOrder(BaseModel):
    """What a customer orders."""

    product_id: int = Field(ge=1)
    quantity: int = Field(ge=1, le=100)


class Payment(BaseModel):
    """Which order is paid."""

    order_id: int


class Shop:
    """The shop's connections and what it does with them."""

    def __init__(self, settings: DemoSettings) -> None:
        self.settings = settings
        self.payments = Payments("acme")
        self.queries = QueryTimer("postgresql")
        self.sessions = ActiveSessions()
        self.redis = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
        self.faults = FaultWatch(self.redis, SystemClock())
        self.feed = Feed(self.faults)
        self.celery = make_celery(settings.broker_url)
        self.outside = httpx.AsyncClient(base_url=f"http://{settings.config.gateway_listen}", timeout=2)
        self.pool: asyncpg.Pool[asyncpg.Record] | None = None
        self.orders_seen = 0

    async def database(self) -> "asyncpg.Pool[asyncpg.Record]":
        """Return the pool, made at first use so that the shop starts while Postgres is away."""
        if self.pool is None:
            self.pool = await asyncpg.create_pool(
                self.settings.postgres_dsn, min_size=1, max_size=8, timeout=3, command_timeout=3
            )
        return self.pool

    async def query(self, statement: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement and measure it."""
        pool = await self.database()
        with self.queries(statement.split(maxsplit=1)[0]):
            return await pool.fetch(statement, *args)

    async def prices(self) -> None:
        """Ask the price service for a basket: in one call, or (the fault) for one item after the other."""
        if not self.faults.on("api-slow"):
            await self.outside.get("/prices", params={"items": _BASKET})
            return
        for _ in range(_BASKET):
            await self.outside.get("/prices", params={"items": 1})

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Follow the faults while the app runs; close what was opened."""
        async with AsyncExitStack() as stack:
            watch = asyncio.create_task(self.faults.run())
            stack.callback(watch.cancel)
            stack.push_async_callback(self.redis.aclose)
            stack.push_async_callback(self.outside.aclose)
            yield
            if self.pool is not None:
                self.pool.terminate()


def create_app(settings: DemoSettings) -> FastAPI:
    """Return the ASGI app."""
    shop = Shop(settings)
    app = FastAPI(title="Demo shop", lifespan=shop.lifespan)
    app.middleware("http")(_answer_outages)
    app.add_middleware(TocsinMiddleware)
    _add_catalogue(app, shop)
    _add_orders(app, shop)

    @app.websocket("/ws")
    async def feed(client: WebSocket) -> None:
        await shop.feed.serve(client)

    return app


async def _answer_outages(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await call_next(request)
    except httpx.TimeoutException:
        return Response("an outside service did not answer\n", status_code=424)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, OSError, TimeoutError) as error:
        return Response(f"the shop can't do this now: {type(error).__name__}\n", status_code=503)


def _add_catalogue(app: FastAPI, shop: Shop) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        await shop.query("SELECT 1")
        return {"status": "ok"}

    @app.get("/products/{product_id}")
    async def product(product_id: int, response: Response, session: Annotated[str | None, Cookie()] = None) -> Response:
        if session is None:
            session = secrets.token_hex(8)
            response.set_cookie("session", session)
        shop.sessions.seen(session)
        cached = await shop.redis.get(f"product:{product_id}")
        if cached is None:
            rows = await shop.query("SELECT name, cents FROM products WHERE id = $1", product_id)
            if not rows:
                raise HTTPException(404, "no such product")
            cached = f"{rows[0]['name']}: {rows[0]['cents']}".encode()
            await shop.redis.set(f"product:{product_id}", cached, ex=_CACHE_SECONDS)
        return Response(cached, headers=dict(response.headers))


def _add_orders(app: FastAPI, shop: Shop) -> None:
    @app.post("/orders", status_code=201)
    async def order(new: NewOrder) -> dict[str, int]:
        shop.orders_seen += 1
        await shop.prices()
        if shop.faults.on("api-errors") and shop.orders_seen % _BROKEN_EVERY == 0:
            basket: dict[str, int] = {}
            return {"id": basket["total"]}
        rows = await shop.query(
            "INSERT INTO orders (product_id, quantity, cents) SELECT id, $2, cents * $2 FROM products WHERE id = $1"
            " RETURNING id",
            new.product_id,
            new.quantity,
        )
        if not rows:
            raise HTTPException(404, "no such product")
        order_id = int(rows[0]["id"])
        try:
            await asyncio.to_thread(enqueue_receipt, shop.celery, order_id)
        except OperationalError as error:
            raise HTTPException(503, "the order is kept; its receipt could not be queued") from error
        await shop.feed.publish({"order": order_id, "product": new.product_id})
        return {"id": order_id}

    @app.get("/orders/recent")
    async def recent() -> list[dict[str, int]]:
        rows = await shop.query("SELECT id, cents FROM orders ORDER BY created_at DESC LIMIT 10")
        return [dict(row) for row in rows]

    @app.post("/payments")
    async def pay(payment: Payment) -> dict[str, str]:
        # 424: the shop itself works; the outside view of payments has its own counters and its own alert.
        with shop.payments.attempt("acme") as attempt:
            answer = await shop.outside.post("/charge", json={"order": payment.order_id})
            if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
                attempt.declined()
            elif answer.is_error:
                attempt.failed()
        if answer.status_code == httpx.codes.PAYMENT_REQUIRED:
            raise HTTPException(402, "the card was declined")
        if answer.is_error:
            raise HTTPException(424, "the payment gateway failed")
        await shop.query("UPDATE orders SET paid = true WHERE id = $1", payment.order_id)
        return {"status": "paid"}
