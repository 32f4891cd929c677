"""From an event on the stream to the page and the record; acknowledging; and either server away."""

import asyncio
import time

import orjson
import pytest

from services.common.events import ACTIONS_STREAM, ActionEvent
from tests.fixtures.waiting import until
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
BASE = "/api/admin/monitoring/alerts"


def fresh(make=scenario.event, *args, **fields):
    """An event of the last minute, by the real clock."""
    now = round(time.time(), 3)
    return make(*args, **{"starts_at": now - 20, "sent_at": now, **fields})


async def _names(page):
    return [alert["name"] for alert in (await page.get(f"{BASE}/active"))[1]["alerts"]]


async def _shown(page, *names):
    async def there():
        return await _names(page) == list(names)

    await until(there)


async def _actions(api):
    return [
        ActionEvent.model_validate_json(entry.payload)
        for entry in await api.bus().read_after(ACTIONS_STREAM, "0-0", count=100, block_ms=0)
    ]


async def test_an_alert_from_firing_to_resolved(api):
    page = await api.log_in("viewer")
    slow, down = fresh(), fresh(scenario.celery_down)
    await api.publish(slow, down)
    await _shown(page, "CeleryDown", "ApiSlow")
    await api.recorded(2)
    await api.publish(scenario.resolved(slow, after=1))
    await _shown(page, "CeleryDown")

    async def recorded():
        return (await page.get(f"{BASE}/history?status=resolved"))[1]["alerts"]

    await until(recorded)
    alert = (await recorded())[0]
    assert (alert["id"], alert["ends_at"]) == (slow.alert_id, pytest.approx(slow.sent_at + 1))
    _, detail = await page.get(f"{BASE}/{slow.alert_id}")
    assert [entry["kind"] for entry in detail["timeline"]] == ["active", "firing", "resolved"]
    assert detail["complete"] is True
    health = (await page.get("/api/admin/monitoring/health/services"))[1]
    assert health["overall"] == "down"


async def test_the_history_comes_in_pages_and_by_filter(api):
    start = round(time.time()) - 1000
    many = [scenario.event(f"Alert{n:02}", starts_at=start + n // 2, sent_at=start + 500) for n in range(25)]
    await api.publish(*many, fresh(scenario.celery_down))
    await api.recorded(26)
    page = await api.log_in("viewer")
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        _, body = await page.get(f"{BASE}/history?limit=10" + (f"&cursor={cursor}" if cursor else ""))
        seen += body["alerts"]
        cursor, pages = body["next_cursor"], pages + 1
    assert pages == 3
    assert len({alert["id"] for alert in seen}) == 26
    assert [alert["starts_at"] for alert in seen] == sorted((alert["starts_at"] for alert in seen), reverse=True)
    for query, count in {
        "severity=critical": 1, "severity=warning": 25, "component=celery": 1, "status=resolved": 0, "name=Alert07": 1,
        "severity=critical&component=fastapi": 0,
    }.items():  # fmt: skip
        assert len((await page.get(f"{BASE}/history?{query}&limit=100"))[1]["alerts"]) == count, query
    for wrong in ("limit=0", "limit=501", "limit=x", "severity=bad", "cursor=nonsense", "cursor=1_", "cursor=x_y",
                  f"cursor={'9' * 30}_x", "unknown=1", "status=pending"):  # fmt: skip
        status, body = await page.get(f"{BASE}/history?{wrong}")
        assert (status, body["status"]) == (400, 400), wrong


async def test_events_in_any_order_and_number_give_the_same_record(api):
    first = fresh()
    later = first.model_copy(update={"sent_at": first.sent_at + 5, "value": 9.0})
    resolved = scenario.resolved(first, after=5)
    await api.publish(resolved, later, first, first, resolved)
    await api.recorded(1)

    async def done():
        row = (await api.sql("SELECT status, last_event_at FROM alert_history"))[0]
        return row["status"] == "resolved" and await api.bus().lag("tocsin:alerts", "history") == 0

    await until(done)
    assert await _names(await api.log_in("viewer")) == []


async def test_acknowledging_once_for_all(api):
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    await api.recorded(1)
    operator, admin = await api.log_in("operator"), await api.log_in("admin")
    await _shown(operator, "CeleryDown")
    path = f"{BASE}/{alert.alert_id}/acknowledge"
    status, first = await operator.post(path, {"comment": "I restart the workers.", "expires_in": 3600})
    assert status == 200
    assert first["acknowledged"]["until"] == pytest.approx(first["acknowledged"]["at"] + 3600)
    assert first["acknowledged"]["by"] == "operator"
    assert first["acknowledged"]["comment"] == "I restart the workers."
    assert (await admin.post(path, {"comment": "Me too."}))[1] == first
    assert (await admin.post(path))[1] == first
    assert [(action.by, action.kind, action.alert_id, action.expires_in) for action in await _actions(api)] == [
        ("operator", "acknowledge", alert.alert_id, 3600)
    ]
    # The evaluator sends it again, and the recorder reads the action too: who and when stay.
    again = alert.model_copy(update={"sent_at": alert.sent_at + 60, "value": 0.5})
    await api.publish(again)

    async def taken():
        row = (await api.sql("SELECT value, acknowledged_by FROM alert_history"))[0]
        return tuple(row) == (0.5, "operator") and await api.bus().lag(ACTIONS_STREAM, "history") == 0

    await until(taken)
    ((until_at,),) = await api.sql("SELECT extract(epoch FROM until)::float8 FROM alert_actions")
    assert until_at == pytest.approx(first["acknowledged"]["until"], abs=0.01)
    _, active = await admin.get(f"{BASE}/active")
    assert active["alerts"][0]["acknowledged"] == first["acknowledged"]
    _, detail = await admin.get(f"{BASE}/{alert.alert_id}")
    story = [(entry["kind"], entry["by"], entry["text"]) for entry in detail["timeline"]]
    assert ("acknowledged", "operator", "I restart the workers.") in story
    ((ends_at,),) = await api.sql("SELECT extract(epoch FROM acknowledged_until)::float8 FROM alert_history")
    assert ends_at == pytest.approx(until_at)
    await api.publish(scenario.resolved(again, after=10))
    await _shown(admin)
    status, body = await admin.post(path)
    assert (status, body["type"]) == (409, "/problems/already-resolved")


async def test_many_at_once_get_the_first_ones_answer(api):
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    pages = [await api.log_in(role) for role in ("operator", "admin")]
    await _shown(pages[0], "CeleryDown")
    path = f"{BASE}/{alert.alert_id}/acknowledge"
    answers = await asyncio.gather(*(page.post(path, {"comment": str(n)}) for n in range(5) for page in pages))
    assert {status for status, _ in answers} == {200}
    assert len({orjson.dumps(body["acknowledged"]) for _, body in answers}) == 1
    assert len(await _actions(api)) == 1


@pytest.mark.parametrize("status", [200, 409])
async def test_an_alert_that_only_the_record_knows(api, status):
    alert = fresh(scenario.celery_down)
    await api.context.record.store_events([alert if status == 200 else scenario.resolved(alert, after=0)])
    page = await api.log_in("operator")
    found, body = await page.post(f"{BASE}/{alert.alert_id}/acknowledge")
    assert found == status
    if status == 200:
        assert body["acknowledged"]["by"] == "operator"
        assert len(await api.sql("SELECT 1 FROM alert_actions")) == 1


async def test_what_is_no_event_on_the_streams_does_not_stop_the_page(api):
    await api.publish(b"{half")
    await api.publish(b"{half", stream=ACTIONS_STREAM)
    await api.publish(fresh())
    await _shown(await api.log_in("viewer"), "ApiSlow")


async def test_bad_comments_are_refused(api):
    page = await api.log_in("operator")
    for body in [
        {"comment": "x" * 2001},
        {"comment": "a\x00b"},
        {"note": "x"},
        {"comment": 1},
        [],
        {"expires_in": 5},
        {"expires_in": 1e9},
        {"expires_in": "1h"},
    ]:
        status, answer = await page.post(f"{BASE}/any/acknowledge", body)
        assert (status, answer["type"]) == (400, "/problems/invalid-request"), body


async def test_an_acknowledgement_while_postgres_is_away_is_published_and_recorded_later(api):
    alert = fresh(scenario.celery_down)
    page = await api.log_in("operator")
    await page.get("/api/auth/me")
    await api.publish(alert)
    await api.recorded(1)
    await _shown(page, "CeleryDown")
    await api.postgres.cut()
    new = fresh(starts_at=alert.starts_at + 1)
    await api.publish(new)
    await _shown(page, "CeleryDown", "ApiSlow")
    for event in (alert, new):
        status, body = await page.post(f"{BASE}/{event.alert_id}/acknowledge", {"comment": "down"})
        assert (status, body["acknowledged"]["by"]) == (200, "operator")
    assert {action.alert_id for action in await _actions(api)} == {alert.alert_id, new.alert_id}
    status, detail = await page.get(f"{BASE}/{alert.alert_id}")
    assert (status, detail["complete"]) == (200, False)
    assert [entry["kind"] for entry in detail["timeline"]] == ["active", "firing", "acknowledged"]
    status, body = await page.get(f"{BASE}/{'0' * 16}-1")
    assert (status, body["type"]) == (503, "/problems/storage-away")
    assert (await page.post(f"{BASE}/{'0' * 16}-1/acknowledge"))[0] == 503
    await api.postgres.mend()

    async def caught_up():
        rows = await api.sql("SELECT acknowledged_by, acknowledge_comment FROM alert_history")
        return [tuple(row) for row in rows] == [("operator", "down")] * 2

    await until(caught_up)
    assert len(await api.sql("SELECT 1 FROM alert_actions")) == 2


async def test_an_acknowledgement_while_redis_is_away_is_refused_and_not_half_done(api):
    alert = fresh(scenario.celery_down)
    page = await api.log_in("operator")
    await api.publish(alert)
    await api.recorded(1)
    await _shown(page, "CeleryDown")
    await api.redis.cut()
    status, body = await page.post(f"{BASE}/{alert.alert_id}/acknowledge")
    assert (status, body["type"]) == (503, "/problems/streams-away")
    assert (await page.get(f"{BASE}/active"))[1]["alerts"][0]["acknowledged"] is None
    assert await api.sql("SELECT 1 FROM alert_actions") == []
    await api.redis.mend()

    async def accepted():
        return (await page.post(f"{BASE}/{alert.alert_id}/acknowledge"))[0] == 200

    await until(accepted)
    assert len(await api.sql("SELECT 1 FROM alert_actions")) == 1


@pytest.mark.parametrize("path", ["/%00", "/history?name=%00", "/x%00/acknowledge"])
async def test_what_no_database_can_look_up_is_a_bad_request(api, path):
    page = await api.log_in("operator")
    status, answer = await (page.post if "ack" in path else page.get)(BASE + path)
    assert (status, answer["type"]) == (400, "/problems/invalid-request")


async def test_a_crash_between_publishing_and_recording_loses_nothing(api):
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    await api.recorded(1)
    # What a copy that died in between leaves: the action on the stream alone.
    action = scenario.acknowledgement(alert.alert_id, at=alert.sent_at, by="ghost")
    await api.publish(action, stream=ACTIONS_STREAM)

    async def recorded():
        return [tuple(row) for row in await api.sql("SELECT acknowledged_by FROM alert_history")] == [("ghost",)]

    await until(recorded)
    page = await api.log_in("operator")
    status, body = await page.post(f"{BASE}/{alert.alert_id}/acknowledge")
    assert (status, body["acknowledged"]["by"]) == (200, "ghost")


async def test_a_restart_shows_the_same_alerts_at_once(api):
    alert, done = fresh(scenario.celery_down), fresh(scenario.redis_resolved)
    page = await api.log_in("operator")
    await api.publish(alert, done)
    await api.recorded(2)
    await _shown(page, "CeleryDown")
    before = (await page.post(f"{BASE}/{alert.alert_id}/acknowledge"))[1]
    await api.stop()
    # Redis lost its data: the record alone knows.
    redis = api.bus()._redis
    await redis.flushall()
    await api.start()
    await until(lambda: api.running.ready() == "")
    again = await api.log_in("operator")
    await _shown(again, "CeleryDown")
    after = (await again.get(f"{BASE}/active"))[1]["alerts"][0]
    assert after["acknowledged"]["by"] == "operator"
    assert {key: after[key] for key in ("id", "labels", "rule")} == {
        key: before[key] for key in ("id", "labels", "rule")
    }


async def test_a_start_without_postgres_shows_what_the_stream_tells(api):
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    await api.publish(scenario.acknowledgement(alert.alert_id, at=alert.sent_at), stream=ACTIONS_STREAM)
    await api.stop()
    await api.postgres.cut()
    await api.start()
    await until(lambda: api.running.ready() == "")
    view = api.running._feed._view
    await until(lambda: [known.name for known in view.firing()] == ["CeleryDown"])
    await until(lambda: view.firing()[0].acknowledged is not None)
    await api.postgres.mend()


async def test_delivered_messages_are_counted_and_told(api):
    alert = fresh(scenario.celery_down)
    await api.publish(alert)
    await api.recorded(1)
    insert = (
        "INSERT INTO notifications (attempt_id, delivery_id, at, alert_ids, status, cause, group_key, receiver,"
        " channel, recipient, attempt, result, reason, duration_seconds)"
        " VALUES (gen_random_uuid(), $1, now(), $2, 'firing', 'new', 'g', 'team', 'email', 'a@x.org', $3, $4, $5, 0.1)"
    )
    await api.sql(insert, "one", [alert.alert_id], 1, "temporary_failure", "refused")
    await api.sql(insert, "one", [alert.alert_id], 2, "delivered", "")
    await api.sql(insert, "two", [alert.alert_id, "other"], 1, "delivered", "")
    page = await api.log_in("viewer")

    async def counted():
        alerts = (await page.get(f"{BASE}/active"))[1]["alerts"]
        return bool(alerts) and alerts[0]["notifications"] == 2

    await until(counted)
    (recorded,) = (await page.get(f"{BASE}/history"))[1]["alerts"]
    told = ("notifications", "attempts", "comments", "verdict", "auto_resolved")
    assert [recorded[key] for key in told] == [2, 3, 0, None, False]
    entries = (await page.get(f"{BASE}/{alert.alert_id}"))[1]["timeline"]
    sent = [(entry["result"], entry["reason"]) for entry in entries if entry["kind"] == "notification"]
    assert sent == [("temporary_failure", "refused"), ("delivered", ""), ("delivered", "")]
    await api.stop()
    await api.start()
    # The record alone answers for an alert that is no longer in memory.
    again = await api.log_in("viewer")
    assert (await again.get(f"{BASE}/{alert.alert_id}"))[0] == 200


async def test_an_alert_lost_with_the_evaluators_state_ends_on_the_page_and_in_the_record(api, monkeypatch):
    # It was last confirmed long ago, yet all has been well since.
    monkeypatch.setattr("services.api.alerts.expiry.HEALTHY_FOR", 0.5)
    monkeypatch.setattr("services.api.alerts.feed.RELOAD_ROUNDS", 1)
    now = time.time()
    lost, live = fresh(scenario.celery_down, sent_at=now - 1000, starts_at=now - 2000), fresh()
    await api.publish(lost, live)
    page = await api.log_in("viewer")

    async def ended():
        rows = await api.sql("SELECT name, status FROM alert_history ORDER BY name")
        return [tuple(row) for row in rows] == [("ApiSlow", "firing"), ("CeleryDown", "resolved")]

    await until(ended)
    await _shown(page, "ApiSlow")
    await api.publish(lost.model_copy(update={"sent_at": now, "ends_at": now + 300}))
    await _shown(page, "CeleryDown", "ApiSlow")


async def test_without_redis_the_page_shows_what_the_evaluator_fires(api, monkeypatch):
    monkeypatch.setattr("services.api.alerts.direct.SECONDS", 0.2)
    await api.stop()
    evaluator = await api.start_evaluator()
    await api.start()
    page = await api.log_in("viewer")
    await api.redis.cut()
    rules = "groups: [{name: now, rules: [{alert: BrokeMeanwhile, expr: vector(1), labels: {severity: warning}}]}]\n"
    (api.data / "stack.yml").write_text(rules)
    await evaluator.reload()
    await _shown(page, "BrokeMeanwhile")
    (api.data / "stack.yml").write_text("groups: []\n")
    await evaluator.reload()
    await _shown(page)


async def test_a_text_that_could_never_be_recorded_is_refused(api):
    page = await api.log_in("operator")
    status, body = await page.post(f"{BASE}/x/acknowledge", {"comment": "zero \0 byte"})
    assert (status, body["type"]) == (400, "/problems/invalid-request")
    # A backslash before the letters is no NUL.
    assert (await page.post(f"{BASE}/x/acknowledge", {"comment": r"\u0000"}))[0] == 404
