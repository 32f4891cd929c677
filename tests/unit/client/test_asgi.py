import asyncio
import gc
import tracemalloc
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tocsin_client import TocsinMiddleware
from tocsin_client.routes import OTHER, Templates, route_template
from tocsin_client.websocket import code_label


class Ticks:
    """A timer that goes on by one second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def app(registry: CollectorRegistry, feed: APIRouter) -> FastAPI:
    app, router = FastAPI(), APIRouter()

    @router.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    @app.post("/pay")
    async def pay() -> None:
        raise LookupError("no such order")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts():
            yield b"one"
            yield b"two"

        return StreamingResponse(parts())

    @app.get("/later")
    async def later(tasks: BackgroundTasks) -> dict[str, bool]:
        def fail() -> None:
            raise OSError("in the background")

        tasks.add_task(fail)
        return {"ok": True}

    sub = FastAPI()

    @sub.get("/deep/{x}")
    async def deep(x: int) -> int:
        return x

    app.include_router(router, prefix="/api")
    app.include_router(feed)
    app.mount("/sub", sub)
    app.add_middleware(TocsinMiddleware, registry=registry)
    return app


@pytest.fixture
def feed() -> APIRouter:
    router = APIRouter()

    @router.websocket("/ws/{room}")
    async def ws(socket: WebSocket, room: str) -> None:
        if room == "closed":
            await socket.close(code=4403)
            return
        await socket.accept()
        while True:
            text = await socket.receive_text()
            if text == "fail":
                raise LookupError(text)
            if text == "bye":
                await socket.close(code=1011)
                return
            await socket.send_text(text * 2)

    return router


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def requests(registry: CollectorRegistry, handler: str, status: str, method: str = "GET") -> float | None:
    labels = {"handler": handler, "method": method, "status": status}
    return registry.get_sample_value("http_requests_total", labels)


@pytest.mark.parametrize(
    ("path", "handler", "status"),
    [
        ("/api/items/7", "/api/items/{item}", "2xx"),
        ("/api/items/x", "/api/items/{item}", "4xx"),
        ("/sub/deep/1", "/sub/deep/{x}", "2xx"),
        ("/nowhere", "none", "4xx"),
        ("/pay", "/pay", "4xx"),
    ],
)
def test_the_handler_is_the_routes_template(client, registry, path: str, handler: str, status: str) -> None:
    client.get(path)
    assert requests(registry, handler, status) == 1
    labels = {"handler": handler, "method": "GET"}
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("http_request_duration_highr_seconds_count") == 1
    assert registry.get_sample_value("http_requests_inprogress") == 0


def test_an_exception_is_a_5xx_with_its_name(client, registry) -> None:
    assert client.post("/pay").status_code == 500
    assert requests(registry, "/pay", "5xx", "POST") == 1
    labels = {"handler": "/pay", "method": "POST", "exception_type": "LookupError"}
    assert registry.get_sample_value("http_request_exceptions_total", labels) == 1


def test_a_background_failure_does_not_change_the_answer(client, registry) -> None:
    assert client.get("/later").status_code == 200
    assert requests(registry, "/later", "2xx") == 1
    labels = {"handler": "/later", "method": "GET", "exception_type": "OSError"}
    assert registry.get_sample_value("http_request_exceptions_total", labels) == 1


def test_sizes_and_the_first_byte_of_a_stream(client, registry) -> None:
    client.get("/stream", headers={"Content-Length": "0"})
    assert registry.get_sample_value("http_response_size_bytes_sum", {"handler": "/stream"}) == 6
    assert registry.get_sample_value("http_response_first_byte_seconds_count", {"handler": "/stream"}) == 1
    client.post("/api/items/7", content=b"12345")
    assert registry.get_sample_value("http_request_size_bytes_sum", {"handler": "/api/items/{item}"}) == 5


def test_buckets_hold_those_of_the_instrumentator(client, registry) -> None:
    client.get("/api/items/7")
    for edge in ("0.1", "0.5", "1.0"):
        labels = {"handler": "/api/items/{item}", "method": "GET", "le": edge}
        assert registry.get_sample_value("http_request_duration_seconds_bucket", labels) == 1


def test_the_metrics_page(client, registry) -> None:
    Counter("orders", "Orders.", registry=registry).inc()
    client.get("/api/items/7")
    answer = client.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert "orders_total 1.0" in answer.text
    assert "_created" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'handler="/metrics"' not in answer.text
    openmetrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert openmetrics.text.endswith("# EOF\n")
    assert client.get("/metrics").headers["content-encoding"] == "gzip"
    assert client.head("/metrics").content == b""
    assert client.post("/metrics").status_code == 404, "only reads are ours"


def test_added_twice_it_measures_once(registry) -> None:
    app = FastAPI()
    app.add_middleware(TocsinMiddleware, registry=registry)
    app.add_middleware(TocsinMiddleware, registry=registry)
    TestClient(app).get("/x")
    assert requests(registry, "none", "4xx") == 1


def test_a_registry_with_another_instrumentation_is_refused_with_the_way_out(registry) -> None:
    Counter("http_requests", "Someone else's.", registry=registry)
    with pytest.raises(ValueError, match="a registry of its own"):
        TocsinMiddleware(FastAPI(), registry=registry)


def test_methods_and_routes_are_bounded(registry) -> None:
    routes = [Route(f"/r{number}", lambda _request: PlainTextResponse("x")) for number in range(5)]
    client = TestClient(TocsinMiddleware(Starlette(routes=routes), registry=registry, max_handlers=2))
    for number in range(5):
        client.get(f"/r{number}")
    client.request("BREW", "/none")
    assert requests(registry, "/r0", "2xx") == 1
    assert requests(registry, "other", "2xx") == 3
    assert requests(registry, "none", "4xx", "OTHER") == 1


def test_starlettes_mounts(registry) -> None:
    inner = Starlette(routes=[Route("/y/{z}", lambda _request: PlainTextResponse("x"))])
    client = TestClient(TocsinMiddleware(Starlette(routes=[Mount("/m", app=inner)]), registry=registry))
    client.get("/m/y/1")
    client.get("/m/nowhere")
    assert requests(registry, "/m/y/{z}", "2xx") == 1
    assert requests(registry, "/m", "4xx") == 1


async def call(app: Any, messages: list[dict[str, Any]], **scope: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/x", "headers": [], **scope}, receive, send)
    return sent


async def test_a_client_that_left_is_not_our_error(registry) -> None:
    async def app(scope, receive, send) -> None:
        assert (await receive())["type"] == "http.disconnect"
        raise ConnectionError("the client is gone")

    with pytest.raises(ConnectionError):
        await call(TocsinMiddleware(app, registry=registry), [{"type": "http.disconnect"}])
    assert requests(registry, "none", "4xx") == 1
    assert registry.get_sample_value("http_requests_inprogress") == 0


async def test_a_cancelled_request_is_counted(registry) -> None:
    async def app(scope, receive, send) -> None:
        await receive()

    task = asyncio.create_task(call(TocsinMiddleware(app, registry=registry), []))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert requests(registry, "none", "4xx") == 1


async def test_failing_in_the_middle_of_a_response_is_a_5xx(registry) -> None:
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise OSError

    with pytest.raises(OSError):
        await call(TocsinMiddleware(app, registry=registry), [], headers=[(b"content-length", b"x")])
    assert requests(registry, "none", "5xx") == 1


async def test_lifespan_passes(registry) -> None:
    seen = []

    async def app(scope, receive, send) -> None:
        seen.append(scope["type"])

    await call(TocsinMiddleware(app, registry=registry), [], type="lifespan")
    assert seen == ["lifespan"]


def test_durations_are_the_timers(registry) -> None:
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    asyncio.run(call(TocsinMiddleware(app, registry=registry, timer=Ticks()), []))
    labels = {"handler": "none", "method": "GET"}
    assert registry.get_sample_value("http_request_duration_seconds_sum", labels) == 2
    assert registry.get_sample_value("http_response_first_byte_seconds_sum", {"handler": "none"}) == 1


def websocket(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"websocket_{name}", {"path": "/ws/{room}", **labels})


def test_websocket_life(client, registry) -> None:
    # The client's going ends the handler by this exception, which goes on to the server; it is no error of ours.
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/a") as socket:
        socket.send_text("hé")
        assert socket.receive_text() == "héhé"
        assert websocket(registry, "connections_active") == 1
    assert websocket(registry, "connections_active") == 0
    assert websocket(registry, "connections_total") == 1
    assert websocket(registry, "disconnects_total", code="1000") == 1
    assert websocket(registry, "messages_total", direction="in") == 1
    assert websocket(registry, "message_bytes_total", direction="in") == 3
    assert websocket(registry, "message_bytes_total", direction="out") == 6
    assert websocket(registry, "message_duration_seconds_count") == 1
    assert websocket(registry, "errors_total", type="WebSocketDisconnect") is None


def test_websocket_errors(client, registry) -> None:
    with client.websocket_connect("/ws/a") as socket:
        socket.send_text("bye")
        with pytest.raises(WebSocketDisconnect):
            socket.receive_text()
    assert websocket(registry, "errors_total", type="close_1011") == 1
    with pytest.raises(LookupError), client.websocket_connect("/ws/a") as socket:
        socket.send_text("fail")
        socket.receive_text()
    assert websocket(registry, "errors_total", type="LookupError") == 1
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/closed"):
        pass
    assert websocket(registry, "errors_total", type="rejected") == 1
    assert websocket(registry, "connections_active") == 0


@pytest.mark.parametrize(
    ("code", "label"), [(1000, "1000"), (1015, "1015"), (4403, "4403"), (17, "other"), (9000, "other")]
)
def test_close_codes_are_bounded(code: int, label: str) -> None:
    assert code_label(code) == label


def test_templates() -> None:
    templates = Templates(1)
    assert [templates.bounded(one) for one in ("/a", "/b", "/a", "none")] == ["/a", OTHER, "/a", "none"]
    assert route_template({}, "") == "none"


async def test_cost_in_memory_does_not_grow(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t") as client:
        for number in range(200):
            await client.get(f"/api/items/{number}")
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            await client.get(f"/api/items/{number + 1000}")
        # What waits for the next collection has not grown.
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    assert grown < 500_000


def test_several_processes_are_merged(tmp_path, monkeypatch) -> None:
    import subprocess
    import sys

    code = """
import asyncio
from tocsin_client import MetricsApp, Payments
Payments().record("acme", "failed")
async def main():
    body = []
    async def send(message): body.append(message.get("body", b""))
    await MetricsApp()({"type": "http", "method": "GET", "headers": []}, None, send)
    print(b"".join(body).decode())
asyncio.run(main())
"""
    from pathlib import Path

    source = Path(__file__).parents[3] / "client" / "src"
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(source)}
    run = [sys.executable, "-c", code]
    for _ in range(2):
        result = subprocess.run(run, env=environ, capture_output=True, text=True, check=True)
    assert 'payments_total{outcome="failed",provider="acme"} 2.0' in result.stdout
