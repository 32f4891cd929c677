"""Customers: browse, order, pay and listen to the feed; and the gremlin, which breaks things on request."""

import asyncio
import random
from contextlib import AsyncExitStack

import aiohttp
from redis.asyncio import Redis

from demo.config import DemoSettings
from demo.faults import FaultWatch
from demo.gremlin import Gremlin
from services.common.clock import SystemClock

_PRODUCTS = 40
_CUSTOMERS = 60
_PING_SECONDS = 5


class Customers:
    """Keeps a steady rate of requests, whatever the answers are and however long they take."""

    def __init__(self, settings: DemoSettings, session: aiohttp.ClientSession) -> None:
        self._config, self._session = settings.config, session
        self._base = f"http://{settings.config.shop_listen}"
        self._clock = SystemClock()
        self._open: set[asyncio.Task[None]] = set()

    async def shop(self) -> None:
        """Start one visit after the other until cancelled; at most 200 at once, as a browser farm would."""
        while True:
            if len(self._open) < 200:  # noqa: PLR2004 - the bound that the docstring names
                task = asyncio.create_task(self._visit())
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            await self._clock.sleep(random.expovariate(self._config.requests_per_second / 3))

    async def _visit(self) -> None:
        product = random.randint(1, _PRODUCTS)
        cookies = {"session": f"customer-{random.randint(1, _CUSTOMERS)}"}
        for _ in range(random.randint(0, 2)):
            await self._request("GET", f"/products/{random.randint(1, _PRODUCTS)}", cookies=cookies)
        order = await self._request("POST", "/orders", {"product_id": product, "quantity": random.randint(1, 3)})
        if order is not None:
            await self._request("POST", "/payments", {"order_id": order["id"]})

    async def _request(
        self, method: str, path: str, body: dict[str, int] | None = None, *, cookies: dict[str, str] | None = None
    ) -> dict[str, int] | None:
        try:
            async with self._session.request(method, self._base + path, json=body, cookies=cookies) as answer:
                if answer.status == 201:  # noqa: PLR2004 - HTTP's Created
                    order: dict[str, int] = await answer.json()
                    return order
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            # The shop is away or slow: a customer goes elsewhere, and the shop's own numbers show it.
            return None
        return None

    @staticmethod
    async def _read(feed: aiohttp.ClientWebSocketResponse) -> None:
        while not feed.closed:
            try:
                await feed.receive(timeout=_PING_SECONDS)
            except TimeoutError:
                await feed.send_str("ping")

    async def listen(self) -> None:
        """Hold one connection to the feed, pinging; connect again when it ends."""
        while True:
            try:
                async with self._session.ws_connect(f"{self._base}/ws") as feed:
                    await self._read(feed)
            except (aiohttp.ClientError, TimeoutError):
                await self._clock.sleep(random.uniform(0.2, 1))


async def run(settings: DemoSettings) -> None:
    """Run until cancelled."""
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(total=6)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        )
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url, socket_timeout=2))
        gremlin = Gremlin(settings.postgres_dsn, redis)
        stack.push_async_callback(gremlin.close)
        customers = Customers(settings, session)
        faults = FaultWatch(redis, SystemClock(), gremlin.follow)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(faults.run())
            tasks.create_task(customers.shop())
            for _ in range(settings.config.websocket_clients):
                tasks.create_task(customers.listen())
