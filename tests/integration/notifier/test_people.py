"""People on real servers: Redis, SMTP, the notifier's own HTTP; time is driven."""

import re
import time

import httpx
import pytest

from services.common.events import ActionEvent
from services.common.testing.clock import ManualClock
from services.notifier.trial_run import UnknownNameError, try_out
from tests.integration.notifier.conftest import event, eventually, eventually_async, passing, publish

pytestmark = pytest.mark.integration


def config(mailbox, **more) -> dict:
    def person(name: str, **fields) -> dict:
        return {"name": name, "email": f"{name}@example.com", "channels": [{"email": {}}], **fields}

    return {
        "global": {
            "smtp_smarthost": f"127.0.0.1:{mailbox.port}", "smtp_from": "tocsin@example.com", "smtp_require_tls": False,
        },
        "route": {"receiver": "ops", "group_wait": "0s", "group_interval": "30s", "group_by": ["alertname"]},
        "receivers": [{"name": "ops", "escalation_configs": [{"policy": "ops"}]}],
        "contacts": [person("anna", **more), person("bert")],
        "schedules": [
            {
                "name": "primary", "time_zone": "Europe/Berlin",
                "rotations": [{"members": ["anna"], "starts": "2020-01-01T09:00", "every": "week"}],
            }
        ],
        "escalation_policies": [
            {
                "name": "ops",
                "steps": [{"notify": {"schedule": "primary"}, "wait": "5m"}, {"notify": {"contact": "bert"}}],
            }
        ],
    }  # fmt: skip


def rcpt(mailbox) -> list[str]:
    return [str(mail["X-Rcpt"]) for mail in mailbox.mails]


def link(mail) -> str:
    (found,) = set(re.findall(r"https://tocsin\.example\.com(/ack/\S+)", mail.get_body(("plain",)).get_content()))
    return found


async def test_from_the_breach_to_an_answer_by_mail(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    place.write(config(mailbox))
    running = await place.start()
    began = clock.now()
    await publish(redis, event(starts_at=began))
    await eventually(lambda: rcpt(mailbox) == ["anna@example.com"])
    await clock.advance(299)
    assert len(mailbox.mails) == 1
    await clock.advance(2)
    await eventually(lambda: rcpt(mailbox) == ["anna@example.com", "bert@example.com"])
    assert "nobody has acknowledged it yet" in mailbox.mails[1].get_body(("plain",)).get_content()

    base = f"http://127.0.0.1:{running.port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        path = link(mailbox.mails[1])
        for _ in range(3):  # a scanner of mails looks at every link
            page = await client.get(path)
            assert page.status_code == 200
        assert "Acknowledge as bert@example.com" in page.text
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert not running.pipeline.state.acks
        done = await client.post(path)
        assert (done.status_code, "Acknowledged" in done.text) == (200, True)
        again = await client.post(path)
        assert (again.status_code, "used already" in again.text) == (409, True)
        assert (await client.get("/ack/YWNr.AAAA")).status_code == 404
    await eventually(lambda: running.pipeline.state.acks)
    (ack,) = running.pipeline.state.acks.values()
    assert (ack.by, ack.comment) == ("bert@example.com", "by a mail's link")
    (_, fields), *_ = await redis.xrange("tocsin:actions")
    assert ActionEvent.model_validate_json(fields[b"event"]).by == "bert@example.com"
    await eventually(lambda: not running.pipeline.state.escalations)

    sent_at = clock.now()
    await publish(redis, event(status="resolved", starts_at=began, sent_at=sent_at))
    await eventually(lambda: not next(iter(running.pipeline.state.alerts.values())).firing)
    await clock.advance(40)
    await eventually(lambda: len(mailbox.mails) == 4)
    assert sorted(rcpt(mailbox)[2:]) == ["anna@example.com", "bert@example.com"]
    assert {subject[:10] for subject in mailbox.subjects[2:]} == {"[RESOLVED]"}


def link_to_all(mail) -> str:
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    path = re.search(
        r"Acknowledge all 3 that fire, without a login \(once\):\s+https://tocsin\.example\.com(/ack/\S+)", text
    )[1]
    assert path in html
    return path


async def test_one_link_takes_on_all_alerts_of_a_mail(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    place.write(config(mailbox))
    running = await place.start()
    alerts = [event(starts_at=clock.now(), instance=f"host-<{number}>") for number in range(3)]
    pipe = redis.pipeline()
    for alert in alerts:
        pipe.xadd("tocsin:alerts", {"event": alert.encode()})
    await pipe.execute()
    await eventually(lambda: mailbox.mails)
    path = link_to_all(mailbox.mails[0])
    ended = event(status="resolved", starts_at=alerts[2].starts_at, sent_at=clock.now(), instance="host-<2>")
    await publish(redis, ended)
    state = running.pipeline.state
    await eventually(lambda: not state.alerts[ended.alert_id].firing)

    base = f"http://127.0.0.1:{running.port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        page = await client.get(path)
        assert page.text.count("<li>") == 2  # what fires still
        assert "Acknowledge all 2 as anna@example.com" in page.text
        assert not state.acks
        done = await client.post(path)
        assert (done.status_code, done.text.count("<li>")) == (200, 2)
        await eventually(lambda: len(state.acks) == 2)
        assert {ack.by for ack in state.acks.values()} == {"anna@example.com"}
        assert (await client.post(path)).status_code == 409
        gone = running.links.acknowledge_all_url("0" * 32, "anna@example.com", clock.now()).rpartition("/")[2]
        lost = await client.get(f"/ack/{gone}")
        assert (lost.status_code, "no longer known" in lost.text) == (409, True)
    await eventually(lambda: not state.escalations)
    assert len(await redis.xrange("tocsin:actions")) == 2


async def test_timers_outlive_the_process(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    place.write(config(mailbox))
    await place.start()
    await publish(redis, event(starts_at=clock.now()))
    await eventually(lambda: rcpt(mailbox) == ["anna@example.com"])

    async def saved() -> bool:
        return await redis.hlen("tocsin:notifier:escalations") == 1 and await redis.hlen("tocsin:notifier:outbox") == 0

    await eventually_async(saved)
    await place.stop()
    clock.jump(400)  # it was due while nobody was there
    running = await place.start()
    running.pipeline.caught_up()
    await clock.advance(2)
    await eventually(lambda: rcpt(mailbox) == ["anna@example.com", "bert@example.com"])


async def test_what_is_held_outlives_the_process_and_comes_as_one_mail(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    always = {"time_zone": "UTC", "from": "00:00", "to": "00:00", "critical_passes": False}
    place.write(config(mailbox, quiet_hours=[always]))
    running = await place.start()
    for name in ("A", "B"):
        await publish(redis, event(name, starts_at=clock.now(), severity="warning"))
    await eventually(lambda: len(running.pipeline.state.held) == 2)
    await eventually_async(lambda: redis.hlen("tocsin:notifier:held"))
    await place.stop()
    assert mailbox.mails == []
    place.write(config(mailbox))
    running = await place.start()
    running.pipeline.caught_up()
    await clock.advance(2)
    await eventually(lambda: len(mailbox.mails) == 1)
    text = mailbox.mails[0].get_body(("plain",)).get_content()
    assert "2 still firing, 0 resolved meanwhile" in text
    assert mailbox.subjects in (["[WARNING] A summary (+1 more)"], ["[WARNING] B summary (+1 more)"])


async def test_an_acknowledgement_runs_out_and_somebody_is_reminded(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    place.write(config(mailbox))
    running = await place.start()
    alert = event(starts_at=clock.now())
    await publish(redis, alert)
    await eventually(lambda: len(mailbox.mails) == 1)
    action = ActionEvent(
        action_id="1", kind="acknowledge", at=clock.now(), by="anna", alert_id=alert.alert_id, expires_in=600
    )
    await redis.xadd("tocsin:actions", {"event": action.encode()})
    await eventually(lambda: running.pipeline.state.acks)
    await passing(clock, lambda: len(mailbox.mails) == 2, step=5)
    assert not running.pipeline.state.acks[alert.alert_id].active
    assert rcpt(mailbox)[1] == "anna@example.com"
    assert "its acknowledgement has run out" in mailbox.mails[1].get_body(("plain",)).get_content()


async def test_preferences_of_people_are_taken_over(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    place.write(config(mailbox))
    running = await place.start()
    await redis.hset("tocsin:people", "anna", b'{"deliver": "all", "rate_limit": {"per_hour": 2}}')
    await redis.hset("tocsin:people", "bert", b"nonsense")
    posting = running.pipeline.engine.posting
    await passing(clock, lambda: posting.directory.contacts["anna"].rate_limit is not None, step=1)
    assert running.pipeline.engine.posting.directory.contacts["anna"].deliver == "all"
    await eventually(lambda: running.telemetry.registry.get_sample_value("tocsin_notifier_preferences_ignored") == 1)


async def test_schedules_are_listed_and_fed(place, mailbox):
    place.write(config(mailbox))
    running = await place.start()
    async with place.client(running) as client:
        (found,) = (await client.get("/api/v1/schedules")).json()
        assert (found["name"], found["onCall"], found["timeZone"]) == ("primary", ["anna"], "Europe/Berlin")
    base = f"http://127.0.0.1:{running.port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        assert (await client.get("/api/v1/schedules")).status_code == 401
        feed = await client.get(found["feed"])
        assert feed.headers["Content-Type"].startswith("text/calendar")
        assert "SUMMARY:anna on call (primary)" in feed.text
        assert (await client.get("/api/v1/schedules/primary.ics?token=x")).status_code == 403
        assert (await client.get("/api/v1/schedules/primary.ics")).status_code == 403


async def test_a_real_test_message_to_a_contact_and_a_receiver(place, mailbox):
    place.write(config(mailbox))
    running = await place.start()
    generation, clock = running.pipeline.generation, place.clock
    (tried,) = await try_out(generation, clock, contact="anna", by="root")
    assert (tried.integration, tried.recipient, tried.problem) == ("email/0", "anna@example.com", "")
    assert mailbox.subjects == ["[TEST] Test notification"]
    assert {one.recipient for one in await try_out(generation, clock, receiver="ops", by="root")} == {
        "anna@example.com", "bert@example.com",
    }  # fmt: skip
    mailbox.rcpt_answers = ["550 no such user"]
    (tried,) = await try_out(generation, clock, contact="anna", by="root")
    assert "550" in tried.problem
    for wrong in ({"contact": "nobody"}, {"receiver": "nobody"}):
        with pytest.raises(UnknownNameError, match="nobody"):
            await try_out(generation, clock, **wrong, by="root")


async def test_a_broken_channel_falls_over_to_the_next(place, mailbox, redis):
    place.clock = clock = ManualClock(time.time())
    given = config(mailbox)
    second = {"email": {"to": "second@example.com"}}
    given["contacts"][0] |= {"channels": [{"email": {}}, second], "fallback_after": "1m"}
    place.write(given)
    running = await place.start()
    mailbox.rcpt_answers = ["550 5.1.1 no such user"]
    await publish(redis, event(starts_at=clock.now()))
    await eventually(lambda: rcpt(mailbox) == ["second@example.com"])
    results = [(one.result.value, one.reason) for one in running.pipeline.state.attempts.values()]
    assert ("noted", "fell_over") in results
