"""Targets that HTTP lists name, and limits, with a whole scrape manager."""

import asyncio

import orjson
import pytest
from aiohttp import web

from services.common.clock import SystemClock
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.head import Head
from services.evaluator.scrape.manager import ScrapeManager
from services.evaluator.telemetry import ScrapeTelemetry
from tests.fixtures.scraped import job, page, serve


async def eventually(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.002)


class Lists:
    """A server of target lists, and a manager that reads them on a driven clock."""

    def __init__(self, base):
        self.base, self.clock, self.requests = base, ManualClock(1_700_000_000.0), []
        self.body, self.status, self.kind = b"[]", 200, "application/json; charset=utf-8"
        self.telemetry = Telemetry("evaluator")
        self.manager = ScrapeManager(
            Head(retention_s=600), base=base, clock=self.clock, telemetry=ScrapeTelemetry(self.telemetry),
            on_arrival=lambda _: None,
        )  # fmt: skip
        self.url = ""

    async def answer(self, request):
        self.requests.append(request)
        return web.Response(body=self.body, status=self.status, headers={"Content-Type": self.kind})

    async def apply(self, **keys):
        sd = {"url": self.url, "refresh_interval": "30s", "authorization": {"credentials": "s3cret"}}
        await self.manager.apply([job(http_sd_configs=[sd], **keys)])

    async def next(self, condition, body=None, **keys):
        """Change the answer, let the interval pass, await what must come of it."""
        if body is not None:
            self.body = body if isinstance(body, bytes) else orjson.dumps(body)
        for name, value in keys.items():
            setattr(self, name, value)
        before = len(self.requests)
        while len(self.requests) == before:
            await self.clock.advance(30.1)
            await asyncio.sleep(0.002)
        await eventually(condition)

    @property
    def source(self):
        return self.manager._jobs["j"].lists[0]

    def urls(self):
        return [loop.target.url for loop in self.manager.loops]


@pytest.fixture
async def lists(stack, tmp_path):
    made = Lists(tmp_path)
    made.url = f"http://{await serve(stack, made.answer)}/targets"
    stack.push_async_callback(made.manager.close)
    return made


async def test_http_sd_names_targets_and_a_fault_keeps_the_last_good_list(lists):
    lists.body = orjson.dumps([{"targets": ["127.0.0.1:1"], "labels": {"env": "a", "__meta_rack": "r1"}}])
    await lists.apply(relabel_configs=[{"source_labels": ["__meta_url"], "target_label": "found_by"}])
    await eventually(lambda: lists.manager.loops)
    request = lists.requests[0]
    assert request.headers["X-Prometheus-Refresh-Interval-Seconds"] == "30"
    assert request.headers["Authorization"] == "Bearer s3cret"
    (loop,) = lists.manager.loops
    assert dict(loop.target.labels)["env"] == "a"
    assert dict(loop.target.labels)["found_by"] == lists.url
    good = lists.urls()
    for change, words in (
        ({"status": 500}, "HTTP status 500"),
        ({"status": 200, "kind": "text/html"}, "must send application/json"),
        ({"kind": "application/json", "body": b"{"}, "not JSON"),
        ({"body": [{"targets": ["http://x/y"]}]}, "is not host:port"),
        ({"body": [{"target": []}]}, "Extra inputs"),
    ):
        await lists.next(lambda words=words: words in lists.source.broken, **change)
        assert lists.urls() == good
    assert lists.telemetry.registry.get_sample_value(
        "tocsin_discovery_failures_total", {"job": "j", "reason": "format"}
    ) >= 4  # fmt: skip
    two = ["http://127.0.0.1:2/metrics", "http://127.0.0.1:3/metrics"]
    await lists.next(lambda: lists.urls() == two, [{"targets": ["127.0.0.1:2", "127.0.0.1:3"]}])
    assert lists.source.broken == ""
    await lists.next(lambda: lists.urls() == [], [])


async def test_a_changed_job_goes_on_with_the_list_it_had(lists):
    lists.body = orjson.dumps([{"targets": ["127.0.0.1:1"]}])
    await lists.apply()
    await eventually(lambda: lists.manager.loops)
    lists.status = 500
    await lists.apply(honor_labels=True)
    assert lists.urls() == ["http://127.0.0.1:1/metrics"]


async def test_more_targets_than_the_limit_are_not_scraped_at_all(stack, tmp_path):
    address = await serve(stack, page)
    lists = Lists(tmp_path)
    stack.push_async_callback(lists.manager.close)
    jobs = [job(target_limit=1, static_configs=[{"targets": [address, "127.0.0.1:1"]}])]
    await lists.manager.apply(jobs)
    for loop in lists.manager.loops:
        await loop.scrape(lists.clock.now())
        assert (loop.status.health, loop.status.last_error) == ("down", "target_limit exceeded (2 targets, limit 1)")
    await lists.manager.apply([job(target_limit=1, static_configs=[{"targets": [address]}])])
    (loop,) = lists.manager.loops
    await loop.scrape(lists.clock.now())
    assert loop.status.health == "up"


async def test_series_beyond_the_heads_limits_are_counted_and_named(stack, tmp_path):
    pages = ["a 1\nb 2\nc 3\nd 4\ne 5\nf 6\n"]

    async def one(_request):
        return web.Response(text=pages[-1])

    address = await serve(stack, one)
    telemetry = Telemetry("evaluator")
    head = Head(retention_s=600, max_series_per_target=5)
    manager = ScrapeManager(
        head, base=tmp_path, clock=SystemClock(), telemetry=ScrapeTelemetry(telemetry), on_arrival=lambda _: None
    )
    stack.push_async_callback(manager.close)
    await manager.apply([job(static_configs=[{"targets": [address]}])])
    (loop,) = manager.loops
    await loop.scrape(1_700_000_000.0)
    labels = {"job": "j", "target": f"http://{address}/metrics"}
    assert telemetry.registry.get_sample_value("tocsin_scrape_series_left_out", labels) == 1
    assert loop.status.left_out == 1
    assert head.stats().rejected == {"max_series_per_target": 1}
    pages.append("a 1\nb 2\n")
    await loop.scrape(1_700_000_005.0)
    assert telemetry.registry.get_sample_value("tocsin_scrape_series_left_out", labels) is None
    assert loop.status.left_out == 0
