"""Panels, components and services from a live evaluator and live heartbeats."""

import time

import pytest

from services.api.overview.evaluated import RuleGroups
from services.api.rules.identity import with_ids
from services.common.events import HEARTBEAT_KEY, Heartbeat
from tests.fixtures.waiting import until

pytestmark = pytest.mark.integration
REALTIME, HEALTH = "/api/admin/monitoring/metrics/realtime", "/api/admin/monitoring/health/services"
RULES = "/api/admin/monitoring/rules"


async def _panel(page, key):
    panels = (await page.get(REALTIME))[1]["panels"]
    return next(panel for panel in panels if panel["key"] == key)


async def test_values_limits_and_the_past_come_from_the_evaluator(api):
    page = await api.log_in("viewer")

    async def heard():
        return (await _panel(page, "celery_queue"))["value"] == 57

    await until(heard)
    panel = await _panel(page, "celery_queue")
    assert panel["status"] == "warning"
    assert panel["thresholds"] == [{"severity": "warning", "op": ">", "value": 20.0, "rule": "CeleryQueueBacklog"}]
    assert 59 <= len(panel["spark"]) <= 60
    assert {value for _, value in panel["spark"][:-1]} == {28.5}
    assert panel["spark"][-1][1] == 57
    assert (panel["change"], panel["trend"]) == (1.0, "up")
    health = (await page.get(HEALTH))[1]
    assert {card["status"] for card in health["components"]} == {"healthy"}
    assert health["overall"] == "operational"
    _, rules = await page.get(RULES)
    assert rules == with_ids(RuleGroups.model_validate(api.evaluator.rules)).model_dump(mode="json")
    ids = [rule["id"] for group in rules["groups"] for rule in group["rules"]]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    # What we don't know passes through.
    assert rules["groups"][1]["rules"][0]["keepFiringFor"] == 0
    assert set(api.evaluator.asked) == {"/api/v1/query", "/api/v1/query_range", "/api/v1/rules"}
    assert api.evaluator.asked.count("/api/v1/query_range") == 1


async def test_a_silent_evaluator_makes_all_unknown_until_it_answers_again(api):
    page = await api.log_in("viewer")
    await until(lambda: api.context.overview.reachable(time.time()))
    await api.evaluator.stop()
    # A moment's silence changes nothing.
    assert (await page.get(HEALTH))[1]["overall"] == "operational"
    api.context.overview._stale_after = 0.3
    await until(lambda: not api.context.overview.reachable(time.time()))
    health = (await page.get(HEALTH))[1]
    assert health["overall"] == "unknown"
    assert {card["status"] for card in health["components"]} == {"unknown"}
    assert "evaluator does not answer" in health["components"][0]["message"]
    assert (await _panel(page, "celery_queue"))["status"] == "unknown"
    status, body = await page.get(RULES)
    assert (status, body["type"]) == (503, "/problems/evaluator-away")
    api.context.overview._stale_after = 10
    await api.evaluator.start(api.evaluator.port)
    asked = api.evaluator.asked.count("/api/v1/query_range")

    async def back():
        return (await page.get(HEALTH))[1]["overall"] == "operational"

    await until(back)
    await until(lambda: api.evaluator.asked.count("/api/v1/query_range") > asked)


@pytest.mark.parametrize(("broken", "result"), [("status", "failed"), ("form", "bad_answer"), ("text", "bad_answer")])
async def test_bad_answers_are_counted_by_reason_and_lived_through(api, broken, result):
    page = await api.log_in("viewer")
    api.evaluator.broken = broken

    async def counted():
        return f'tocsin_api_evaluator_polls_total{{result="{result}"}}' in (await page.get("/metrics"))[1]

    await until(counted)
    api.evaluator.broken = ""
    before = api.context.overview.heard_at
    await until(lambda: api.context.overview.heard_at != before)


async def test_a_wrong_service_token_is_named(api):
    page = await api.visitor()
    api.evaluator.token = "another"

    async def counted():
        return 'tocsin_api_evaluator_polls_total{result="refused"}' in (await page.get("/metrics"))[1]

    await until(counted)


async def test_heartbeats_show_who_lives_and_who_is_missing(api):
    page = await api.log_in("viewer")
    redis = api.bus()._redis
    now = time.time()
    beat = Heartbeat(service="evaluator", instance="e1", at=now, started_at=now, interval=5, version="1", ready=False,
                     detail="no rules are loaded")  # fmt: skip
    await redis.set(HEARTBEAT_KEY.format(service="evaluator", instance="e1"), beat.encode())

    async def seen():
        return {found["service"] for found in (await page.get(HEALTH))[1]["services"]} == {"api", "evaluator"}

    await until(seen)
    health = (await page.get(HEALTH))[1]
    assert health["missing_services"] == ["collector", "notifier"]
    evaluator = next(found for found in health["services"] if found["service"] == "evaluator")
    assert (evaluator["ready"], evaluator["detail"], evaluator["instance"]) == (False, "no rules are loaded", "e1")
    await api.redis.cut()

    async def unknown():
        return (await page.get(HEALTH))[1]["missing_services"] == []

    # Without Redis nobody can tell who is missing, so nobody is called so.
    await until(unknown)
    metrics = (await page.get("/metrics"))[1]
    assert 'tocsin_dependency_up{dependency="redis"} 0.0' in metrics
    await api.redis.mend()


async def test_only_the_configured_components_have_cards(stand, api):
    await stand.stop()
    stand.settings = {"components": ["postgres", "redis"]}
    await stand.start()
    page = await stand.log_in("viewer")
    assert [card["key"] for card in (await page.get(HEALTH))[1]["components"]] == ["postgres", "redis"]
