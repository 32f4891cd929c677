"""The past of metrics out of a real Postgres with 30 days of generated roll-ups."""

import csv
import io
import time

import pytest

from services.common.metric_history import DAY, LEVELS
from tests.integration.api.test_alerts import fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
NAMES, HISTORY = "/api/admin/monitoring/metrics/names", "/api/admin/monitoring/metrics/history"
TRENDS, DEPLOYMENTS = "/api/admin/monitoring/performance/trends", "/api/admin/monitoring/deployments"
QUEUE = "tocsin:celery_queue_length"
_KEPT = {"samples": 7, "minute": 31, "five_minutes": 92, "hour": 400}


async def _fill(stand, metric, days=31, **labels):
    """A value of 10 that is 20 in the last day, as each level would hold it; the extremes are 3 off."""
    [(series,)] = await stand.sql(
        "INSERT INTO metric_series (digest, metric, labels, last_at)"
        " VALUES (decode(md5($1 || $2), 'hex'), $1, $2::jsonb, now()) RETURNING series_id",
        metric,
        str(labels).replace("'", '"'),
    )
    now = time.time() // 3600 * 3600
    for level in LEVELS:
        first = now - min(days, _KEPT[level.key]) * DAY
        for start in level.starts(first, now + DAY):
            await stand.sql(
                f"CREATE TABLE IF NOT EXISTS {level.partition(start)} PARTITION OF {level.table}"
                f" FOR VALUES FROM (to_timestamp({start * DAY})) TO (to_timestamp({(start + level.days) * DAY}))"
            )
        value = "CASE WHEN at > to_timestamp($2) - interval '1 day' THEN 20 ELSE 10 END"
        columns = (
            "series_id, at, value" if level.seconds == 0 else "series_id, at, min, max, total, count, last, last_at"
        )
        values = "v" if level.seconds == 0 else "v - 3, v + 3, v * 4, 4, v, at"
        await stand.sql(
            f"INSERT INTO {level.table} ({columns}) SELECT $3::int, at, {values}"  # noqa: S608 - the tables are ours
            f" FROM generate_series(to_timestamp($1), to_timestamp($2), interval '{level.seconds or 15} s') AS at,"
            f" LATERAL (SELECT ({value})::float8 AS v) AS made",
            first,
            now,
            series,
        )
    return now


async def test_every_period_comes_in_at_most_500_points(api):
    now = await _fill(api, QUEUE, queue="celery")
    page = await api.log_in("viewer")
    for period, level, step in (
        ("1h", "samples", 15), ("6h", "minute", 60), ("24h", "five_minutes", 300), ("7d", "five_minutes", 1800),
        ("30d", "hour", 7200),
    ):  # fmt: skip
        status, body = await page.get(HISTORY, params={"metric": "celery_queue", "period": period, "to": now})
        assert status == 200, body
        assert (body["level"], body["step"]) == (level, step)
        [series] = body["series"]
        assert series["labels"] == {"queue": "celery"}
        expected = (body["end"] - body["start"]) / step
        assert expected - 2 <= len(series["points"]) <= 500
        spread = 0 if level == "samples" else 3
        assert series["points"][-2][1:] == [20, 20 - spread, 20 + spread]
    assert series["points"][0][1:] == [10, 7, 13]
    assert body["metric"] == QUEUE
    assert body["unit"] == "count"


async def test_a_part_of_the_past_by_its_ends(api):
    now = await _fill(api, QUEUE, days=60)
    page = await api.log_in("viewer")
    asked = {"metric": QUEUE, "from": now - 50 * DAY, "to": now - 50 * DAY + 3600}
    _, body = await page.get(HISTORY, params=asked)
    # Samples and minutes of that time are gone.
    assert (body["level"], body["step"], len(body["series"][0]["points"])) == ("five_minutes", 300, 12)


async def test_labels_choose_and_too_many_series_are_said_to_be(api):
    for number in range(22):
        await _fill(api, "tocsin:many", days=1, n=str(number))
    page = await api.log_in("viewer")
    _, body = await page.get(HISTORY, params={"metric": "tocsin:many"})
    assert (len(body["series"]), body["truncated"]) == (20, True)
    _, body = await page.get(HISTORY, params={"metric": "tocsin:many", "labels": "n=7"})
    assert [series["labels"] for series in body["series"]] == [{"n": "7"}]
    assert not body["truncated"]


async def test_names_are_panels_first_then_the_rest(api):
    await _fill(api, "tocsin:own_thing_seconds", days=1)
    page = await api.log_in("viewer")
    _, body = await page.get(NAMES)
    names = [metric["metric"] for metric in body["metrics"]]
    assert names[-1] == "tocsin:own_thing_seconds"
    assert QUEUE in names[:-1]
    assert body["metrics"][-1]["last_at"] is not None
    assert {metric["last_at"] for metric in body["metrics"][:-1]} == {None}


async def test_an_unknown_name_is_told_from_one_without_values(api):
    page = await api.log_in("viewer")
    status, body = await page.get(HISTORY, params={"metric": "tocsin:nothing"})
    assert (status, body["type"]) == (404, "/problems/unknown-metric")
    status, body = await page.get(HISTORY, params={"metric": "celery_queue"})
    assert (status, body["series"]) == (200, [])
    status, body = await page.get(TRENDS, params={"metrics": "celery_queue,tocsin:nothing"})
    assert (status, body["type"]) == (404, "/problems/unknown-metric")


async def test_questions_that_are_none_are_refused(api):
    page = await api.log_in("viewer")
    for query in [
        {},
        {"metric": ""},
        {"metric": "x", "period": "1"},
        {"metric": "celery_queue", "to": "30"},
        {"metric": "celery_queue", "from": "32000000000"},
        {"metric": "celery_queue", "from": "0"},
    ]:
        status, body = await page.get(HISTORY, params=query)
        assert (status, body["type"]) == (400, "/problems/invalid-request"), body
        assert body["mend"], query


async def test_an_answer_is_cached_for_a_moment_and_then_asked_by_its_tag(api):
    now = await _fill(api, QUEUE)
    page = await api.log_in("viewer")
    query = {"metric": QUEUE, "to": now}
    async with page.http.get(HISTORY, params=query) as answer:
        tag = answer.headers["ETag"]
        assert answer.headers["Cache-Control"] == "private, max-age=10"
    async with page.http.get(HISTORY, params=query, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


async def test_trends_have_figures_the_week_before_and_what_happened(api):
    now = await _fill(api, QUEUE, queue="celery")
    await _fill(api, "tocsin:redis_hit_ratio")
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    await api.recorded(1)
    operator = await api.log_in("operator")
    deployed = {"component": "fastapi", "version": "2.4.1", "at": now - 60, "link": "https://ci.example/7"}
    status, made = await operator.post(DEPLOYMENTS, deployed)
    assert (status, made["by"]) == (201, "operator")
    assert (await operator.post(DEPLOYMENTS, deployed))[1]["id"] == made["id"]
    page = await api.log_in("viewer")
    asked = {"metrics": f"celery_queue,{QUEUE},cache_hit_rate", "from": now - DAY, "to": time.time(), "compare": "week"}
    status, body = await page.get(TRENDS, params=asked)
    assert status == 200, body
    assert [metric["key"] for metric in body["metrics"]] == ["celery_queue", "cache_hit_rate"]
    [series] = body["metrics"][0]["series"]
    assert series["stats"]["p95"] == 20
    assert (series["stats"]["min"], series["stats"]["max"], series["stats"]["last"]) == (7, 23, 20)
    assert len(series["compared"]) >= len(series["points"]) - 2
    assert {point[1] for point in series["compared"]} == {10}
    assert {point[0] for point in series["points"][1:-1]} <= {point[0] for point in series["compared"]}
    assert series["change"] == pytest.approx(1.0, abs=0.01)
    assert body["metrics"][0]["thresholds"][0]["rule"] == "CeleryQueueBacklog"
    kinds = [(marker["kind"], marker["component"], marker["link"]) for marker in body["markers"]]
    assert ("deployment", "fastapi", "https://ci.example/7") in kinds
    assert ("alert", "celery", f"/alerts/{alert.alert_id}") in kinds
    _, listed = await page.get(DEPLOYMENTS)
    assert [one["version"] for one in listed["deployments"]] == ["2.4.1"]
    audit = await api.sql("SELECT actor, target FROM audit_log WHERE action = 'deployment_recorded'")
    assert {tuple(row) for row in audit} == {("operator", "fastapi 2.4.1")}


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
async def test_trends_as_csv(api, how):
    now = await _fill(api, QUEUE, days=8, queue="celery")
    page = await api.log_in("viewer")
    query = {"metrics": "celery_queue", "to": now, "compare": "week", **how.get("params", {})}
    async with page.http.get(TRENDS, params=query, headers=how.get("headers")) as answer:
        assert answer.content_type == "text/csv"
        assert "attachment" in answer.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert len(rows) >= 239
    assert (rows[5]["labels"], rows[5]["avg"], rows[5]["metric"]) == ("queue=celery", "20.0", QUEUE)


async def test_postgres_away_is_a_problem_that_says_so(api):
    page = await api.log_in("viewer")
    await api.postgres.cut()
    status, body = await page.get(HISTORY, params={"metric": "celery_queue"})
    assert (status, body["type"]) == (503, "/problems/storage-away")
    await api.postgres.mend()
    assert (await page.get(HISTORY, params={"metric": "celery_queue"}))[0] == 200


async def test_thirty_days_of_several_metrics_with_the_week_before(api, record_property):
    for number in range(4):
        await _fill(api, QUEUE, queue=str(number))
        await _fill(api, "tocsin:redis_hit_ratio", node=str(number))
    page = await api.log_in("viewer")
    asked = {"metrics": f"{QUEUE},cache_hit_rate", "period": "30d", "compare": "week"}
    began = time.perf_counter()
    status, body = await page.get(TRENDS, params=asked)
    # On record, not asserted: the machine may be busy.
    record_property("seconds", time.perf_counter() - began)
    assert (status, body["level"], body["stats_step"]) == (200, "hour", 3600)
    began = time.perf_counter()
    assert (await page.get(HISTORY, params={"metric": QUEUE, "period": "30d"}))[0] == 200
    record_property("seconds_of_one_metric", time.perf_counter() - began)
