"""Alertmanager's own acceptance stories (test/with_api_v2/acceptance), told anew: posts in, webhooks out."""

import asyncio
import datetime as dt
import time

import asyncpg
import pytest
import yaml

from services.common.testing.clock import ManualClock
from tests.integration.notifier.conftest import eventually, eventually_async, hook_config, passing

pytestmark = pytest.mark.integration


def stamp(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat()


def alert(name: str, *, starts: float | None = None, ends: float | None = None, note: str = "", **labels: str) -> dict:
    found: dict = {"labels": {"alertname": name, **labels}, "annotations": {"note": note} if note else {}}
    found |= {"startsAt": stamp(starts)} if starts is not None else {}
    return found | ({"endsAt": stamp(ends)} if ends is not None else {})


@pytest.fixture
def post(place):
    async def send(running, *alerts: dict) -> None:
        async with place.client(running) as client:
            answer = await client.post("/api/v2/alerts", json=list(alerts))
            assert answer.status_code == 200, answer.text

    return send


async def silence(place, running, **matcher: object) -> str:
    async with place.client(running) as client:
        now = time.time()
        body = {"matchers": [{"isRegex": False, **matcher}], "startsAt": stamp(now), "endsAt": stamp(now + 600),
                "createdBy": "anna", "comment": "deploy"}  # fmt: skip
        answer = await client.post("/api/v2/silences", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["silenceID"])


async def test_merge_overlapping_posts_are_one_alert_with_the_newest_text(place, hook, post):
    place.write(hook_config(hook, route={"group_wait": "300ms"}))
    running = await place.start()
    now = time.time()
    await post(running, alert("A", starts=now - 60, ends=now + 60, note="v1"))
    await post(running, alert("A", starts=now - 30, ends=now + 90, note="v2"))
    await eventually(lambda: hook.bodies)
    (told,) = hook.bodies[0]["alerts"]
    assert told["annotations"] == {"note": "v2"}
    assert told["startsAt"].startswith(stamp(now - 60)[:19])


async def test_batching_alerts_of_a_group_wait_for_each_other(place, hook, post):
    place.write(hook_config(hook, route={"group_wait": "500ms", "group_by": []}))
    running = await place.start()
    await post(running, alert("A"), alert("B"))
    await post(running, alert("C"))
    await eventually(lambda: hook.bodies)
    assert sorted(name for name, _ in hook.told) == ["A", "B", "C"]
    assert len(hook.bodies) == 1


async def test_repeat_what_goes_on_is_said_again(place, hook, post):
    place.write(hook_config(hook, route={"group_interval": "100ms", "repeat_interval": "200ms"}))
    running = await place.start()
    await post(running, alert("A"))
    await eventually(lambda: len(hook.bodies) >= 3)
    assert {len(body["alerts"]) for body in hook.bodies} == {1}
    keys = [headers["Idempotency-Key"] for headers in hook.headers]
    assert len(set(keys)) == len(keys)  # a repeat is a message of its own


async def test_resolved_is_told_with_what_still_fires(place, hook, post):
    place.write(hook_config(hook, route={"group_interval": "200ms", "group_by": []}))
    running = await place.start()
    began = time.time() - 1
    await post(running, alert("A", starts=began), alert("B", starts=began))
    await eventually(lambda: hook.bodies)
    await post(running, alert("A", starts=began, ends=time.time()))
    await eventually(lambda: len(hook.bodies) == 2)
    body = hook.bodies[1]
    assert (body["status"], sorted(hook.told[2:])) == ("firing", [("A", "resolved"), ("B", "firing")])
    await post(running, alert("B", starts=began, ends=time.time()))
    await eventually(lambda: len(hook.bodies) == 3)
    assert (hook.bodies[2]["status"], hook.told[-1]) == ("resolved", ("B", "resolved"))


async def test_cold_start_what_was_told_before_is_not_told_again(place, hook, post):
    place.write(hook_config(hook))
    running = await place.start()
    began = time.time() - 10
    await post(running, alert("A", starts=began))
    await eventually(lambda: hook.bodies)
    held = await silence(place, running, name="alertname", value="Quiet")
    await place.stop()
    again = await place.start()
    await post(again, alert("A", starts=began), alert("Quiet"), alert("B"))
    await eventually(lambda: len(hook.bodies) == 2)
    assert hook.told == [("A", "firing"), ("B", "firing")]
    assert held in again.pipeline.state.silences
    await post(again, alert("A", starts=began, ends=time.time()))
    await eventually(lambda: hook.told[-1] == ("A", "resolved"))


async def test_reload_by_a_changed_file_keeps_what_is_known(place, hook, post):
    place.write(hook_config(hook))
    running = await place.start()
    await post(running, alert("A"))
    await eventually(lambda: hook.bodies)
    # A little later, so that the watch is at work.
    changed = hook_config(hook, route={"group_by": ["alertname", "team"]})

    async def in_force() -> bool:
        place.write(changed)
        return len(running.pipeline.generation.tree.group_by) == 2

    await eventually_async(in_force)
    await post(running, alert("B"))
    await eventually(lambda: ("B", "firing") in hook.told)
    text = running.telemetry.registry.get_sample_value
    name = "tocsin_config_last_reload_successful"
    assert text(name, {"kind": "alertmanager"}) == 1

    def refused() -> bool:
        (place.folder / "alertmanager.yml").write_text("route: {", encoding="utf-8")
        return text(name, {"kind": "alertmanager"}) == 0

    await eventually(refused)
    assert len(running.pipeline.generation.tree.group_by) == 2
    assert yaml.safe_load(running.pipeline.generation.shown())["route"]["group_by"] == ["alertname", "team"]


async def test_webhook_time_out_is_tried_again_and_told_once(place, hook, post):
    hook.hang = asyncio.Event()
    place.write(hook_config(hook, timeout="1s"))
    running = await place.start()
    await post(running, alert("A"))
    await eventually(lambda: hook.calls >= 2)
    hook.hang.set()
    await eventually(lambda: not running.pipeline.state.queue)
    reasons = [one.reason for one in running.pipeline.state.attempts.values()]
    assert reasons[0] == "timeout"
    assert reasons[-1] == ""
    assert len({headers["Idempotency-Key"] for headers in hook.headers}) == 1


async def test_inhibiting_the_cause_hides_what_follows(place, hook, post):
    config = hook_config(hook, route={"group_interval": "200ms"})
    config["inhibit_rules"] = [
        {"source_match": {"alertname": "Job"}, "target_match_re": {"alertname": "Instance|X"}, "equal": ["dc"]}
    ]
    place.write(config)
    running = await place.start()
    began = time.time() - 1
    await post(running, alert("Job", starts=began, dc="1"))
    await post(running, alert("Instance", dc="1"), alert("Instance", dc="2"))
    await eventually(lambda: len(hook.told) == 2)
    assert [body["alerts"][0]["labels"] for body in hook.bodies] == [
        {"alertname": "Job", "dc": "1"}, {"alertname": "Instance", "dc": "2"}]  # fmt: skip
    async with place.client(running) as client:
        groups = (await client.get("/api/v2/alerts/groups", params={"inhibited": "false"})).json()
        assert sorted(len(group["alerts"]) for group in groups) == [1, 1]
        assert (await client.get("/api/v2/alerts/groups", params={"receiver": "other"})).json() == []
        assert (await client.get("/api/v2/alerts", params={"active": "maybe"})).status_code == 400
        assert (await client.get("/api/v2/alerts/groups", params={"receiver": "("})).status_code == 400
    await post(running, alert("Job", starts=began, ends=time.time(), dc="1"))
    await eventually(lambda: sum(name == "Instance" for name, _ in hook.told) >= 3)


async def test_silencing_and_what_the_log_says_of_it(place, hook, post, migrated_dsn):
    place.dsn = migrated_dsn
    place.write(hook_config(hook, route={"group_interval": "100ms"}))
    running = await place.start()
    silence_id = await silence(place, running, name="alertname", value="A")
    await post(running, alert("A"), alert("B"))
    await eventually(lambda: hook.told == [("B", "firing")])
    connection = await asyncpg.connect(migrated_dsn)
    try:

        async def logged() -> bool:
            row = await connection.fetchrow("SELECT * FROM notifications WHERE result = 'suppressed'")
            return row is not None and row["reason"] == "silenced" and silence_id in row["detail"]

        await eventually_async(logged)
        async with place.client(running) as client:
            assert (await client.delete(f"/api/v2/silence/{silence_id}")).status_code == 200
            assert (await client.delete(f"/api/v2/silence/{silence_id}")).status_code == 200
            shown = (await client.get(f"/api/v2/silence/{silence_id}")).json()
            assert shown["status"] == {"state": "expired"}
        await eventually(lambda: ("A", "firing") in hook.told)
        assert await connection.fetchval("SELECT count(*) FROM notifications WHERE result = 'suppressed'") == 1
    finally:
        await connection.close()


async def test_what_the_silences_api_refuses(place, hook):
    place.write(hook_config(hook))
    running = await place.start()
    good = {"matchers": [{"name": "a", "value": "b", "isRegex": False}], "startsAt": stamp(1), "endsAt": stamp(9e9),
            "createdBy": "a", "comment": "c"}  # fmt: skip
    async with place.client(running) as client:
        for status, body in (
            (400, {**good, "matchers": []}),
            (400, {**good, "endsAt": stamp(2)}),
            (400, {**good, "startsAt": "soon"}),
            (404, {**good, "id": "unknown"}),
            (200, good),
        ):
            answer = await client.post("/api/v2/silences", json=body)
            assert answer.status_code == status, answer.text
        assert (await client.post("/api/v2/silences", content=b"{")).status_code == 400
        assert (await client.get("/api/v2/silences", params={"filter": "a=b"})).json()[0]["comment"] == "c"
        assert (await client.get("/api/v2/silences", params={"filter": "a=c"})).json() == []
        assert (await client.get("/api/v2/silences", params={"filter": "="})).status_code == 400
        assert (await client.get("/api/v2/silence/unknown")).status_code == 404


async def test_two_instances_exactly_one_message(place, hook, post):
    place.write(hook_config(hook))
    one, two = await place.start(instance="one", lease="2s"), await place.start(instance="two", lease="2s")
    for running in (one, two):  # a Prometheus posts to all; who stands by says so
        async with place.client(running) as client:
            await client.post("/api/v2/alerts", json=[alert(f"A{number}") for number in range(20)])
    await eventually(lambda: len(hook.bodies) >= 20)
    await eventually(lambda: not one.pipeline.state.queue)
    assert sorted(hook.told) == sorted((f"A{number}", "firing") for number in range(20))


async def test_a_receiver_that_fails_for_half_an_hour_is_told_and_said_to_be_broken(place, hook, mailbox, post):
    place.clock = clock = ManualClock(time.time())
    config = hook_config(hook)
    config["global"] = {"smtp_smarthost": f"127.0.0.1:{mailbox.port}", "smtp_from": "t@example.com",
                        "smtp_require_tls": False}  # fmt: skip
    config["receivers"].append({"name": "mail", "email_configs": [{"to": "sre@example.com"}]})
    place.write(config)
    hook.answers = [(503, {})] * 10_000
    running = await place.start(watch_files=False, retry_first="1s", retry_longest="2m")
    state = running.pipeline.state
    await post(running, alert("A", ends=clock.now() + 7200))
    await passing(clock, lambda: clock.monotonic() > 1800 and mailbox.mails, step=5)
    assert hook.bodies == []
    assert [mail["Subject"] for mail in mailbox.mails][:1] == ["[CRITICAL] Receiver hook can't be reached by webhook/0"]
    hook.answers.clear()
    await passing(clock, lambda: hook.bodies and len(mailbox.mails) >= 2, step=5)
    assert ("A", "firing") in hook.told
    assert any("[RESOLVED]" in subject for subject in mailbox.subjects)
    assert not [one for one in state.attempts.values() if one.result.value == "expired" and one.receiver == "hook"]


@pytest.mark.parametrize("jump", [-3600, 3600])
async def test_a_clock_that_jumps_loses_nothing(place, hook, post, jump):
    place.clock = clock = ManualClock(time.time())
    place.write(hook_config(hook, route={"group_interval": "10s"}))
    running = await place.start(watch_files=False)
    await post(running, alert("A", ends=clock.now() + 90_000))
    await passing(clock, lambda: hook.told == [("A", "firing")], step=1)
    clock.jump(jump)
    await post(running, alert("B", ends=clock.now() + 90_000))
    await passing(clock, lambda: ("B", "firing") in hook.told, step=1)
    await post(running, alert("A", ends=clock.now() - 1))
    await passing(clock, lambda: ("A", "resolved") in hook.told or jump > 0, step=1)
    if jump < 0:
        assert [name for name, status in hook.told if status == "firing"].count("A") == 1
