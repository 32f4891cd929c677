import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry
from websockets.asyncio.client import connect

from tests.fixtures.ports import free_port
from tests.integration.client.conftest import served, until_true
from tocsin_client import TocsinMiddleware, watch_httpx

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def app(registry: CollectorRegistry) -> FastAPI:
    app = FastAPI()

    @app.get("/items/{item}")
    async def item(item: int) -> dict[str, int]:
        return {"item": item}

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def parts():
            while True:
                yield b"more"
                await asyncio.sleep(0.01)

        return StreamingResponse(parts())

    @app.get("/slow")
    async def slow() -> StreamingResponse:
        async def parts():
            yield b"one"
            await asyncio.sleep(0.3)
            yield b"two"

        return StreamingResponse(parts())

    @app.get("/error")
    async def error() -> None:
        raise LookupError("no such item")

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    app.add_middleware(TocsinMiddleware, registry=registry)
    app.add_middleware(TocsinMiddleware, registry=registry)
    return app


def requests(registry: CollectorRegistry, handler: str, status: str) -> float | None:
    return registry.get_sample_value("http_requests_total", {"handler": handler, "method": "GET", "status": status})


def calls(registry: CollectorRegistry, status: str, error: str, server: str = "127.0.0.1") -> float | None:
    labels = {
        "server_address": server,
        "http_request_method": "GET",
        "http_response_status_code": status,
        "error_type": error,
    }
    return registry.get_sample_value("http_client_request_duration_seconds_count", labels)


async def test_requests_and_calls_as_both_sides_see_them(app: FastAPI, registry) -> None:
    async with served(app) as port, watch_httpx(httpx.AsyncClient(), registry=registry) as client:
        watch_httpx(client, registry=registry)
        base = f"http://127.0.0.1:{port}"
        for number in range(3):
            answer = await client.get(
                f"{base}/items/{number}", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
            )
            assert answer.json() == {"item": number}
        assert (await client.get(f"{base}/nowhere")).status_code == 404
        assert (await client.get(f"{base}/error")).status_code == 500
        assert (await client.get(f"{base}/slow")).text == "onetwo"
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/")
        page = (await client.get(f"{base}/metrics", headers={"Accept": "application/openmetrics-text"})).text
    assert f'trace_id="{TRACE}"' in page
    assert requests(registry, "/items/{item}", "2xx") == 3
    assert requests(registry, "none", "4xx") == 1
    assert requests(registry, "/error", "5xx") == 1
    first = registry.get_sample_value("http_response_first_byte_seconds_sum", {"handler": "/slow"})
    total = registry.get_sample_value("http_request_duration_seconds_sum", {"handler": "/slow", "method": "GET"})
    assert first is not None
    assert total is not None
    assert total - first >= 0.29
    assert calls(registry, "200", "") == 5
    assert calls(registry, "404", "404") == 1
    assert calls(registry, "500", "500") == 1
    assert calls(registry, "", "ConnectError") == 1


async def test_a_client_that_leaves_in_the_middle_is_a_499(app: FastAPI, registry) -> None:
    async with served(app) as port, httpx.AsyncClient() as client:
        async with client.stream("GET", f"http://127.0.0.1:{port}/endless") as response:
            async for _ in response.aiter_raw():
                break
        await until_true(lambda: requests(registry, "/endless", "4xx") == 1)
    assert requests(registry, "/endless", "2xx") is None
    assert registry.get_sample_value("http_requests_inprogress") == 0
    labels = {"handler": "/endless", "method": "GET", "exception_type": "ClientDisconnect"}
    assert registry.get_sample_value("http_request_exceptions_total", labels) is None


async def test_a_websocket(app: FastAPI, registry) -> None:
    async with served(app) as port, connect(f"ws://127.0.0.1:{port}/ws", proxy=None) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        assert registry.get_sample_value("websocket_connections_active", {"path": "/ws"}) == 1
    await until_true(lambda: registry.get_sample_value("websocket_connections_active", {"path": "/ws"}) == 0)
    assert registry.get_sample_value("websocket_disconnects_total", {"path": "/ws", "code": "1000"}) == 1
    where = {"path": "/ws", "direction": "in"}
    assert registry.get_sample_value("websocket_messages_total", where) == 1


def test_a_synchronous_httpx_client(registry) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/late":
            raise httpx.ReadTimeout("late")
        return httpx.Response(302 if request.url.path == "/old" else 200, headers={"Location": "/new"})

    with watch_httpx(
        httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True, mounts={"ftp://": None}),
        registry=registry,
    ) as client:
        assert client.get("http://gateway/old").status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            client.get("http://gateway/late")
    assert calls(registry, "302", "", "gateway") == 1
    assert calls(registry, "200", "", "gateway") == 1
    assert calls(registry, "", "ReadTimeout", "gateway") == 1


_APP = """
import os
from fastapi import FastAPI
from tocsin_client import ActiveSessions, TocsinMiddleware

app = FastAPI()
app.add_middleware(TocsinMiddleware, trace_id=lambda: "t1")
sessions = ActiveSessions()


@app.get("/pid")
async def pid():
    sessions.seen("somebody")
    return os.getpid()
"""


def test_two_worker_processes_answer_as_one(tmp_path: Path) -> None:
    (tmp_path / "shop_app.py").write_text(_APP)
    (tmp_path / "metrics").mkdir()
    port, source = free_port(), Path(__file__).parents[3] / "client" / "src"
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "shop_app:app", "--port", str(port), "--workers", "2"],
        cwd=tmp_path, start_new_session=True,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"), "PYTHONPATH": str(source)},
    )  # fmt: skip
    try:
        base, pids, sent = f"http://127.0.0.1:{port}", set(), 0
        transport = httpx.HTTPTransport(retries=20)
        with httpx.Client(transport=transport, timeout=30) as client:
            client.get(base + "/none")
        for _ in range(400):
            pids.add(httpx.get(base + "/pid", timeout=30).text)
            sent += 1
            if len(pids) == 2 and sent >= 20:
                break
        assert len(pids) == 2
        page = httpx.get(base + "/metrics", timeout=30).text
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
    assert f'http_requests_total{{handler="/pid",method="GET",status="2xx"}} {float(sent)}' in page
    assert "app_sessions_active 2.0" in page, "each process has seen the session"
