"""Rules made by the API, from the form to an alert of the real evaluator, and back out of force."""

import time

import pytest
import yaml

from services.common.metric_history import DAY, LEVELS
from tests.fixtures.waiting import until
from tests.integration.api.conftest import _add_users

pytestmark = pytest.mark.integration
BASE = "/api/admin/monitoring/rules"
FILE_RULES = """
groups:
  - name: stack
    interval: 1s
    rules:
      - alert: FromAFile
        expr: vector(5) > 10
        labels: {severity: warning}
"""
ALWAYS = {"name": "Always", "expr": "vector(7) > 3", "interval_seconds": 1, "summary": "Seven is {{ $value }}"}


@pytest.fixture
async def ruled(stand):
    """An API with a real evaluator beside it."""
    await _add_users(stand)
    await stand.start_evaluator(FILE_RULES)
    await stand.start()
    await until(lambda: stand.running.ready() == "" and stand.context.overview.rules is not None)
    return stand


async def _in_force(page):
    groups = (await page.get(BASE))[1]["groups"]
    return {rule["name"]: rule["id"] for group in groups for rule in group["rules"]}


async def _firing(page):
    return [alert["name"] for alert in (await page.get("/api/admin/monitoring/alerts/active"))[1]["alerts"]]


async def test_a_rule_is_made_fires_is_disabled_and_deleted(ruled):
    page = await ruled.log_in("operator")
    status, made = await page.post(BASE, {**ALWAYS, "channels": ["slack", "email"], "labels": {"team": "a"}})
    assert status == 201, made
    assert (made["version"], made["expr"], made["created_by"]) == (1, "vector(7) > 3", "operator")

    async def fires():
        return await _firing(page) == ["Always"]

    await until(fires)
    alert = (await page.get("/api/admin/monitoring/alerts/active"))[1]["alerts"][0]
    assert alert["summary"] == "Seven is 7"
    assert {key: alert["labels"][key] for key in ("channels", "team")} == {"channels": "slack,email", "team": "a"}

    async def listed():
        return (await _in_force(page)).get("Always") == made["id"]

    await until(listed)
    # What it compares, for "why is it not firing?"
    status, chart = await page.get(f"{BASE}/{made['id']}/chart")
    assert (status, chart["series"][0]["points"][-1][1]) == (200, 7.0)
    assert [(one["op"], one["value"]) for one in chart["thresholds"]] == [(">", 3.0)]
    status, exported = await page.get(f"{BASE}/export")
    assert yaml.safe_load(exported)["groups"][0]["rules"][0]["alert"] == "Always"
    status, changed = await page.put(f"{BASE}/{made['id']}", {**ALWAYS, "enabled": False, "version": 1})
    assert (status, changed["version"], changed["rule"]["enabled"]) == (200, 2, False)

    async def quiet():
        return await _firing(page) == [] and "Always" not in await _in_force(page)

    await until(quiet)
    status, old = await page.put(f"{BASE}/{made['id']}", {**ALWAYS, "version": 1})
    assert (status, old["type"]) == (409, "/problems/other-version")
    assert "operator" in old["detail"]
    assert (await page.delete(f"{BASE}/{made['id']}"))[0] == 204
    assert (await page.delete(f"{BASE}/{made['id']}"))[0] == 404
    assert (await page.get(f"{BASE}/made"))[1]["rules"] == []
    versions = await ruled.sql("SELECT version, action, by FROM api_rule_versions ORDER BY version")
    assert [tuple(row) for row in versions] == [
        (1, "created", "operator"),
        (2, "changed", "operator"),
        (3, "deleted", "operator"),
    ]
    audit = await ruled.sql("SELECT action, target FROM audit_log WHERE action LIKE 'rule%' ORDER BY id")
    assert [tuple(row) for row in audit] == [
        ("rule_created", "Always"),
        ("rule_changed", "Always"),
        ("rule_deleted", "Always"),
    ]
    # The name is free again.
    assert (await page.post(BASE, ALWAYS))[0] == 201


async def test_rules_of_files_are_read_only_and_named(ruled):
    page = await ruled.log_in("operator")
    rule_id = (await _in_force(page))["FromAFile"]
    assert rule_id.startswith("file-")
    for ask in (page.put(f"{BASE}/{rule_id}", {**ALWAYS, "version": 1}), page.delete(f"{BASE}/{rule_id}")):
        status, problem = await ask
        assert (status, problem["type"]) == (409, "/problems/rule-of-a-file")
        assert "stack.yml:6" in problem["detail"]
    status, run = await page.post(f"{BASE}/{rule_id}/test", {"hours": 1})
    assert (status, run["count"]) == (200, 0)
    status, chart = await page.get(f"{BASE}/{rule_id}/chart")
    assert (status, chart["expr"]) == (200, "vector(5)")


async def test_the_evaluator_checks_a_rule_before_it_is_kept(ruled):
    page = await ruled.log_in("operator")
    status, problem = await page.post(BASE, {**ALWAYS, "expr": "sum(("})
    assert (status, problem["type"]) == (400, "/problems/rule-refused")
    assert "parse" in problem["detail"]
    status, problem = await page.post(BASE, {**ALWAYS, "summary": "{{ $value"})
    assert (status, problem["type"]) == (400, "/problems/rule-refused")
    status, problem = await page.post(BASE, {**ALWAYS, "expr": "rate(x[5m]"})
    assert status == 400
    assert (await page.get(f"{BASE}/made"))[1]["rules"] == []
    await page.post(BASE, ALWAYS)
    status, problem = await page.post(BASE, ALWAYS)
    assert (status, problem["type"]) == (409, "/problems/name-taken")


async def test_a_preview_shows_what_is_wrong_and_when_it_would_have_fired(ruled):
    page = await ruled.log_in("viewer")
    status, seen = await page.post(f"{BASE}/preview", {"rule": {**ALWAYS, "for_seconds": 60}, "hours": 1})
    assert (status, seen["dry_run"]["count"]) == (200, 1)
    assert seen["dry_run"]["firings"][0]["ends_at"] is None
    assert yaml.safe_load(seen["yaml"])["groups"][0]["rules"][0]["for"] == "60s"
    form = {"metric": "up", "labels": [{"name": "job", "op": "=", "value": 'a"b'}], "op": "<", "threshold": 1}
    status, seen = await page.post(f"{BASE}/preview", {"rule": {"name": "Down", "form": form}})
    assert (seen["expr"], seen["dry_run"]["count"]) == ('up{job="a\\"b"} < 1', 0)
    status, seen = await page.post(f"{BASE}/preview", {"rule": {**ALWAYS, "expr": "sum(("}})
    assert status == 200
    assert seen["dry_run"] is None
    assert [one["severity"] for one in seen["problems"]] == ["error"]


async def test_what_is_no_rule_is_refused(ruled):
    page = await ruled.log_in("operator")
    for changes in [
        {"name": "no name"},
        {"expr": None},
        {"expr": "  "},
        {"form": {"metric": "up", "labels": [], "op": "<", "threshold": 1}},
        {"labels": {"severity": "x"}},
        {"labels": {"bad-label": "x"}},
        {"channels": ["not one"]},
        {"severity": "page"},
        {"interval_seconds": 0},
    ]:
        assert (await page.post(BASE, {**ALWAYS, **changes}))[0] == 400, changes


async def test_without_the_evaluator_nothing_unchecked_is_kept(api):
    page = await api.log_in("operator")
    await api.evaluator.stop()
    status, problem = await page.post(BASE, ALWAYS)
    assert (status, problem["type"]) == (503, "/problems/evaluator-away")
    assert await api.sql("SELECT 1 FROM api_rules") == []
    assert (await page.get(f"{BASE}/none"))[0] == 404


async def test_a_dry_run_goes_as_far_back_as_the_history(stand):
    await _add_users(stand)
    await stand.start_evaluator(FILE_RULES, history=True)
    await stand.start()
    page = await stand.log_in("viewer")
    end = time.time() // 60 * 60
    # Far beyond what the head keeps: above 100 for ten minutes each six hours.
    await _record_history(stand, "tocsin:celery_queue_length", end)
    form = {"metric": "tocsin:celery_queue_length", "labels": [], "op": ">", "threshold": 100}
    rule = {"name": "Long", "form": form}
    status, seen = await page.post(f"{BASE}/preview", {"rule": {**rule, "for_seconds": 300}, "hours": 24})
    assert status == 200, seen
    run = seen["dry_run"]
    assert (run["recorded"], run["step"], run["count"]) == (True, 15, 4)
    lasted = [one["ends_at"] - one["starts_at"] for one in run["firings"]]
    # Ten minutes of which five are awaited; how long a sample stands is the lookback's five minutes at most.
    assert all(300 - 15 <= seconds <= 600 for seconds in lasted), lasted
    assert max(len(series["points"]) for series in run["series"]) <= 1000
    _, week = await page.post(f"{BASE}/preview", {"rule": {**rule, "for_seconds": 300}, "hours": 168})
    assert (week["dry_run"]["recorded"], week["dry_run"]["count"]) == (True, 4)
    # What nobody records is judged by what the evaluator holds.
    _, other = await page.post(f"{BASE}/preview", {"rule": {**ALWAYS, "expr": "vector(7) > 3"}, "hours": 24})
    assert other["dry_run"]["recorded"] is False


async def _record_history(stand, metric, end):
    [(series,)] = await stand.sql(
        "INSERT INTO metric_series (digest, metric, labels, last_at)"
        " VALUES (decode(md5($1), 'hex'), $1, '{}', now()) RETURNING series_id",
        metric,
    )
    for level in LEVELS[:2]:
        for start in level.starts(end - DAY, end):
            await stand.sql(
                f"CREATE TABLE IF NOT EXISTS {level.partition(start)} PARTITION OF {level.table}"
                f" FOR VALUES FROM (to_timestamp({start * DAY})) TO (to_timestamp({(start + level.days) * DAY}))"
            )
        columns, values = (
            ("", "v") if level.seconds == 0 else (", min, max, total, count, last, last_at", "v, v, v, 1, v, at")
        )
        step = f"interval '{level.seconds or 15} s'"
        await stand.sql(
            f"INSERT INTO {level.table} (series_id, at{columns or ', value'}) SELECT $3::int, at, {values}"  # noqa: S608 - the tables are ours
            f" FROM generate_series(to_timestamp($1) + interval '1 minute', to_timestamp($2), {step}) AS at,"
            " LATERAL (SELECT CASE WHEN extract(epoch FROM to_timestamp($2) - at)::int % 21600 BETWEEN 3600 AND 4200"
            " THEN 200 ELSE 50 END::float8 AS v) AS made",
            end - DAY,
            end,
            series,
        )


async def test_the_editor_learns_what_an_expression_can_be_made_of(ruled):
    page = await ruled.log_in("viewer")

    status, words = await page.get(f"{BASE}/vocabulary")
    assert status == 200, words
    rate = next(one for one in words["functions"] if one["name"] == "rate")
    assert (rate["signature"], bool(rate["doc"])) == ("rate(v range-vector)", True)
    assert {"sum", "topk"} <= set(words["aggregations"])
    status, made = await (await ruled.log_in("operator")).post(BASE, {**ALWAYS, "labels": {"team": 'a"b'}})
    assert status == 201, made

    async def labelled():
        return (await page.get(f"{BASE}/vocabulary/labels?metric=ALERTS"))[1]["labels"].get("team") == ['a"b']

    await until(labelled)
    assert "ALERTS" in (await page.get(f"{BASE}/vocabulary"))[1]["metrics"]
    assert (await page.get(f"{BASE}/vocabulary/labels?metric=no%22such"))[1] == {"labels": {}}
    assert (await page.get(f"{BASE}/vocabulary/labels"))[0] == 400
