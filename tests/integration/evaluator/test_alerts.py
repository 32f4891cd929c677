"""An alert's life over real targets and a real Redis."""

from itertools import pairwise

import pytest

pytestmark = pytest.mark.integration

BACKLOG = """groups:
- name: celery
  rules:
  - record: tocsin:celery_queue_length
    expr: sum(celery_queue_length)
  - alert: Backlog
    expr: tocsin:celery_queue_length > 20
    FOR
    labels: {severity: warning, component: celery}
    annotations: {summary: "{{ $value }} tasks wait"}
"""


def rules(hold="for: 0s"):
    return BACKLOG.replace("FOR", hold)


def of(events, status):
    return [event for event in events if event["status"] == status]


async def test_breach_to_event_to_resolved(rig, redis_url, until):
    rig.redis_url = redis_url
    rig.rules(rules())
    rig.target.page = 'celery_queue_length{queue="a"} 5\ncelery_queue_length{queue="b"} 6\n'
    await rig.start()
    await until(lambda: _value(rig, "tocsin:celery_queue_length", "11"))
    assert rig.events() == []
    rig.target.page = rig.target.page.replace(" 5", " 50")
    await until(lambda: of(rig.events(), "firing"))
    (fired,) = of(rig.events(), "firing")[:1]
    assert fired["labels"] == {"alertname": "Backlog", "severity": "warning", "component": "celery"}
    assert fired["annotations"] == {"summary": "56 tasks wait"}
    assert (fired["value"], fired["rule"]["name"], fired["rule"]["file"]) == (56.0, "Backlog", "rules/shop.yml")
    (alert,) = (await rig.api("alerts"))["alerts"]
    assert (alert["state"], alert["value"]) == ("firing", "5.6e+01")
    assert alert["tocsin"]["fingerprint"] == fired["fingerprint"]
    rig.target.page = rig.target.page.replace(" 50", " 5")
    (resolved,) = (await until(lambda: of(rig.events(), "resolved")))[:1]
    assert (resolved["fingerprint"], resolved["starts_at"]) == (fired["fingerprint"], fired["starts_at"])
    assert resolved["ends_at"] > fired["starts_at"]
    assert (await rig.api("alerts"))["alerts"] == []


async def _value(rig, query, text):
    found = (await rig.api(f"query?query={query}"))["result"]
    return found and found[0]["value"][1] == text


async def test_firing_is_sent_again_and_again(rig, redis_url, until):
    rig.redis_url = redis_url
    rig.rules(rules())
    rig.target.page = "celery_queue_length 50\n"
    await rig.start()
    events = await until(lambda: len(of(rig.events(), "firing")) >= 3 and rig.events())
    assert len({event["starts_at"] for event in events}) == 1
    assert all(1.0 <= b["sent_at"] - a["sent_at"] < 2.0 for a, b in pairwise(events))


async def test_a_restart_resumes_for(rig, redis_url, until):
    rig.redis_url = redis_url
    rig.rules(rules("for: 2s"))
    rig.target.page = "celery_queue_length 50\n"
    await rig.start()
    pending = (await until(lambda: _alerts(rig)))[0]
    assert pending["state"] == "pending"
    # What is on Redis is what a kill -9 leaves: nothing is written at the end.
    await until(lambda: _stored(redis_url))
    await rig.stop()
    await rig.start()
    fired = (await until(lambda: of(rig.events(), "firing")))[0]
    assert 2.0 <= fired["starts_at"] - fired["active_at"] < 3.5
    again = (await rig.api("alerts"))["alerts"][0]
    assert again["activeAt"] == pending["activeAt"]


async def _alerts(rig):
    return (await rig.api("alerts"))["alerts"]


def _stored(url):
    from redis import Redis

    with Redis.from_url(url) as client:
        return client.keys("tocsin:evaluator:state:*")


async def test_a_restart_while_firing_sends_no_false_resolved(rig, redis_url, until):
    rig.redis_url = redis_url
    rig.rules(rules())
    rig.target.page = "celery_queue_length 50\n"
    await rig.start()
    await until(lambda: of(rig.events(), "firing"))
    await rig.stop()
    await rig.start()
    before = len(rig.events())
    await until(lambda: len(rig.events()) > before + 1)
    assert of(rig.events(), "resolved") == []
    assert len({event["starts_at"] for event in rig.events()}) == 1


async def test_a_rule_removed_while_it_was_down_is_resolved(rig, redis_url, until):
    rig.redis_url = redis_url
    rig.rules(rules())
    rig.target.page = "celery_queue_length 50\n"
    await rig.start()
    await until(lambda: of(rig.events(), "firing"))
    await rig.stop()
    rig.rules("groups: []")
    await rig.start()
    resolved = await until(lambda: of(rig.events(), "resolved"))
    assert resolved[0]["labels"]["alertname"] == "Backlog"
    await until(lambda: not _stored(redis_url))


class TestReload:
    async def test_a_changed_rule_is_in_force_and_its_state_stays(self, rig, redis_url, until):
        rig.redis_url = redis_url
        rig.rules(rules())
        rig.target.page = "celery_queue_length 50\n"
        await rig.start()
        await until(lambda: of(rig.events(), "firing"))
        rig.rules(rules().replace("> 20", "> 30"))
        await until(lambda: _query(rig, "30"))
        assert of(rig.events(), "resolved") == []
        assert len({event["starts_at"] for event in rig.events()}) == 1

    async def test_a_broken_file_keeps_its_last_good_version(self, rig, redis_url, until):
        rig.redis_url = redis_url
        rig.rules(rules())
        rig.rules("groups: [{name: other, rules: [{record: r, expr: up}]}]", "other.yml")
        rig.target.page = "celery_queue_length 50\n"
        await rig.start()
        await until(lambda: of(rig.events(), "firing"))
        rig.rules(rules().replace("> 20", "> ("))
        rig.rules("groups: [{name: other, rules: [{record: r2, expr: up}]}]", "other.yml")
        await until(lambda: _metric(rig, 'tocsin_config_last_reload_successful{kind="rules"} 0.0'))
        status, text = await rig.call("/-/reload", method="POST")
        assert status == 500
        assert 'rules/shop.yml:7:5: group "celery", rule "Backlog": could not parse expression' in text
        names = {rule["name"] for group in (await rig.api("rules"))["groups"] for rule in group["rules"]}
        assert names == {"tocsin:celery_queue_length", "Backlog", "r2"}
        rig.rules(rules())
        await until(lambda: _metric(rig, 'tocsin_config_last_reload_successful{kind="rules"} 1.0'))
        assert (await rig.call("/-/reload", method="POST"))[0] == 200
        assert of(rig.events(), "resolved") == []

    async def test_a_removed_rule_resolves_its_alert(self, rig, redis_url, until):
        rig.redis_url = redis_url
        rig.rules(rules())
        rig.target.page = "celery_queue_length 50\n"
        await rig.start()
        await until(lambda: of(rig.events(), "firing"))
        (rig.home / "rules" / "shop.yml").unlink()
        await until(lambda: of(rig.events(), "resolved"))
        await until(lambda: not _stored(redis_url))
        assert (await rig.api("query?query=ALERTS"))["result"] == []


async def _query(rig, text):
    return text in (await rig.api("rules"))["groups"][0]["rules"][1]["query"]


async def _metric(rig, line):
    return line in (await rig.call("/metrics"))[1]


class TestRedisAway:
    async def test_alerts_go_by_post_and_catch_up(self, rig, own_redis, until):
        rig.redis_url = own_redis.url
        rig.rules(rules())
        rig.target.page = "celery_queue_length 1\n"
        await rig.start()
        await until(lambda: _value(rig, "tocsin:celery_queue_length", "1"))
        own_redis.kill()
        rig.target.page = "celery_queue_length 50\n"
        await until(lambda: rig.notifier.alerts)
        posted = rig.notifier.alerts[0]
        assert posted["labels"]["alertname"] == "Backlog"
        assert posted["tocsin"]["status"] == "firing"
        assert posted["startsAt"].endswith("Z")
        assert rig.notifier.tokens == {f"Bearer {(rig.home / 'data/secrets/service-token').read_text().strip()}"}
        assert await _metric(rig, 'tocsin_dependency_up{dependency="redis"} 0.0')
        own_redis.start()
        events = await until(rig.events)
        assert events[0]["starts_at"] == posted["tocsin"]["starts_at"]
        await until(lambda: _stored(own_redis.url))
        await until(lambda: _metric(rig, 'tocsin_dependency_up{dependency="redis"} 1.0'))

    async def test_it_starts_without_redis_and_finds_its_state_later(self, rig, own_redis, until):
        rig.redis_url = own_redis.url
        rig.rules(rules("for: 1s"))
        rig.target.page = "celery_queue_length 50\n"
        await rig.start()
        first = (await until(lambda: of(rig.events(), "firing")))[0]
        await rig.stop()
        own_redis.kill()
        await rig.start()
        own_redis.start()
        await until(lambda: len(of(rig.events(), "firing")) > 2)
        await until(lambda: _same_start(rig, first["starts_at"]))
        assert of(rig.events(), "resolved") == []

    async def test_a_notifier_that_refuses_is_tried_again(self, rig, own_redis, until):
        own_redis.kill()
        rig.redis_url = own_redis.url
        rig.notifier.status = 500
        rig.rules(rules())
        rig.target.page = "celery_queue_length 50\n"
        await rig.start()
        await until(lambda: _metric(rig, 'tocsin_alert_publish_failures_total{reason="status_5xx",way="post"}'))
        rig.notifier.status = 200
        assert (await until(lambda: rig.notifier.alerts))[0]["tocsin"]["rule"]["name"] == "Backlog"


async def _same_start(rig, start):
    found = (await rig.api("alerts"))["alerts"]
    return found and found[0]["tocsin"]["starts_at"] == start
