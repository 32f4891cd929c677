"""What people do about alerts beside taking one on: many at once, giving back, comments, verdicts, filters, charts."""

import pytest

from tests.fixtures.waiting import until
from tests.integration.api.test_alerts import BASE, _actions, _shown, fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration


async def _fire(api, *events):
    page = await api.log_in("operator")
    await api.publish(*events)
    await api.recorded(len(events))

    async def there():
        return len((await page.get(f"{BASE}/active"))[1]["alerts"]) == len(events)

    await until(there)
    return page


async def test_many_are_taken_on_at_once_and_those_that_cannot_be_are_named(api):
    slow, down, over = fresh(), fresh(scenario.celery_down), fresh(scenario.event, "Over")
    page = await _fire(api, slow, down, over)
    await api.publish(scenario.resolved(over, after=1))
    await _shown(page, "CeleryDown", "ApiSlow")
    await page.post(f"{BASE}/{slow.alert_id}/acknowledge", {"comment": "first"})
    ids = [slow.alert_id, down.alert_id, down.alert_id, over.alert_id, "unknown"]
    status, done = await page.post(f"{BASE}/acknowledge", {"ids": ids, "comment": "all mine"})
    assert status == 200
    assert {one["id"]: one["acknowledged"]["comment"] for one in done["alerts"]} == {
        slow.alert_id: "first",
        down.alert_id: "all mine",
    }
    assert {one["id"]: one["reason"] for one in done["refused"]} == {
        over.alert_id: "already-resolved",
        "unknown": "unknown-alert",
    }
    # One action each, none twice.
    assert sorted(action.alert_id for action in await _actions(api)) == sorted([slow.alert_id, down.alert_id])
    assert (await page.post(f"{BASE}/acknowledge", {"ids": ids}))[0] == 200
    assert len(await _actions(api)) == 2
    rows = await api.sql("SELECT actor, action, target FROM audit_log WHERE action_id IS NOT NULL ORDER BY at")
    assert {tuple(row) for row in rows} == {("operator", "acknowledge", one.alert_id) for one in (slow, down)}


async def test_bad_lists_of_ids_are_refused(api):
    page = await api.log_in("operator")
    for ids in [[], ["x"] * 501, ["x" * 201], "x"]:
        assert (await page.post(f"{BASE}/acknowledge", {"ids": ids}))[0] == 400, ids


async def test_an_alert_is_given_back_and_taken_on_again(api):
    slow = fresh()
    page = await _fire(api, slow)
    path = f"{BASE}/{slow.alert_id}"
    status, alert = await page.post(f"{path}/unacknowledge")
    assert (status, alert["acknowledged"]) == (200, None)
    assert await _actions(api) == []
    await page.post(f"{path}/acknowledge", {"comment": "mine"})
    status, alert = await page.post(f"{path}/unacknowledge", {"comment": "not mine after all"})
    assert (status, alert["acknowledged"]) == (200, None)
    status, alert = await page.post(f"{path}/acknowledge", {"comment": "mine again"})
    assert alert["acknowledged"]["comment"] == "mine again"
    kinds = [action.kind for action in await _actions(api)]
    assert kinds == ["acknowledge", "unacknowledge", "acknowledge"]
    timeline = (await page.get(path))[1]["timeline"]
    assert [one["kind"] for one in timeline if one["by"]] == ["acknowledged", "unacknowledged", "acknowledged"]
    assert (await page.post(f"{BASE}/none/unacknowledge"))[0] == 404


async def test_comments_and_verdicts_are_part_of_the_story(api):
    slow = fresh()
    page = await _fire(api, slow)
    path = f"{BASE}/{slow.alert_id}"
    status, alert = await page.post(f"{path}/comments", {"text": "  Looked at the slow query log.  "})
    assert status == 200
    assert (alert["timeline"][-1]["kind"], alert["timeline"][-1]["text"]) == (
        "comment",
        "Looked at the slow query log.",
    )
    assert alert["verdict"] is None
    await page.post(f"{path}/verdict", {"verdict": "noise"})
    status, alert = await page.post(f"{path}/verdict", {"verdict": "true_alarm"})
    assert (alert["verdict"]["verdict"], alert["verdict"]["by"]) == ("true_alarm", "operator")
    assert [one["text"] for one in alert["timeline"] if one["kind"] == "verdict"] == ["noise", "true_alarm"]
    row = (await api.sql("SELECT verdict, verdict_by FROM alert_history"))[0]
    assert tuple(row) == ("true_alarm", "operator")
    # A later event of the same episode leaves it as it is.
    await api.publish(scenario.resolved(slow, after=1))
    await _shown(page)
    assert (await page.get(path))[1]["verdict"]["verdict"] == "true_alarm"

    async def ended():
        (told,) = (await page.get(f"{BASE}/history"))[1]["alerts"]
        became = [told[key] for key in ("attempts", "comments", "verdict", "auto_resolved")]
        return became == [0, 1, "true_alarm", True]

    await until(ended)
    audit = await api.sql("SELECT action FROM audit_log WHERE target = $1 ORDER BY id", slow.alert_id)
    assert [row[0] for row in audit] == ["comment", "verdict", "verdict"]


async def test_bad_notes_are_refused(api):
    page = await api.log_in("operator")
    for path, body, status in [
        ("comments", {"text": "   "}, 400),
        ("comments", {"text": ""}, 400),
        ("comments", {"text": "a\u0000"}, 400),
        ("comments", {"text": "a" * 2001}, 400),
        ("comments", {"text": "good"}, 404),
        ("verdict", {"verdict": "boring"}, 400),
        ("verdict", {"verdict": "noise"}, 404),
    ]:
        assert (await page.post(f"{BASE}/none/{path}", body))[0] == status, (path, body, status)


async def test_notes_need_the_record(api):
    slow = fresh()
    page = await _fire(api, slow)
    await api.postgres.cut()
    status, problem = await page.post(f"{BASE}/{slow.alert_id}/comments", {"text": "lost?"})
    assert (status, problem["type"]) == (503, "/problems/storage-away")
    assert "not kept" in problem["detail"]


async def test_the_history_is_filtered(api):
    plain = {"summary": "API responses are slow"}
    slow = fresh(scenario.event, "Slow", labels={"handler": "/orders"}, annotations=plain)
    page = await _fire(api, slow, fresh(scenario.celery_down))
    for query, names in [
        ("text=celery", ["CeleryDown"]),
        ("text=RESPONSES ARE", ["Slow"]),
        ("text=/orders", ["Slow"]),
        ("text=%25", []),
        ("text=_", []),
        ("text=%20", ["CeleryDown", "Slow"]),
        ("category=system", ["CeleryDown"]),
        ("since=9999999999", []),
        ("until=1000", []),
        ("since=1000&until=9999999999", ["CeleryDown", "Slow"]),
        ("fingerprint=0123456789abcdef", []),
    ]:
        status, body = await page.get(f"{BASE}/history?{query}")
        assert status == 200, body
        assert sorted(one["name"] for one in body["alerts"]) == names, (query, names)
        body = (await page.get(f"{BASE}/history?fingerprint={slow.fingerprint}"))[1]
        assert [one["name"] for one in body["alerts"]] == ["Slow"], (query, names)


async def test_a_chart_shows_the_alerts_own_series_around_the_breach(api):
    slow = fresh()
    expr = "tocsin:fastapi_response_seconds:avg"

    def series(start, end, step):
        return [
            {"metric": {"__name__": expr, "component": other}, "values": [[start, "0.05"], [start + step, value]]}
            for other, value in (("fastapi", "0.25"), ("postgres", "9"), ("redis", "NaN"))
        ]

    api.evaluator.ranges[expr] = series
    page = await _fire(api, slow)

    async def drawn():
        status, chart = await page.get(f"{BASE}/{slow.alert_id}/chart")
        return chart if status == 200 and chart["thresholds"] else None

    await until(drawn)
    chart = await drawn()
    assert chart["expr"] == expr
    assert [(one["op"], one["value"], one["severity"]) for one in chart["thresholds"]] == [(">", 0.1, "warning")]
    assert [one["labels"] for one in chart["series"]] == [{"component": "fastapi"}]
    assert [value for _, value in chart["series"][0]["points"]] == [0.05, 0.25]
    assert chart["start"] == pytest.approx(slow.active_at - 900)
    assert (await page.get(f"{BASE}/none/chart"))[0] == 404
    api.evaluator.broken = "status"
    status, problem = await page.get(f"{BASE}/{slow.alert_id}/chart")
    assert (status, problem["type"]) == (503, "/problems/evaluator-away")
