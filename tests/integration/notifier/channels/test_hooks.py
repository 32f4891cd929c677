"""Providers' calls at a whole notifier: an answer becomes an acknowledgement, and the message shows it."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import asyncpg
import pytest
from redis.asyncio import Redis

from services.common.bus import BusUnavailableError
from services.common.events import ActionEvent
from services.notifier.actions import Actions
from services.notifier.channels.kit.inbound import CallRefusedError, Receipt, acknowledgements
from services.notifier.channels.kit.twilio import signature
from services.notifier.hooks import Hooks
from services.notifier.receipt_inbox import KEY, ReceiptInbox
from tests.integration.notifier.channels.catalog import BY_KEY, OTHER, SECRET
from tests.integration.notifier.conftest import event, eventually, eventually_async, mail_config, publish

pytestmark = pytest.mark.integration
TIMES = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h", "group_by": ["alertname"]}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def config(standin, *keys: str, **changes) -> dict:
    common: dict = {}
    receiver: dict = {"name": "ops"}
    for key in keys:
        kind = BY_KEY[key]
        common |= kind.globals(standin.url)
        receiver[f"{key}_configs"] = [{**kind.config(standin.url), **changes}]
    standin.usual = lambda seen: _answer(keys, seen)
    return {"global": common, "route": {"receiver": "ops", **TIMES}, "receivers": [receiver]}


def _answer(keys, seen):
    key = "pagerduty" if "enqueue" in seen.path else "slack" if "/chat." in seen.path else keys[0]
    return BY_KEY[key].ok(seen)


def pressed(value: str) -> tuple[bytes, dict[str, str]]:
    payload = {
        "type": "block_actions", "user": {"id": "U1", "username": "anna"},
        "actions": [{"action_id": "tocsin_acknowledge", "value": value, "type": "button"}],
    }  # fmt: skip
    body, at = urlencode({"payload": json.dumps(payload)}).encode(), str(int(time.time()))
    digest = hmac.new(OTHER.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return body, {**FORM, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


def by_twilio(path: str, **fields: str) -> tuple[bytes, dict[str, str]]:
    given = list({"AccountSid": "AC123", **fields}.items())
    text = signature(SECRET, f"https://tocsin.example.com{path}", given)
    return urlencode(given).encode(), {**FORM, "X-Twilio-Signature": text}


def ticket(seen) -> str:
    return seen.json["attachments"][-1]["blocks"][0]["elements"][0]["value"]


async def test_slacks_button_acknowledges_everywhere(place, standin, redis):
    place.write(config(standin, "slack", "pagerduty"))
    running = await place.start()
    alert = event(starts_at=time.time() - 5)
    await publish(redis, alert)
    await eventually(lambda: len(standin.seen) == 2)
    posted = next(seen for seen in standin.seen if "/chat." in seen.path)

    async with place.client(running) as client:
        del client.headers["Authorization"]
        body, headers = pressed(ticket(posted))
        answer = await client.post("/hooks/slack/ops/actions", content=body, headers=headers)
        assert (answer.status_code, answer.text) == (200, "")
        again = await client.post("/hooks/slack/ops/actions", content=body, headers=headers)
        assert again.status_code == 409

    # The message is changed in place, and the incident elsewhere is taken on.
    await eventually(lambda: len(standin.seen) == 4)
    by_path = {seen.path: seen.json for seen in standin.seen[2:]}
    assert by_path["/api/chat.update"]["attachments"][-1]["blocks"][0]["elements"][0]["text"] == "Acknowledged by anna."
    assert by_path["/v2/enqueue"]["event_action"] == "acknowledge"
    assert running.pipeline.state.acks[alert.alert_id].by == "anna"
    (entry,) = await redis.xrange("tocsin:actions")
    action = ActionEvent.model_validate_json(entry[1][b"event"])
    assert (action.kind, action.alert_id, action.by, action.comment) == (
        "acknowledge",
        alert.alert_id,
        "anna",
        "by Slack",
    )

    given_back = action.model_copy(update={"kind": "unacknowledge", "at": time.time(), "action_id": "x"})
    await redis.xadd("tocsin:actions", {"event": given_back.encode()})
    await eventually(lambda: len(standin.seen) == 5)
    assert ticket(standin.last)


async def test_a_press_counts_also_after_a_restart(place, standin, redis):
    place.write(config(standin, "slack"))
    await place.start()
    alert = event(starts_at=time.time() - 5)
    await publish(redis, alert)
    await eventually(lambda: standin.seen)
    await place.stop()
    running = await place.start()
    async with place.client(running) as client:
        body, headers = pressed(ticket(standin.seen[0]))
        assert (await client.post("/hooks/slack/ops/actions", content=body, headers=headers)).status_code == 200
    await eventually(lambda: len(standin.seen) == 2)
    assert standin.last.path == "/api/chat.update"
    await publish(redis, event(status="resolved", starts_at=alert.starts_at, sent_at=time.time()))
    await eventually(lambda: len(standin.seen) == 3)
    assert standin.last.json["attachments"][-1]["blocks"][0]["elements"][0]["text"] == "Resolved."


async def test_a_press_counts_without_redis(place_without_redis, standin):
    place = place_without_redis
    place.write(config(standin, "slack"))
    running = await place.start()
    alert = event(starts_at=time.time() - 5)
    async with place.client(running) as client:
        item = {"labels": alert.labels, "annotations": alert.annotations}
        assert (await client.post("/api/v2/alerts", json=[item])).status_code == 200
        await eventually(lambda: standin.seen)
        body, headers = pressed(ticket(standin.seen[0]))
        assert (await client.post("/hooks/slack/ops/actions", content=body, headers=headers)).status_code == 200
    await eventually(lambda: len(standin.seen) == 2)
    assert standin.last.path == "/api/chat.update"


async def test_a_reply_by_sms_and_twilios_receipts(place, standin, redis, migrated_dsn):
    place.dsn = migrated_dsn
    place.write(config(standin, "twilio_sms"))
    running = await place.start()
    alert = event(starts_at=time.time() - 5)
    await publish(redis, alert)
    await eventually(lambda: standin.seen)
    await eventually_async(lambda: redis.get("tocsin:notifier:channel:receipt:SM1"))

    async with place.client(running) as client:
        del client.headers["Authorization"]
        path = "/hooks/twilio_sms/ops/status"
        for status in ("sent", "undelivered"):
            body, headers = by_twilio(path, MessageSid="SM1", MessageStatus=status, ErrorCode="30003")
            assert (await client.post(path, content=body, headers=headers)).status_code == 200
        body, headers = by_twilio(path, MessageSid="SM-unknown", MessageStatus="failed")
        assert (await client.post(path, content=body, headers=headers)).status_code == 200

        path = "/hooks/twilio_sms/ops/reply"
        body, headers = by_twilio(path, MessageSid="SM2", From="+4915110", Body="ack")
        answer = await client.post(path, content=body, headers=headers)
        assert answer.headers["Content-Type"].startswith("text/xml")
        assert "<Message>Acknowledged: CeleryQueueBacklog summary.</Message>" in answer.text

    await eventually(lambda: alert.alert_id in running.pipeline.state.acks)
    kept = json.loads(await redis.get("tocsin:notifier:channel:receipt:SM1"))
    assert kept["receipt"]["status"] == "undelivered"
    connection = await asyncpg.connect(migrated_dsn)
    query = "SELECT result, reason, detail, provider_id, recipient FROM notifications ORDER BY at"

    async def both() -> bool:
        return len(await connection.fetch(query)) == 2

    await eventually_async(both)
    rows = [tuple(row) for row in await connection.fetch(query)]
    await connection.close()
    assert rows == [
        ("delivered", "", "", "SM1", "+4915110"),
        ("permanent_failure", "provider_undelivered", "error 30003", "SM1", "+4915110"),
    ]


async def test_a_late_undelivered_falls_over_to_the_contacts_next_channel(place, standin, mailbox, redis):
    given = config(standin, "twilio_sms")
    sms = given["receivers"][0].pop("twilio_sms_configs")[0]
    given["receivers"][0]["contact_configs"] = [{"contact": "anna"}]
    given["global"] |= mail_config(mailbox)["global"]
    given["contacts"] = [{"name": "anna", "email": "a@example.com", "channels": [{"twilio_sms": sms}, {"email": {}}]}]
    place.write(given)
    active = await place.start(instance="a")
    standby = await place.start(instance="b")
    await publish(redis, event(starts_at=time.time() - 5))
    await eventually(lambda: standin.seen)

    async def saved() -> bool:
        return await redis.hlen("tocsin:notifier:unconfirmed") == 1

    await eventually_async(saved)
    path = "/hooks/twilio_sms/contact:anna/status"
    quoted = "/hooks/twilio_sms/contact%3Aanna/status"
    body, headers = by_twilio(quoted, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003")
    async with place.client(standby) as client:  # the copy that works reads it
        assert (await client.post(path, content=body, headers=headers)).status_code == 200
    await eventually(lambda: mailbox.mails)
    await eventually(lambda: not active.pipeline.state.unconfirmed)
    await eventually(lambda: len(active.pipeline.state.attempts) == 4)
    assert [(one.channel, one.result.value, one.reason) for one in active.pipeline.state.attempts.values()] == [
        ("twilio_sms", "delivered", ""),
        ("twilio_sms", "permanent_failure", "provider_undelivered"),
        ("twilio_sms", "noted", "fell_over"),
        ("email", "delivered", ""),
    ]
    assert not await redis.exists(KEY)


async def test_a_receipt_that_no_copy_can_keep_is_to_be_sent_again(place_without_redis, standin):
    place_without_redis.write(config(standin, "twilio_sms"))
    running = await place_without_redis.start()
    async with place_without_redis.client(running) as client:
        await client.post("/api/v2/alerts", json=[{"labels": {"alertname": "A"}}])
    await eventually(lambda: running.pipeline.state.attempts)
    running.pipeline.active = False
    told = Receipt("SM1", "delivered")
    assert not await ReceiptInbox(running.pipeline, None).take({}, told)
    async with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
        assert not await ReceiptInbox(running.pipeline, nobody).take({}, told)
        running.pipeline.store.online = True
        await ReceiptInbox(running.pipeline, nobody).round()
        running.pipeline.store.online = False
    await running.memory.put("receipt:SM1", {"message": {}}, 60)
    async with place_without_redis.client(running) as client:
        path = "/hooks/twilio_sms/ops/status"
        body, headers = by_twilio(path, MessageSid="SM1", MessageStatus="delivered")
        assert (await client.post(path, content=body, headers=headers)).status_code == 503


async def test_a_copy_that_stands_by_takes_calls_too(place, standin, redis):
    place.write(config(standin, "twilio_sms"))
    active = await place.start(instance="a")
    standby = await place.start(instance="b")
    assert standby.ready()
    alert = event(starts_at=time.time() - 5)
    await publish(redis, alert)
    await eventually_async(lambda: redis.get("tocsin:notifier:channel:receipt:SM1"))
    async with place.client(standby) as client:
        path = "/hooks/twilio_sms/ops/status"
        body, headers = by_twilio(path, MessageSid="SM1", MessageStatus="delivered")
        assert (await client.post(path, content=body, headers=headers)).status_code == 200
        path = "/hooks/twilio_sms/ops/reply"
        body, headers = by_twilio(path, MessageSid="SM2", From="+4915110", Body="DISMISS")
        assert (await client.post(path, content=body, headers=headers)).status_code == 200
    await eventually(lambda: alert.alert_id in active.pipeline.state.acks)
    kept = json.loads(await redis.get("tocsin:notifier:channel:receipt:SM1"))
    assert kept["receipt"]["status"] == "delivered"
    await eventually(
        lambda: "provider_delivered" in [one.reason for one in active.pipeline.state.attempts.values()], seconds=60
    )


class AwayBus:
    async def publish(self, *_args, **_options):
        raise BusUnavailableError("away")


async def test_while_the_streams_are_away_the_working_copy_acts_at_once(place_without_redis, standin):
    place = place_without_redis
    place.write(config(standin, "slack"))
    running = await place.start()
    hooks = Hooks(
        running.pipeline, Actions(running.pipeline, AwayBus()), running.memory, ReceiptInbox(running.pipeline, None),
        external_url="https://tocsin.example.com",
    )  # fmt: skip
    actions = acknowledgements(["a-1"], by="anna", channel="Slack", call_id="c", at=time.time())
    await hooks._publish(actions)
    assert running.pipeline.state.acks["a-1"].by == "anna"
    running.pipeline.active = False
    with pytest.raises(CallRefusedError, match="standing_by"):
        await hooks._publish(actions)


async def test_calls_that_lead_nowhere(place, standin, hook):
    written = config(standin, "slack")
    written["receivers"][0]["webhook_configs"] = [{"url": hook.url}]
    place.write(written)
    running = await place.start()
    async with place.client(running) as client:
        del client.headers["Authorization"]
        for path, body, status in (
            ("/hooks/slack/ops/actions", b"payload=%7B%7D", 403),
            ("/hooks/slack/ops/actions", b"x" * 70_000, 413),
            ("/hooks/slack/none/actions", b"", 404),
            ("/hooks/slack/ops/else", b"", 404),
            ("/hooks/webhook/ops/actions", b"", 404),
            ("/hooks/nothing/ops/actions", b"", 404),
            ("/hooks/slack", b"", 404),
        ):
            assert (await client.post(path, content=body, headers=FORM)).status_code == status, path
        assert (await client.post("/api/v2/alerts", json=[])).status_code == 401
        metrics = (await client.get("/metrics")).text
    assert 'tocsin_notifier_provider_calls_total{channel="slack",result="unsigned"} 1.0' in metrics


async def test_a_long_body_without_a_length(place, standin):
    place.write(config(standin, "slack"))
    running = await place.start()

    async def chunks():
        for _ in range(70):
            yield b"x" * 1000

    async with place.client(running) as client:
        answer = await client.post("/hooks/slack/ops/actions", content=chunks(), headers=FORM)
        assert answer.status_code == 413
