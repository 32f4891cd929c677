from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from services.common.clock import SystemClock
from services.common.telemetry import Telemetry
from services.common.web import PortTakenError, is_loopback, serve, service_app


@pytest.fixture
async def client():
    state = {"missing": ""}
    app = service_app(
        Telemetry("test"), SystemClock(), lambda: state["missing"], token="s3cret", open_paths=["/open", "/below/"]
    )

    async def ok(_request):
        return web.Response(text="ok")

    for path in ("/open", "/closed", "/below/x"):
        app.router.add_get(path, ok)
    client = TestClient(TestServer(app))
    client.state = state
    async with client:
        yield client


async def test_health_is_open_and_readiness_says_what_is_missing(client):
    assert (await client.get("/-/healthy")).status == 200
    assert (await client.get("/-/ready")).status == 200
    client.state["missing"] = "waiting for Redis"
    answer = await client.get("/-/ready")
    assert answer.status == 503
    assert await answer.text() == "waiting for Redis\n"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}])
async def test_the_rest_needs_the_token(client, headers):
    answer = await client.get("/closed", headers=headers)
    assert answer.status == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert "s3cret" not in await answer.text()


@pytest.mark.parametrize("path", ["/closed", "/metrics", "/open", "/below/x"])
async def test_with_the_token_all_is_open(client, path):
    assert (await client.get(path, headers={"Authorization": "Bearer s3cret"})).status == 200


async def test_open_paths_need_none_and_unknown_paths_tell_nothing(client):
    assert (await client.get("/open")).status == 200
    assert (await client.get("/below/x")).status == 200
    assert (await client.get("/nothing")).status == 401


async def test_metrics_speak_both_formats_and_count_requests(client):
    headers = {"Authorization": "Bearer s3cret"}
    await client.get("/nothing", headers=headers)
    text = await (await client.get("/metrics", headers=headers)).text()
    assert "tocsin_test_build_info" in text
    assert 'tocsin_http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1.0' in text
    assert "_created" not in text
    open_metrics = await client.get(
        "/metrics", headers={**headers, "Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert (await open_metrics.text()).endswith("# EOF\n")


async def test_a_taken_port_names_the_setting():
    async with AsyncExitStack() as stack:
        app = service_app(Telemetry("a"), SystemClock(), lambda: "", token="t")
        port = await serve(stack, app, "127.0.0.1:0", setting="a.listen")
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/-/healthy") as answer:
            assert answer.status == 200
        other = service_app(Telemetry("b"), SystemClock(), lambda: "", token="t")
        with pytest.raises(PortTakenError, match=rf"127.0.0.1:{port} is taken by another program; set b.listen"):
            await serve(stack, other, f"127.0.0.1:{port}", setting="b.listen")
        with pytest.raises(PortTakenError, match=r"can't listen on 192.0.2.1:0"):
            await serve(stack, other, "192.0.2.1:0", setting="b.listen")


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [("127.0.0.1:1", True), ("localhost:1", True), ("[::1]:1", True), ("0.0.0.0:1", False), ("example.org:1", False)],
)
def test_loopback(listen, loopback):
    assert is_loopback(listen) is loopback
