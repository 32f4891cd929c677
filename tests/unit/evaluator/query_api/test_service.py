"""Queries of people: bounded in number and time, their faults as Prometheus names them."""

import asyncio
import json
import threading
from contextlib import AsyncExitStack

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.clock import SystemClock
from services.evaluator.config import QueryLimits
from services.evaluator.head import Head, Layout
from services.evaluator.promql import EvaluationError, Matcher
from services.evaluator.query_api.errors import error_answers
from services.evaluator.query_api.params import ApiError
from services.evaluator.query_api.service import Asked, QueryService

NOW = 1_700_000_000_000


@pytest.fixture
async def service():
    async with AsyncExitStack() as stack:

        def make(**limits):
            head = Head(retention_s=600)
            layout = Layout(tuple({"__name__": "m", "x": x} for x in "abc"))
            for number in range(4):
                head.target("t").append(NOW + number * 1000, layout, np.array([1.0, 2.0, 3.0]))
            return QueryService(stack, head, QueryLimits.model_validate(limits), SystemClock())

        yield make


async def test_an_answer_is_whole_json(service):
    body = json.loads(await service().instant("m", NOW + 3000, Asked(limit=2, stats=True)))
    assert (body["status"], body["data"]["resultType"], len(body["data"]["result"])) == ("success", "vector", 2)
    assert body["warnings"] == ["results truncated due to limit"]
    assert body["data"]["stats"]["samples"]["totalQueryableSamples"] == 3
    body = json.loads(await service().range("sum(m)", NOW, NOW + 3000, 1000, Asked(lookback=1.0)))
    assert [value for _, value in body["data"]["result"][0]["values"]] == ["6"] * 4


@pytest.mark.parametrize(
    ("query", "limits", "kind", "words"),
    [
        ("m(", {}, "bad_data", "parse error"),
        ("m * on () m", {}, "execution", "many-to-many"),
        ("m", {"max_samples": 2}, "execution", "more than 2 samples"),
        ("count_over_time((m + time())[1000d:1s])", {"timeout": "50ms"}, "timeout", "timed out"),
    ],
)
async def test_faults(service, query, limits, kind, words):
    with pytest.raises(ApiError, match=words) as caught:
        await service(**limits).instant(query, NOW + 3000, Asked())
    assert caught.value.kind == kind


async def test_one_too_many_waits_and_then_gives_up(service):
    made, hold = service(max_concurrency=1), threading.Event()
    first = asyncio.create_task(made._run(lambda _engine, _head: hold.wait(60), Asked()))
    await asyncio.sleep(0)
    with pytest.raises(ApiError, match="too many queries") as caught:
        await made.instant("m", NOW, Asked(timeout=0.05))
    assert caught.value.kind == "timeout"
    # Lists of labels don't stand in that queue.
    assert await made.work(lambda head: len(head.select([Matcher("__name__", "=", "m")], 0, NOW * 2)[0].labels)) == 3
    hold.set()
    assert await first
    assert json.loads(await made.instant("m", NOW, Asked()))["status"] == "success"


async def test_a_query_whose_client_went_keeps_its_slot_until_it_ends(service):
    made, hold = service(max_concurrency=1), threading.Event()
    begun = threading.Event()
    gone = asyncio.create_task(made._run(lambda _engine, _head: begun.set() or hold.wait(60), Asked()))
    assert await asyncio.to_thread(begun.wait, 60)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    with pytest.raises(ApiError, match="too many queries"):
        await made.instant("m", NOW, Asked(timeout=0.05))
    hold.set()
    assert json.loads(await made.instant("m", NOW, Asked()))["status"] == "success"


async def test_a_fault_while_listing_is_translated(service):
    def fail(_head):
        raise EvaluationError("no")

    with pytest.raises(ApiError) as caught:
        await service().work(fail)
    assert caught.value.kind == "execution"


@pytest.mark.parametrize(
    ("path", "status", "kind", "words"),
    [
        ("/api/v1/asked", 422, "execution", "so it is"),
        ("/api/v1/broken", 500, "internal", "ZeroDivisionError"),
        ("/api/v1/none", 404, "not_found", "/api/v1/none"),
    ],
)
async def test_whatever_goes_wrong_is_told_in_json(path, status, kind, words):
    async def asked(_request):
        raise ApiError("execution", "so it is")

    async def broken(_request):
        return web.Response(text=str(1 // 0))

    app = web.Application(middlewares=[error_answers])
    app.router.add_get("/api/v1/asked", asked)
    app.router.add_get("/api/v1/broken", broken)
    app.router.add_get("/other", broken)
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path)
        answer = await response.json()
        assert (response.status, answer["errorType"]) == (status, kind)
        assert words in answer["error"]
        # Other methods, and what does not belong to the API, are aiohttp's own affair.
        assert (await client.put("/api/v1/asked")).status == 405
        assert (await client.get("/other")).status == 500
        assert "Server got itself in trouble" in await (await client.get("/other")).text()
