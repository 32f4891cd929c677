"""Errors on the page, from a real collector that follows a real log."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from aiohttp import web

from services.collector import app as collector_app
from services.collector.config import CollectorConfig
from services.common.config import Shared
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
PATH = "/api/admin/monitoring/errors"
LOG = """\
{"timestamp": "%s", "level": "error", "event": "payment 17 failed", "logger": "shop.pay"}
{"timestamp": "%s", "level": "error", "event": "payment 18 failed", "logger": "shop.pay"}
{"timestamp": "%s", "level": "critical", "event": "no disk", "logger": "shop.disk"}
{"timestamp": "%s", "level": "info", "event": "well", "logger": "shop"}
"""


@pytest.fixture
async def collect(stand, tmp_path):
    """Start a collector that follows the given logs; the API that is started after it asks it."""
    async with AsyncExitStack() as stack:

        async def start(*paths):
            logs = (
                [{"name": "shop-log", "service": "shop", "paths": list(paths), "start_at": "beginning"}]
                if paths
                else []
            )
            config = CollectorConfig.model_validate({"listen": "127.0.0.1:0", "targets": {"logs": logs}})
            running = await collector_app.build(
                stack, config, Shared(data_dir=tmp_path), clock=stand.clock, base=tmp_path
            )  # fmt: skip
            stand.settings = {**stand.settings, "collector_url": f"http://127.0.0.1:{running.port}"}

        yield start


async def viewer(stand):
    from tests.integration.api.conftest import _add_users

    await _add_users(stand)
    await stand.start()
    await until(lambda: stand.running.ready() == "")
    return await stand.log_in("viewer")


async def test_errors_are_grouped_and_searched(stand, collect, tmp_path, monkeypatch):
    monkeypatch.setattr("services.api.errors.reader.KEPT_SECONDS", 0.0)
    now = datetime.fromtimestamp(stand.clock.now(), UTC).isoformat()
    (tmp_path / "shop.log").write_text(LOG % (now, now, now, now))
    await collect(str(tmp_path / "shop.log"))
    page = await viewer(stand)

    async def read(**query):
        status, body = await page.get(PATH, params=query)
        assert status == 200, body
        return body

    async def there():
        return (await read())["total"] == 2

    await until(there)
    found = await read()
    assert (found["configured"], found["services"], found["missing"]) == (True, ["shop"], [])
    kinds = {group["level"]: group for group in found["errors"]}
    assert (kinds["error"]["count"], kinds["critical"]["count"]) == (2, 1)
    assert kinds["error"]["example"]["message"] == "payment 18 failed"
    assert len(kinds["error"]["trend"]) == 24
    for query, fitting in (
        ({"text": "PAYMENT 18"}, ["error"]),
        ({"text": "nothing like it"}, []),
        ({"level": "critical"}, ["critical"]),
        ({"service": "other"}, []),
        ({"service": "shop", "text": kinds["critical"]["fingerprint"]}, ["critical"]),
    ):
        assert [group["level"] for group in (await read(**query))["errors"]] == fitting, query
    limited = await read(limit="1")
    assert (len(limited["errors"]), limited["total"]) == (1, 2)
    assert (await page.get(PATH, params={"limit": "0"}))[0] == 400


async def test_a_collector_without_logs_is_told_from_one_without_errors(stand, collect):
    await collect()
    page = await viewer(stand)
    assert (await page.get(PATH))[1] | {"at": 0} == {
        "at": 0, "configured": False, "errors": [], "total": 0, "services": [], "missing": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (web.Response(status=401), "service token"),
        (web.Response(status=500), "answers 500"),
        (web.Response(text='{"errors": 7}'), "another form"),
        (None, "can't be reached"),
    ],
)
async def test_a_collector_that_can_not_tell(stand, unused_tcp_port, answer, said):
    stand.settings = {"collector_url": f"http://127.0.0.1:{unused_tcp_port}"}
    if answer is not None:

        async def handle(_request):
            return answer

        web_app = web.Application()
        web_app.router.add_get("/errors", handle)
        runner = web.AppRunner(web_app)
        await runner.setup()
        stand.stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    status, body = await (await viewer(stand)).get(PATH)
    assert (status, body["type"]) == (503, "/problems/collector-away")
    assert said in body["detail"]


async def test_many_pages_ask_the_collector_once(stand, unused_tcp_port):
    asked = []

    async def handle(request):
        asked.append(request.headers["Authorization"])
        return web.json_response({"errors": [], "missing": ["shop-log"], "sources": ["shop-log"], "new": 1})

    web_app = web.Application()
    web_app.router.add_get("/errors", handle)
    runner = web.AppRunner(web_app)
    await runner.setup()
    stand.stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    stand.settings = {"collector_url": f"http://127.0.0.1:{unused_tcp_port}"}
    page = await viewer(stand)
    for _ in range(3):
        assert (await page.get(PATH))[1]["missing"] == ["shop-log"]
    assert asked == [f"Bearer {stand.evaluator.token}"]
