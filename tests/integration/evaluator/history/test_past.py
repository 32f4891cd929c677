"""Questions that reach beyond the head: PromQL over what was recorded."""

import json
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest

from services.common.config import Shared
from services.common.metric_history import DAY
from services.evaluator.config import QueryLimits
from services.evaluator.head import Head, Layout
from services.evaluator.history import past as past_module
from services.evaluator.history.config import HistoryConfig
from services.evaluator.history.open import open_past
from services.evaluator.query_api.params import ApiError
from services.evaluator.query_api.service import Asked, QueryService
from tests.integration.evaluator.history.conftest import NOON

pytestmark = pytest.mark.integration
PAST = Asked(past=True)


@pytest.fixture
async def asked(history):
    """Ask PromQL of a head that knows one series now, and of what a writer has recorded."""
    async with AsyncExitStack() as stack:
        dsn = history.dsn.replace(str(urlsplit(history.dsn).port), str(history.postgres.port))
        shared = Shared.model_validate({"data_dir": history.data, "postgres": {"dsn": dsn}})
        head = Head(retention_s=600)
        head.target("t").append(round(NOON * 1000), Layout(({"__name__": "scraped"},)), np.array([7.0]))
        past = open_past(stack, HistoryConfig(), shared)
        service = QueryService(stack, head, QueryLimits(), history.clock, past)

        async def ask(query, start, end, step, how=PAST):
            body = await service.range(query, round(start * 1000), round(end * 1000), step * 1000, how)
            return {
                one["metric"].get("queue", ""): [(at - NOON, float(value)) for at, value in one["values"]]
                for one in json.loads(body)["data"]["result"]
            }

        yield ask


async def _record(history, rows):
    writer = await history.start()
    for at, value, labels in rows:
        writer.offer(NOON + at, value, **labels)
    await writer.writer.flush()
    await writer.stop()


async def test_samples_of_a_day_are_read_one_by_one(history, asked):
    rows = [(at - 7200, float(at), {"queue": name}) for name in "ab" for at in range(0, 600, 15)]
    await _record(history, rows)
    found = await asked('sum by (queue) (tocsin:queue{queue=~"a|b"}) > 500', NOON - 7200, NOON - 6600, 15)
    assert found == {name: [(at - 7200, float(at)) for at in range(510, 600, 15)] + [(-6600, 585.0)] for name in "ab"}
    assert await asked('rate(tocsin:queue{queue="a"}[1m])', NOON - 7000, NOON - 6985, 15) == {
        "a": [(-7000, pytest.approx(1)), (-6985, pytest.approx(1))]
    }
    assert await asked("tocsin:queue", NOON - 7200, NOON - 6600, 15, Asked()) == {}


async def test_days_are_read_by_the_last_value_of_each_minute(history, asked):
    await _record(history, [(at - 2 * DAY, float(at), {}) for at in range(0, 300, 10)])
    found = await asked("tocsin:queue", NOON - 2 * DAY, NOON - 60, 60)
    points = dict(found[""])
    assert points[-2 * DAY + 60] == 50.0
    assert points[-2 * DAY + 120] == 110.0


async def test_what_is_not_recorded_comes_from_the_head(history, asked):
    assert await asked("scraped", NOON - 60, NOON, 60) == {"": [(0.0, 7.0)]}


async def test_too_many_series_are_refused(history, asked, monkeypatch):
    monkeypatch.setattr(past_module, "MOST_SERIES", 1)
    await _record(history, [(-60, 1.0, {"queue": name}) for name in "ab"])
    with pytest.raises(ApiError, match="2 recorded series are asked for, 1 are read at most"):
        await asked("tocsin:queue", NOON - 60, NOON, 60)


async def test_a_postgres_that_is_away_is_named(history, asked):
    await history.postgres.cut()
    with pytest.raises(ApiError, match="the history can't be read: Postgres is away"):
        await asked("tocsin:queue", NOON - 60, NOON, 60)


def test_without_a_history_there_is_no_past(tmp_path):
    shared = Shared.model_validate({"data_dir": tmp_path})
    assert open_past(None, HistoryConfig(), shared) is None
