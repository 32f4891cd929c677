"""Silences from the page to a real notifier and back."""

import pytest

from services.api.silences import book
from tests.fixtures.waiting import until
from tests.integration.api.test_alerts import fresh
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
BASE = "/api/admin/monitoring/silences"
ONE = [{"name": "alertname", "op": "=", "value": "ApiSlow"}]


async def _fire(api, *events):
    page = await api.log_in("operator")
    await api.publish(*events)

    async def there():
        return len((await page.get("/api/admin/monitoring/alerts/active"))[1]["alerts"]) == len(events)

    await until(there)
    return page


async def test_a_silence_from_preview_to_its_end(whole):
    slow, down = fresh(), fresh(scenario.celery_down)
    page = await _fire(whole, slow, down)
    await whole.recorded(2)
    status, seen = await page.post(f"{BASE}/preview", {"matchers": ONE})
    assert (status, seen["count"], seen["last_day"], seen["warnings"]) == (200, 1, 1, [])
    assert [one["id"] for one in seen["alerts"]] == [slow.alert_id]
    status, made = await page.post(BASE, {"matchers": ONE, "duration_seconds": 600, "comment": "Deploy"})
    assert (status, made["state"], made["confirmed"]) == (201, "active", True), made
    assert (made["created_by"], made["comment"], made["matchers"]) == ("operator", "Deploy", ONE)
    # The notifier moves a start that has passed to its own now.
    assert made["ends_at"] - made["starts_at"] == pytest.approx(600, abs=60)
    # The notifier itself has it.
    assert [one.comment for one in whole.notifier.pipeline.state.silences.values()] == ["Deploy"]
    viewer = await whole.log_in("viewer")
    listed = (await viewer.get(BASE))[1]["silences"]
    assert [(one["id"], one["hides"]) for one in listed] == [(made["id"], [slow.alert_id])]
    status, ended = await page.delete(f"{BASE}/{made['id']}")
    assert (status, ended["state"], ended["hides"]) == (200, "expired", [])
    # Ending it twice changes nothing.
    assert (await page.delete(f"{BASE}/{made['id']}"))[1]["ends_at"] == ended["ends_at"]

    async def audited():
        return [
            tuple(row)
            for row in await whole.sql("SELECT actor, action, target FROM audit_log WHERE action_id IS NOT NULL")
        ] == [("operator", "silence", made["id"]), ("operator", "expire_silence", made["id"])]

    await until(audited)
    detail = (await whole.sql("SELECT detail::text FROM audit_log WHERE action = 'silence'"))[0][0]
    assert "Deploy" in detail
    assert "ApiSlow" in detail


async def test_a_broad_silence_must_be_confirmed(whole):
    page = await _fire(whole, fresh(), fresh(scenario.celery_down))
    body = {"matchers": [{"name": "severity", "op": "=~", "value": "warning|critical"}]}
    status, problem = await page.post(BASE, body)
    assert (status, problem["type"]) == (409, "/problems/broad-silence")
    assert "exactly" in problem["detail"]
    assert (await page.get(BASE))[1]["silences"] == []
    status, made = await page.post(BASE, {**body, "confirm_broad": True})
    assert (status, len(made["hides"])) == (201, 2)


async def test_what_is_no_silence_is_refused(whole):
    page = await whole.log_in("operator")
    for matchers, kind in [
        ([], "invalid-request"),
        ([{"name": "x", "op": "=~", "value": "("}], "invalid-request"),
        ([{"name": "", "op": "=", "value": "a"}], "invalid-request"),
        ([{"name": "x", "op": "~", "value": "a"}], "invalid-request"),
        ([{"name": "x", "op": "!=", "value": "a"}], "silences-everything"),
        ([{"name": "x", "op": "=~", "value": ".*"}], "silences-everything"),
    ]:
        status, problem = await page.post(BASE, {"matchers": matchers, "confirm_broad": True})
        assert (status, problem["type"]) == (400, f"/problems/{kind}"), (matchers, kind)
        assert problem["mend"], (matchers, kind)


async def test_ids_that_are_none_lead_nowhere(whole):
    page = await whole.log_in("operator")
    for silence_id in ["none", "..%2F..%2Fstatus", "a%2Fb", "x" * 65]:
        assert (await page.delete(f"{BASE}/{silence_id}"))[0] == 404, silence_id


async def test_while_the_notifier_is_away_a_silence_waits_on_the_stream(whole, monkeypatch):
    page = await _fire(whole, fresh())
    port = whole.notifier.port
    await whole.notifier_stack.aclose()
    status, problem = await page.get(BASE)
    assert (status, problem["type"]) == (503, "/problems/notifier-away")
    assert "runs" in problem["mend"]
    status, made = await page.post(BASE, {"matchers": ONE})
    assert (status, made["confirmed"], made["state"], len(made["hides"])) == (201, False, "pending", 1)
    assert (await page.delete(f"{BASE}/{made['id']}"))[0] == 503
    await whole.start_notifier(port)

    async def in_force():
        status, body = await page.get(BASE)
        return status == 200 and [(one["id"], one["state"]) for one in body["silences"]] == [(made["id"], "active")]

    await until(in_force)


async def test_without_redis_nothing_is_promised(whole):
    page = await whole.log_in("operator")
    await whole.redis.cut()
    status, problem = await page.post(BASE, {"matchers": ONE})
    assert (status, problem["type"]) == (503, "/problems/streams-away")
    assert "silence" in problem["detail"]


async def test_without_postgres_the_preview_still_shows_what_fires(whole):
    page = await _fire(whole, fresh())
    await whole.postgres.cut()
    status, seen = await page.post(f"{BASE}/preview", {"matchers": ONE})
    assert (status, seen["count"], seen["last_day"]) == (200, 1, None)


async def test_an_answer_does_not_wait_for_ever(whole, monkeypatch):
    monkeypatch.setattr(book, "CONFIRM_SECONDS", 0.0)
    page = await _fire(whole, fresh())
    status, made = await page.post(BASE, {"matchers": ONE})
    assert status == 201
    assert made["id"]
