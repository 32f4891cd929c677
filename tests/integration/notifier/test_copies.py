"""Two notifiers over one Redis, configurations that change, the watchdog, and the HTTP API."""

import asyncio
import time

import httpx
import pytest

from services.common.config import ConfigError
from services.common.events import AlertEvent, Heartbeat
from services.notifier.alerts import Acknowledgement
from services.notifier.store import LEASE_KEY, LeaseLostError
from tests.integration.notifier.conftest import event, eventually, eventually_async, hook_config, publish

pytestmark = pytest.mark.integration


async def test_of_two_copies_one_works_and_the_other_takes_over(place, hook, redis):
    place.write(hook_config(hook))
    first = await place.start(instance="one", lease="6s")
    second = await place.start(instance="two", lease="6s")
    assert (first.ready(), second.ready()) == ("", "standing by: another notifier works")
    async with place.client(second) as client:
        answer = await client.post("/api/v2/alerts", json=[])
        assert answer.status_code == 503
        assert (await client.get("/-/ready")).status_code == 503
    began = time.time()
    await publish(redis, event("A", starts_at=began))
    await eventually(lambda: hook.told == [("A", "firing")])

    async def recorded() -> bool:
        return await redis.hlen("tocsin:notifier:outbox") == 0

    await eventually_async(recorded)
    # The first loses its lease to the second, as after a long pause.
    await redis.set(LEASE_KEY, "two|stolen", px=60_000)
    await eventually(lambda: not first.pipeline.active)
    await eventually(lambda: second.pipeline.active)
    await publish(redis, event("A", "resolved", starts_at=began, sent_at=began + 1), event("B", starts_at=began))
    await eventually(lambda: len(hook.told) == 3)
    assert sorted(hook.told) == [("A", "firing"), ("A", "resolved"), ("B", "firing")]


async def test_what_a_deposed_notifier_writes_is_refused_as_a_whole(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start()
    store, state = running.pipeline.store, running.pipeline.state
    await redis.set(LEASE_KEY, "other|1")
    state.put_ack("x", Acknowledgement(by="anna", at=1.0))
    with pytest.raises(LeaseLostError):
        await store.commit(state)
    assert not await redis.hexists("tocsin:notifier:acks", "x")


async def test_a_restart_of_the_same_instance_does_not_wait_for_its_own_lease(place, hook, redis):
    place.write(hook_config(hook))
    await place.start(lease="60s")
    held = await redis.dump("tocsin:notifier:lease")
    await place.stop()
    await redis.restore("tocsin:notifier:lease", 60_000, held)  # killed, it would not have given it back
    second = await place.start(lease="60s")
    assert second.pipeline.active
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)
    await asyncio.sleep(0)
    assert len(hook.bodies) == 1


async def test_redis_emptied_under_our_feet_is_filled_again(place, hook, redis):
    place.write(hook_config(hook))
    await place.start(lease="1s")
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)
    await redis.flushall()

    async def back() -> bool:
        return await redis.hlen("tocsin:notifier:alerts") == 1

    async with asyncio.timeout(60):
        while not await back():  # noqa: ASYNC110 - the condition lies in Redis
            await asyncio.sleep(0.02)


async def test_state_of_another_version_is_passed_over(place, hook, redis):
    place.write(hook_config(hook))
    await redis.hset("tocsin:notifier:outbox", "x", '{"from": "the future"}')
    await redis.hset("tocsin:notifier:groups", "y", "no json")
    await place.start()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)


async def test_reload_takes_a_good_file_and_keeps_the_old_over_a_bad_one(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start()
    began = time.time()
    await publish(redis, event("A", starts_at=began))
    await eventually(lambda: hook.bodies)
    (place.folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: []\n", encoding="utf-8")
    async with place.client(running) as client:
        answer = await client.post("/-/reload")
        assert answer.status_code == 400
        assert "alertmanager.yml:1:" in answer.text
        assert "'nobody' is not defined" in answer.text
        with pytest.raises(ConfigError):
            await running.reload()
        good = hook_config(hook, route={"group_by": ["severity"]})
        good["route"]["routes"] = [{"matchers": ["alertname=B"], "receiver": "second"}]
        good["receivers"].append({"name": "second", "webhook_configs": [{"url": hook.url}]})
        place.write(good)
        assert (await client.post("/-/reload")).status_code == 200
        assert [item["name"] for item in (await client.get("/api/v2/receivers")).json()] == ["hook", "second"]
    value = running.telemetry.registry.get_sample_value
    assert value("tocsin_config_last_reload_successful", {"kind": "alertmanager"}) == 1
    await publish(redis, event("B", starts_at=began))
    await eventually(lambda: any(body["receiver"] == "second" for body in hook.bodies))
    await publish(redis, event("A", "resolved", starts_at=began, sent_at=began + 1))
    # The group of the old configuration tells its end.
    await eventually(
        lambda: any(body["status"] == "resolved" and body["groupLabels"] == {"alertname": "A"} for body in hook.bodies)
    )


async def test_a_start_with_a_bad_file_says_what_is_wrong(place):
    with pytest.raises(ConfigError, match=r"alertmanager.yml.*can't be read"):
        await place.start()


async def test_the_configuration_may_stand_in_the_main_file(place, hook, redis):
    running = await place.start(config=hook_config(hook))
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)
    assert running.port > 0
    with pytest.raises(ConfigError, match=r"notifier.config.*'x' is not defined"):
        await place.start(config={"route": {"receiver": "x"}, "receivers": []})


def beat(now: float) -> bytes:
    return Heartbeat(
        service="evaluator", instance="e", at=now, started_at=now, interval=0.2, version="1", ready=True
    ).encode()


async def test_a_silent_evaluator_is_an_alert_of_our_own(place, hook, redis):
    place.write(hook_config(hook, route={"group_interval": "100ms"}))
    running = await place.start(watch_evaluator=True, evaluator_grace="500ms")
    await redis.set("tocsin:heartbeat:evaluator:e", beat(time.time()), px=1500)
    assert running.pipeline.active
    await eventually(lambda: ("TocsinEvaluatorDown", "firing") in hook.told)
    alert = hook.bodies[0]["alerts"][0]
    assert alert["labels"]["severity"] == "critical"
    assert alert["labels"]["impact"] == "outage"
    rows = await redis.xrange("tocsin:alerts")
    published = [AlertEvent.model_validate_json(fields[b"event"]) for _, fields in rows]
    assert [item.rule.group for item in published] == ["tocsin-notifier"]
    await redis.set("tocsin:heartbeat:evaluator:e", beat(time.time()), px=60_000)
    await eventually(lambda: ("TocsinEvaluatorDown", "resolved") in hook.told)
    rows = await redis.xrange("tocsin:alerts")
    published = [AlertEvent.model_validate_json(fields[b"event"]) for _, fields in rows]
    assert [item.status.value for item in published] == ["firing", "resolved"]
    assert len({item.alert_id for item in published}) == 1
    assert hook.told.count(("TocsinEvaluatorDown", "firing")) == 1


async def test_a_foreign_prometheus_may_post(place_without_redis, hook):
    place = place_without_redis
    config = hook_config(hook, route={"group_interval": "50ms"})
    config["global"] = {"resolve_timeout": "1s"}
    place.write(config)
    running = await place.start()
    async with place.client(running) as client:
        body = [
            {"labels": {"alertname": "Foreign", "empty": ""}, "generatorURL": "http://prometheus/graph"},
            {"labels": {}},
            {"labels": {"1bad": "x"}},
            {"labels": {"a": "b"}, "startsAt": "2024-01-02T00:00:00Z", "endsAt": "2024-01-01T00:00:00Z"},
        ]
        answer = await client.post("/api/v2/alerts", json=body)
        assert answer.status_code == 400
        for problem in ("1: labels: at least one", "2: labels: '1bad'", "3: endsAt is before startsAt"):
            assert problem in answer.json()
        listed = (await client.get("/api/v2/alerts", params={"filter": 'alertname="Foreign"'})).json()
        assert [item["labels"] for item in listed] == [{"alertname": "Foreign"}]
        assert listed[0]["receivers"] == [{"name": "hook"}]
        assert listed[0]["status"]["state"] == "active"
        await eventually(lambda: ("Foreign", "firing") in hook.told)
        await eventually(lambda: ("Foreign", "resolved") in hook.told)  # it is not heard of any more
        assert (await client.get("/api/v2/alerts")).json() == []


async def test_questions_and_mistakes_of_the_api(place_without_redis, hook):
    place = place_without_redis
    config = hook_config(hook)
    config["receivers"][0]["webhook_configs"][0]["http_config"] = {
        "basic_auth": {"username": "u", "password": "geheim"}
    }
    place.write(config)
    running = await place.start()
    async with place.client(running) as client:
        ask = client.get
        await client.post("/api/v2/alerts", json=[{"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}}])
        names = [
            [item["labels"]["alertname"] for item in (await ask("/api/v2/alerts", params=params)).json()]
            for params in ({"receiver": "ho.*"}, {"receiver": "x"}, {"active": "false"}, {"filter": "alertname!=A"})
        ]
        assert [sorted(found) for found in names] == [["A", "B"], [], [], ["B"]]
        assert (await ask("/api/v2/alerts", params={"filter": "a"})).status_code == 400
        assert (await ask("/api/v2/alerts", params={"receiver": "("})).status_code == 400
        assert (await client.post("/api/v2/alerts", content=b"{")).status_code == 400
        assert (await client.post("/api/v2/alerts", json={})).status_code == 400
        status = (await ask("/api/v2/status")).json()
        assert status["cluster"]["status"] == "disabled"
        assert "receiver: hook" in status["config"]["original"]
        assert "geheim" not in status["config"]["original"]
        assert hook.url not in status["config"]["original"]
        metrics = (await ask("/metrics")).text
        assert "tocsin_notifier_outbox_entries" in metrics
        assert "tocsin_notifier_active 1.0" in metrics
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as nobody:
        assert (await nobody.get("/api/v2/alerts")).status_code == 401
        assert (await nobody.get("/-/healthy")).status_code == 200
        assert (await nobody.get("/metrics")).status_code == 200
