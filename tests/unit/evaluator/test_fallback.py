"""What the evaluator posts to notifiers while Redis is away, and how it tells what failed."""

from contextlib import AsyncExitStack

import aiohttp
import pytest
from aiohttp import web

from services.common.events import AlertEvent
from services.evaluator.fallback import Fallback, rfc3339
from tests.fixtures.scraped import serve


def event(number=1, **keys):
    return AlertEvent.model_validate({
        "fingerprint": f"{number:016x}", "status": "firing", "labels": {"alertname": "A", "n": str(number)},
        "annotations": {"summary": "s"}, "value": 1.0, "active_at": 1.0, "starts_at": 2.0, "ends_at": 300.0,
        "sent_at": 3.0, "rule": {"name": "A", "group": "g", "file": "r.yml"}, **keys,
    })  # fmt: skip


class Hung:
    """A session whose requests never come back in time."""

    def post(self, *_args, **_keys):
        raise TimeoutError


@pytest.fixture
async def notifiers():
    async with AsyncExitStack() as stack:
        taken = []

        async def good(request):
            taken.extend(await request.json())
            return web.Response()

        async def bad(_request):
            return web.Response(status=503)

        urls = [f"http://{await serve(stack, one)}" for one in (good, bad)]
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield session, urls, taken


async def test_each_notifier_gets_all_and_what_fails_is_named(notifiers):
    session, (good, bad), taken = notifiers
    fallback = Fallback(session, [f"{good}/", bad, "http://127.0.0.1:1"], {"Authorization": "Bearer t"})
    failures = await fallback.post([event(number) for number in range(3)])
    assert failures == {f"{bad}/api/v2/alerts": "status_5xx", "http://127.0.0.1:1/api/v2/alerts": "unreachable"}
    assert [one["labels"]["n"] for one in taken] == ["0", "1", "2"]
    assert taken[0]["startsAt"] == "1970-01-01T00:00:02.000Z"
    assert AlertEvent.model_validate(taken[0]["tocsin"]) == event(0)


async def test_nothing_is_posted_where_there_is_nothing(notifiers):
    session, urls, taken = notifiers
    assert await Fallback(session, urls, {}).post([]) == {}
    assert taken == []


async def test_one_that_hangs():
    assert await Fallback(Hung(), ["http://h"], {}).post([event()]) == {"http://h/api/v2/alerts": "timeout"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1.0006, "1970-01-01T00:00:01.001Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
    ],
)
def test_times(seconds, text):
    assert rfc3339(seconds) == text
