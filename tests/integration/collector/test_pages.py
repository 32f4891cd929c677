import asyncio

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from services.collector.config import CollectorConfig
from services.common.config import Shared, StrictModel
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import in_time
from tests.integration.collector.apps import bomb, broken, deaf, feed, never, ok, serving
from tests.integration.collector.conftest import Start
from tocsin_client import Payments, TocsinMiddleware


@pytest.fixture
async def shop():
    """A real FastAPI app on uvicorn, watched by the client package."""
    app, registry = FastAPI(), CollectorRegistry()
    payments = Payments("acme", registry=registry)

    @app.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    @app.get("/health")
    async def health() -> dict[str, str]:
        payments.record("acme", "declined", seconds=0.2)
        return {}

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text(await socket.receive_text())
        except WebSocketDisconnect:
            pass

    app.add_middleware(TocsinMiddleware, registry=registry)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    yield f"127.0.0.1:{port}"
    server.should_exit = True
    await task


async def test_fastapi_inside_and_outside(start: Start, shop: str) -> None:
    async with aiohttp.ClientSession() as client:
        for number in range(3):
            await client.get(f"http://{shop}/items/{number}")
        await client.get(f"http://{shop}/missing")
        async with client.ws_connect(f"ws://{shop}/ws") as socket:
            await socket.send_str("hello")
            await socket.receive()
            running = await start({
                "fastapi": [
                    {"name": "shop", "metrics_url": f"http://{shop}/metrics", "health_url": f"http://{shop}/health"}
                ]
            })  # fmt: skip
            await running.samples("/metrics/fastapi")
            found = await running.samples("/metrics/fastapi")
    assert found['http_requests_total{target="shop",handler="/items/{item}",method="GET",status="2xx"}'] == 3
    assert found['http_requests_total{target="shop",handler="none",method="GET",status="4xx"}'] == 1
    assert found['http_request_duration_seconds_count{target="shop",handler="/items/{item}",method="GET"}'] == 3
    assert found['payments_total{target="shop",outcome="declined",provider="acme"}'] >= 1
    assert found['payment_duration_seconds_count{target="shop",provider="acme"}'] >= 1
    assert found['websocket_connections_active{target="shop",path="/ws"}'] == 1
    assert found['websocket_messages_total{target="shop",direction="in",path="/ws"}'] == 1
    assert found['probe_success{target="shop"}'] == 1
    assert found['fastapi_up{target="shop"}'] == 1
    assert found['fastapi_metrics_up{target="shop"}'] == 1


async def test_page_and_check_fail_apart(start: Start) -> None:
    async with serving({"/broken": broken, "/ok": ok, "/bomb": bomb, "/never": never}) as port:
        base = f"http://127.0.0.1:{port}"
        running = await start({
            "fastapi": [
                {"name": "no-page", "metrics_url": f"{base}/broken", "health_url": f"{base}/ok"},
                {"name": "no-samples", "metrics_url": f"{base}/ok", "health_url": f"{base}/ok"},
                {"name": "bomb", "metrics_url": f"{base}/bomb"},
                {"name": "sick", "health_url": f"{base}/broken"},
                {"name": "hung", "metrics_url": f"{base}/never", "health_url": f"{base}/ok"},
            ]
        })  # fmt: skip
        with in_time(4):
            found = await running.samples("/metrics/fastapi", scrape=4)
    assert found['fastapi_up{target="no-page"}'] == 1
    assert found['fastapi_metrics_up{target="no-page"}'] == 0
    assert found['tocsin_target_error{target="no-page",kind="fastapi",reason="status"}'] == 1
    assert found['tocsin_target_error{target="no-samples",kind="fastapi",reason="body"}'] == 1
    assert found['tocsin_target_error{target="bomb",kind="fastapi",reason="too_large"}'] == 1
    assert found['fastapi_up{target="bomb"}'] == 0
    assert found['fastapi_up{target="sick"}'] == 0
    assert found['probe_failed_reason{target="sick",reason="status"}'] == 1
    assert found['probe_success{target="hung"}'] == 1
    assert found['fastapi_metrics_up{target="hung"}'] == 0
    assert found['tocsin_target_error{target="hung",kind="fastapi",reason="timeout"}'] == 1


async def test_all_kinds_on_one_page_in_both_formats(
    start: Start, shop: str, redis_url: str, postgres_dsn: str
) -> None:
    running = await start({
        "fastapi": [{"name": "shop", "metrics_url": f"http://{shop}/metrics"}],
        "redis": [{"name": "cache", "url": redis_url}],
        "postgres": [{"name": "db", "dsn": postgres_dsn}],
        "celery": [{"name": "jobs", "broker_url": redis_url}],
        "websocket": [{"name": "feed", "url": f"ws://{shop}/ws", "ping_message": "x"}],
        "http": [{"name": "site", "url": f"http://{shop}/health"}],
    })  # fmt: skip
    found = await running.samples("/metrics")
    for name in (
        'fastapi_up{target="shop"}', 'pg_up{target="db"}', 'redis_up{target="cache"}', 'celery_up{target="jobs"}',
        'websocket_up{target="feed"}', 'probe_success{target="site"}', "tocsin_ready",
    ):  # fmt: skip
        assert found[name] == 1, name
    assert not [name for name in found if "_created" in name]
    _, text = await running.get("/metrics")
    families = {family.name: family for family in parse_text(text)}
    assert families["http_request_duration_seconds"].type == "histogram"
    assert families["http_request_duration_seconds"].documentation.startswith("Latency by handler")
    _, text = await running.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    names = [family.name for family in parse_openmetrics(text)]
    assert len(names) == len(set(names))
    assert text.endswith("# EOF\n")


async def test_a_page_for_each_kind_and_none_for_others(start: Start, redis_url: str) -> None:
    running = await start({"redis": [{"name": "cache", "url": redis_url}]})
    assert 'redis_up{target="cache"}' in await running.samples("/metrics/redis")
    assert await running.samples("/metrics/postgres") == {}
    status, text = await running.get("/metrics/mysql")
    assert status == 404
    assert "fastapi, postgres, " in text


async def test_open_on_loopback_but_for_probes(start: Start, redis_url: str) -> None:
    running = await start({"redis": [{"name": "cache", "url": redis_url}]})
    for path in ("/metrics", "/metrics/redis", "/-/healthy", "/-/ready", "/"):
        assert (await running.get(path, auth=False))[0] == 200, path
    assert (await running.get("/probe?target=cache", auth=False))[0] == 401


async def test_closed_elsewhere_unless_opened(start: Start) -> None:
    closed = await start(listen="0.0.0.0:0")
    assert (await closed.get("/metrics", auth=False))[0] == 401
    assert (await closed.get("/metrics"))[0] == 200
    opened = await start(listen="0.0.0.0:0", open_metrics=True)
    assert (await opened.get("/metrics", auth=False))[0] == 200


async def test_probe_takes_names_and_allowed_addresses_only(start: Start, redis_url: str) -> None:
    async with serving({"/ok": ok, "/ws": feed, "/deaf": deaf}) as port:
        base = f"http://127.0.0.1:{port}"
        running = await start(
            {"redis": [{"name": "cache", "url": redis_url}], "http": [{"name": "cache", "url": f"{base}/ok"}]},
            probe={
                "allowed_targets": [f"{base}/*", f"ws://127.0.0.1:{port}/*"],
                "modules": {"web": {"http": {}}, "ws": {"websocket": {"ping_message": "ping"}, "timeout": "1s"}},
            },
        )
        assert 'redis_up{target="cache"}' in await running.samples("/probe?target=cache&module=redis")
        assert 'redis_up{target="cache"}' in await running.samples("/scrape?target=" + redis_url)
        assert (await running.get("/probe?target=cache"))[0] == 400
        assert (await running.samples(f"/probe?target={base}/ok&module=web"))["probe_success"] == 1
        assert (await running.samples(f"/probe?target=ws://127.0.0.1:{port}/ws&module=ws"))["probe_success"] == 1
        found = await running.samples(f"/probe?target=ws://127.0.0.1:{port}/deaf&module=ws")
        assert found['probe_failed_reason{reason="timeout"}'] == 1
        for path, status in {
            "/probe": 400,
            f"/probe?target={base}/ok&module=gone": 400,
            "/probe?target=http://127.0.0.1:1/&module=web": 403,
            f"/probe?target=http://user:pw@127.0.0.1:{port}/ok&module=web": 400,
            "/probe?target=file:///etc/passwd&module=web": 400,
        }.items():
            assert (await running.get(path))[0] == status, path
        own = await running.samples("/metrics")
        assert own["blackbox_module_unknown_total"] == 1


async def test_answers_are_compressed(start: Start, postgres_dsn: str) -> None:
    running = await start({"postgres": [{"name": "db", "dsn": postgres_dsn}]})
    async with running.session.get(running.base + "/metrics", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "pg_up" in await response.text()


async def test_landing_page_escapes(start: Start) -> None:
    running = await start({"http": [{"name": "site", "url": "http://127.0.0.1:1/?a=<script>"}]})
    _, text = await running.get("/")
    assert "<script>" not in text
    assert "/metrics/postgres" in text
    assert "http_2xx: http" in text
    assert 'href="/errors"' in text


async def test_reload_takes_the_new_and_keeps_the_old_if_the_new_is_bad(start: Start, redis_url: str) -> None:
    running = await start({"redis": [{"name": "old", "url": redis_url}]})
    collector = running.collector
    new = CollectorConfig.model_validate({"targets": {"redis": [{"name": "new", "url": redis_url}]}})
    collector._load = lambda: new
    await collector.reload()
    assert 'redis_up{target="new"}' in await running.samples("/metrics/redis")

    def bad() -> CollectorConfig:
        from services.common.config import ConfigError

        raise ConfigError("tocsin.yml:3:1: collector.targets.redis: unknown key")

    collector._load = bad
    await collector.reload()
    found = await running.samples("/metrics")
    assert found['redis_up{target="new"}'] == 1
    assert found['tocsin_config_last_reload_successful{kind="config"}'] == 0


async def test_heartbeat(tmp_path, redis_url: str) -> None:
    from contextlib import AsyncExitStack

    from redis.asyncio import Redis

    from services.collector.app import build
    from services.common.clock import SystemClock
    from services.common.heartbeat import read_heartbeats

    shared = Shared.model_validate({"data_dir": tmp_path, "redis": {"url": redis_url}, "heartbeat_interval": 0.05})
    async with AsyncExitStack() as stack, Redis.from_url(redis_url) as client, asyncio.timeout(60):
        config = CollectorConfig.model_validate({"listen": "127.0.0.1:0"})
        collector = await build(stack, config, shared, clock=SystemClock(), base=tmp_path)
        while not (beats := await read_heartbeats(client)):
            await SystemClock().sleep(0.02)
    assert beats[0].service == "collector"
    assert beats[0].ready
    assert beats[0].instance.endswith(f":{collector.port}")


def test_models_are_strict() -> None:
    assert issubclass(CollectorConfig, StrictModel)
    with pytest.raises(ValueError, match="extra"):
        CollectorConfig.model_validate({"targets": {"mysql": []}})


async def test_an_apps_exemplars_reach_a_scraper_of_openmetrics(start: Start) -> None:
    registry = CollectorRegistry()
    seconds = Histogram("seconds", "Time.", registry=registry, buckets=(0.1, 1))
    seconds.observe(0.5, exemplar={"trace_id": "abc"})

    async def page(request: web.Request) -> web.Response:
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encoder(registry), headers={"Content-Type": content_type})

    async with serving({"/metrics": page}) as port:
        target = {"metrics_url": f"http://127.0.0.1:{port}/metrics"}
        running = await start(
            {"fastapi": [{"name": "shop", **target}, {"name": "plain", **target, "exemplars": False}]}
        )  # fmt: skip
        _, text = await running.get("/metrics/fastapi", Accept="application/openmetrics-text; version=1.0.0")
        samples = [sample for family in parse_openmetrics(text) for sample in family.samples if sample.exemplar]
        assert [(sample.labels["target"], sample.labels["le"]) for sample in samples] == [("shop", "1.0")]
        assert samples[0].exemplar.labels == {"trace_id": "abc"}
        found = await running.samples("/metrics/fastapi")
    for name in ("shop", "plain"):
        assert found[f'seconds_bucket{{target="{name}",le="1.0"}}'] == 1
        assert found[f'fastapi_metrics_up{{target="{name}"}}'] == 1
