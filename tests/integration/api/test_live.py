"""The WebSocket: snapshot, changes, sequence, sessions, other sites, slow clients."""

import asyncio
import contextlib
import time

import aiohttp
import pytest

from services.api import users
from services.api.live import hub as live
from tests.fixtures.waiting import until
from tests.integration.api.test_alerts import BASE, fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
PATH = "/api/admin/monitoring/live"


@contextlib.asynccontextmanager
async def connected(page, api, **more):
    async with page.http.ws_connect(PATH, origin=api.url, **more) as socket:
        yield socket


async def _next(socket, part=""):
    """The next message, or the next that has that part."""
    while True:
        message = await asyncio.wait_for(socket.receive_json(), 60)
        if not part or part in message:
            return message


async def test_a_snapshot_then_changes_in_sequence(api):
    page = await api.log_in("operator")
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    await until(lambda: len(api.running._feed._view.firing()) == 1)
    async with connected(page, api) as first:
        snapshot = await _next(first)
        assert snapshot["type"] == "snapshot"
        seq, known = snapshot["seq"], {found["id"] for found in snapshot["alerts"]}
        while alert.alert_id not in known:
            message = await _next(first)
            seq, known = seq + 1, {found["id"] for found in message.get("alerts", {}).get("upsert", [])}
            assert (message["seq"], message["type"]) == (seq, "changes")
        async with connected(page, api) as second:
            assert (await _next(second))["type"] == "snapshot"
            started = time.monotonic()
            _, answer = await page.post(f"{BASE}/{alert.alert_id}/acknowledge", {"comment": "mine"})
            for socket in (first, second):
                changed = await _next(socket, "alerts")
                assert [found["id"] for found in changed["alerts"]["upsert"]] == [alert.alert_id]
                assert changed["alerts"]["upsert"][0]["acknowledged"] == answer["acknowledged"]
            assert time.monotonic() - started < 10, "by the feed, not by the next ping"
        await api.publish(scenario.resolved(alert, after=1))
        changed = await _next(first, "alerts")
        assert changed["alerts"] == {"upsert": [], "remove": [alert.alert_id]}
    await until(lambda: api.hub.clients == 0)


async def test_metrics_and_health_follow_the_evaluator(api):
    page = await api.log_in("viewer")
    async with connected(page, api) as socket:
        await _next(socket)
        api.evaluator.values["tocsin:celery_queue_length"] = 77

        async def value():
            panels = (await _next(socket, "metrics"))["metrics"]["panels"]
            return next(panel["value"] for panel in panels if panel["key"] == "celery_queue")

        while await value() != 77:
            pass
        await api.evaluator.stop()
        api.stale()
        while (await _next(socket, "health"))["health"]["overall"] != "unknown":
            pass


async def test_a_logout_ends_the_connection(api):
    page = await api.log_in("viewer")
    async with connected(page, api) as socket:
        await _next(socket)
        await page.post("/api/auth/logout")
        while (message := await asyncio.wait_for(socket.receive(), 60)).type != aiohttp.WSMsgType.CLOSE:
            pass
        assert (message.data, message.extra) == (4401, "session ended")


async def test_a_new_password_ends_the_connection_within_moments(api, monkeypatch):
    monkeypatch.setattr("services.api.auth.cache.FRESH", 0.0)
    page = await api.log_in("viewer")
    async with connected(page, api) as socket:
        await _next(socket)
        await users.set_password(api.dsn, "viewer", "another long password")
        while not socket.closed:
            await asyncio.wait_for(socket.receive(), 60)
        assert socket.close_code == 4401


async def test_a_stopping_server_says_so(api):
    page = await api.log_in("viewer")
    async with connected(page, api) as socket:
        await _next(socket)
        started = time.monotonic()
        stop = asyncio.create_task(api.stop())
        while not socket.closed:
            await asyncio.wait_for(socket.receive(), 60)
        assert socket.close_code == 1001
        await stop
        assert time.monotonic() - started < 30


async def test_other_sites_pages_get_no_connection(api):
    page = await api.log_in("viewer")
    for origin in ["https://evil.example.com", "null", ""]:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await page.http.ws_connect(PATH, origin=origin or None)
        assert refused.value.status == 403, origin


async def test_without_a_login_without_an_upgrade_and_without_room(api, stand):
    nobody = await api.visitor()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await nobody.http.ws_connect(PATH, origin=api.url)
    assert refused.value.status == 401
    page = await api.log_in("viewer")
    status, body = await page.get(PATH, headers={"Origin": api.url})
    assert (status, body["type"]) == (426, "/problems/not-a-websocket")
    await stand.stop()
    stand.settings = {"max_live_clients": 1}
    await stand.start()
    page = await stand.log_in("viewer")
    async with connected(page, stand):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await page.http.ws_connect(PATH, origin=stand.url)
        assert refused.value.status == 503


async def test_a_program_connects_with_its_token(api):
    admin = await api.log_in("admin")
    _, made = await admin.post("/api/admin/tokens", {"name": "wall", "role": "viewer"})
    program = await api.visitor(Authorization=f"Bearer {made['token']}")
    async with program.http.ws_connect(PATH) as socket:
        assert (await _next(socket))["type"] == "snapshot"
        await admin.delete(f"/api/admin/tokens/{made['id']}")
        while not socket.closed:
            await asyncio.wait_for(socket.receive(), 60)
        assert socket.close_code == 4401


async def test_a_client_that_does_not_read_is_dropped_and_the_others_are_not(api, monkeypatch):
    monkeypatch.setattr(live, "_CLOSE_SECONDS", 0.3)
    page, slow = await api.log_in("viewer"), await api.log_in("operator")
    async with connected(page, api) as socket:
        await _next(socket)
        cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in slow.http.cookie_jar)
        _, writer = await asyncio.open_connection("127.0.0.1", api.running.port, limit=1)
        writer.write(
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{api.running.port}\r\nOrigin: {api.url}\r\nCookie: {cookies}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        writer.transport.pause_reading()
        await until(lambda: api.hub.clients == 2)
        big = "x" * 2_000_000
        for _ in range(live.QUEUE + 20):
            for client in list(api.hub._clients):
                if client.identity.username == "operator":
                    client.offer(big)
            await asyncio.sleep(0)
        await until(lambda: api.hub.clients == 1)
        assert (await _next(socket))["type"] in {"changes", "ping"}
        dropped = (await page.get("/metrics"))[1]
        assert 'tocsin_api_live_dropped_total{reason="slow_client"} 1.0' in dropped
        writer.transport.abort()


async def test_a_connection_that_was_lost_goes_on_where_it_was(api):
    page = await api.log_in("operator")
    alert = fresh(scenario.celery_down)
    async with connected(page, api) as socket:
        snapshot = await _next(socket)
    await api.publish(alert)
    await until(lambda: alert.alert_id in api.hub._alerts)
    where = {"since": str(snapshot["seq"]), "epoch": snapshot["epoch"]}
    async with connected(page, api, params=where) as socket:
        missed = await _next(socket)
        assert (missed["type"], missed["since"]) == ("changes", snapshot["seq"])
        assert [found["id"] for found in missed["alerts"]["upsert"]] == [alert.alert_id]
        following = await _next(socket, "seq")
        assert following["seq"] == missed["seq"] + 1
    async with connected(page, api, params=where | {"epoch": "another process"}) as socket:
        assert (await _next(socket))["type"] == "snapshot"
    opened = (await page.get("/metrics"))[1]
    assert 'tocsin_api_live_opened_total{start="resumed"} 1.0' in opened
    assert 'tocsin_api_live_opened_total{start="snapshot"} 2.0' in opened
