import asyncio
import os

import asyncpg
import httpx
import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from demo.config import DemoConfig, DemoSettings
from demo.faults import FAULTS_KEY, FaultWatch, set_fault
from demo.gremlin import Gremlin
from demo.load import Customers
from demo.shop.app import create_app
from demo.stack import prepare
from demo.worker import Crew
from demo.world.gateway import gateway_app
from services.common.clock import SystemClock
from tests.fixtures.waiting import until


@pytest.fixture
async def world(redis_url):
    clock = SystemClock()
    async with Redis.from_url(redis_url) as redis:
        server = TestServer(gateway_app(FaultWatch(redis, clock), clock))
        await server.start_server()
        yield f"127.0.0.1:{server.port}"
        await server.close()


@pytest.fixture
async def settings(postgres_dsn, redis_url, world, tmp_path):
    settings = DemoSettings(
        config=DemoConfig(gateway_listen=world, workers=2),
        postgres_dsn=postgres_dsn,
        redis_url=redis_url,
        broker_url=redis_url.replace("/0", "/2"),
    )
    await prepare(settings, tmp_path / "demo.json")
    return settings


@pytest.fixture
async def shop(settings):
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        yield client


async def order(shop):
    return await shop.post("/orders", json={"product_id": 3, "quantity": 2})


async def test_a_customer_browses_orders_and_pays(shop, settings):
    assert (await shop.get("/health")).json() == {"status": "ok"}
    assert (await shop.get("/products/3")).text == (await shop.get("/products/3")).text == "Product 3: 611"
    assert (await shop.get("/products/999")).status_code == 404
    placed = await order(shop)
    assert placed.status_code == 201
    assert (await shop.post("/payments", json=placed.json() | {"order_id": placed.json()["id"]})).status_code in (
        200,
        402,
    )
    assert (await shop.get("/orders/recent")).json()[0] == {"id": placed.json()["id"], "cents": 1222}
    assert (await shop.post("/orders", json={"product_id": 99, "quantity": 1})).status_code == 404
    assert (await shop.post("/orders", json={"product_id": 1, "quantity": 0})).status_code == 422
    async with Redis.from_url(settings.broker_url) as broker:
        assert await broker.llen("celery") == 1
    metrics = (await shop.get("/metrics")).text
    for name in (
        "http_requests_total",
        "payments_total",
        "db_client_operation_duration_seconds_bucket",
        "app_sessions_active",
    ):
        assert name in metrics


async def switch(settings, shop, name, *, broken, seen):
    await set_fault(settings.redis_url, name, broken=broken)
    await until(seen)


async def test_the_slow_release_is_really_slow(shop, settings):
    loop = asyncio.get_running_loop()

    async def slow():
        start = loop.time()
        assert (await order(shop)).status_code == 201
        return loop.time() - start > 1

    assert not await slow()
    await switch(settings, shop, "api-slow", broken=True, seen=slow)


async def test_the_buggy_release_raises(shop, settings):
    async def fails():
        return (await order(shop)).status_code == 500

    assert not await fails()
    await switch(settings, shop, "api-errors", broken=True, seen=fails)


async def test_an_unreachable_database_is_a_503(settings):
    broken = settings.model_copy(update={"postgres_dsn": "postgresql://u@127.0.0.1:1/x"})
    app = create_app(broken)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        assert (await client.get("/health")).status_code == 503


async def test_the_gremlin_holds_connections_a_lock_and_memory_and_gives_them_back(settings):
    connection = await asyncpg.connect(settings.postgres_dsn)
    async with Redis.from_url(settings.redis_url) as redis:
        before = (await redis.info("memory"))["used_memory"]
        await redis.config_set("maxmemory", before + 20 * 1024**2)
        gremlin = Gremlin(settings.postgres_dsn, redis)

        async def held():
            return await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightly-report'"
            )

        async def locked():
            return await connection.fetchval(
                "SELECT count(*) FROM pg_locks"
                " WHERE mode = 'AccessExclusiveLock' AND relation = 'orders'::regclass AND granted"
            )

        async def ballast():
            return await redis.exists("ballast:0")

        try:
            gremlin.follow(frozenset({"db-connections", "db-lock", "redis-memory"}))
            await until(locked, ballast)
            limit = int(await connection.fetchval("SHOW max_connections"))

            async def enough():
                return await held() >= limit * 0.75

            await until(enough)
            gremlin.follow(frozenset())

            async def free():
                return not await held() and not await ballast() and not await locked()

            await until(free)
        finally:
            await gremlin.close()
            await redis.config_set("maxmemory", 0)
            await connection.close()


async def test_the_gremlin_ends_when_its_servers_are_gone():
    async with Redis(port=1) as redis:
        gremlin = Gremlin("postgresql://u@127.0.0.1:1/x", redis)
        gremlin.follow(frozenset({"db-connections", "db-lock"}))
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await gremlin.close()


async def test_workers_live_die_with_the_fault_and_come_back(settings):
    crew = Crew(settings)
    async with Redis.from_url(settings.broker_url) as broker:
        try:
            crew.tend(wanted=True)
            pids = set(crew.pids)
            assert len(pids) == 3
            app_queue = "celery"
            from demo.shop.tasks import enqueue_receipt, make_celery

            app = make_celery(settings.broker_url)
            enqueue_receipt(app, 1)

            async def done():
                return await broker.llen(app_queue) == 0 and await broker.hlen("unacked") == 0

            await until(done)
            crew.tend(wanted=False)
            for pid in pids:
                with pytest.raises(ProcessLookupError):
                    os.kill(pid, 0)

            async def let_go():
                # Redis hands a task to a waiting worker until it has seen that the worker's connection is gone.
                return (await broker.info("clients"))["blocked_clients"] == 0

            await until(let_go)
            enqueue_receipt(app, 2)
            assert await broker.llen(app_queue) == 1
            crew.tend(wanted=True)
            await until(done)
        finally:
            crew.kill()


async def test_customers_keep_coming_while_the_shop_is_away(settings):
    import aiohttp

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        closed = settings.model_copy(
            update={
                "config": settings.config.model_copy(update={"shop_listen": "127.0.0.1:1", "requests_per_second": 500})
            }
        )
        customers = Customers(closed, session)
        tasks = [asyncio.create_task(customers.shop()), asyncio.create_task(customers.listen())]
        done, _ = await asyncio.wait(tasks, timeout=0.5)
        for task in tasks:
            task.cancel()
        assert not done


async def test_preparing_heals_what_an_earlier_run_left(settings, tmp_path):
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.sadd(FAULTS_KEY, "celery")
        await redis.set("ballast:7", "x")
        await prepare(settings, tmp_path / "again.json")
        assert await redis.smembers(FAULTS_KEY) == {b"nothing"}
        assert not await redis.exists("ballast:7")
