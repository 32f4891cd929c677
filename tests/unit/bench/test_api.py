"""What the benchmark of the API fills in, asks and prints."""

import io
import json
import random
import struct

import asyncpg
import numpy as np
import pytest
from rich.console import Console

from bench.api import record
from bench.api.figures import Figures, Latency, Single
from bench.api.requests import questions
from bench.api.rows import Stretch
from services.api.alerts.model import HistoryQuery
from services.api.alerts.record import AlertRecord
from services.api.trends.model import TrendsOf
from services.api.trends.read import read_trends
from services.api.trends.store import TrendStore
from services.common.storage import Database

NOW = 1_700_000_000.0


def test_rows_are_in_the_form_that_copy_reads():
    text = b"".join(Stretch(946_684_800, 946_684_810, 5, rolled_up=False).rows(np.array([7, 8], np.int32)))
    assert text.startswith(b"PGCOPY\n\xff\r\n\0")
    assert text.endswith(b"\xff\xff")
    rows = [struct.unpack_from(">hiiiqid", text, 19 + 34 * number) for number in range(4)]
    assert [(fields, series, at) for fields, _, series, _, at, _, _ in rows] == [
        (3, 7, 0), (3, 8, 0), (3, 7, 5_000_000), (3, 8, 5_000_000),
    ]  # fmt: skip
    assert len(text) == 19 + 4 * 34 + 2


@pytest.mark.integration
async def test_what_is_filled_in_answers_as_what_was_recorded(postgres_dsn, monkeypatch):
    monkeypatch.setattr(record, "KEPT_DAYS", dict.fromkeys(record.KEPT_DAYS, 1))
    console = Console(file=io.StringIO())
    assert await record.fill(postgres_dsn, record.Size(alerts=300, series=7), NOW, console) == 7 * (1440 + 288 + 24)
    database = Database(postgres_dsn, name="test")
    try:
        query = TrendsOf.model_validate({"metrics": "shop:single_0,shop:metric_0", "period": "6h"})
        trends = await read_trends(TrendStore(database), query, NOW // 3600 * 3600, {})
        assert [len(metric.series) for metric in trends.metrics] == [1, 5]
        assert {len(series.points) for metric in trends.metrics for series in metric.series} == {360}
        alerts, cursor = await AlertRecord(database).page(HistoryQuery(limit=200))
        assert (len(alerts), cursor is not None) == (200, True)
        assert {alert.notifications for alert in alerts} == {1}
    finally:
        await database.close()
    connection = await asyncpg.connect(postgres_dsn)
    indexed = await connection.fetchval(
        "SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid::regclass::text ~ 'metric_'"
    )
    await connection.close()
    assert indexed


def test_questions_vary_and_are_as_the_api_takes_them():
    asked = questions(60, NOW)
    assert len({question.name for question in asked}) == len(asked) == 17
    for question in asked:
        chance = random.Random(1)  # noqa: S311 - any will do
        assert "://" not in question.make(chance)
        if "text" in question.name:
            assert question.make(chance) != question.make(chance)


def test_figures_are_judged_shown_and_written(tmp_path):
    figures = Figures(
        "t", [Latency("slow", 5, 400, 100, 300, 200), Latency("free", 5, 1, 1, 1)], [Single("s", 1, "s", 2)]
    )
    figures.spread("late", [0.1, 0.2, 9.0], 1.0)
    console = Console(file=io.StringIO(), width=150)
    figures.show(console)
    assert "no peer" in console.file.getvalue()
    figures.write(tmp_path / "f.json")
    written = json.loads((tmp_path / "f.json").read_text())
    assert [one["met"] for one in written["questions"]] == [False, None]
    assert [(one["name"], one["met"]) for one in written["figures"]] == [
        ("s", True), ("late, p50", None), ("late, p95", False), ("late, longest of 3", None),
    ]  # fmt: skip
