"""From an event on the stream to a message at a real server, and what people do in between."""

import time
from datetime import datetime

import asyncpg
import pytest

from services.common.events import ActionEvent, alert_id
from tests.integration.notifier.conftest import (
    event,
    eventually,
    eventually_async,
    hook_config,
    mail_config,
    publish,
)

pytestmark = pytest.mark.integration


async def test_an_alert_is_mailed_and_its_end_too(place, mailbox, redis):
    place.write(mail_config(mailbox))
    await place.start()
    began = time.time() - 5
    await publish(redis, event(starts_at=began))
    await eventually(lambda: mailbox.mails)
    await publish(redis, event("CeleryQueueBacklog", "resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: len(mailbox.mails) == 2)

    firing, resolved = mailbox.mails
    assert mailbox.subjects == [
        "[CRITICAL] CeleryQueueBacklog summary",
        "[RESOLVED] CeleryQueueBacklog summary",
    ]
    text = firing.get_body(("plain",)).get_content()
    for part in ("45 tasks pending (threshold: 20)", "Where: celery", "Do: Scale up Celery workers"):
        assert part in text
    assert "https://tocsin.example.com/trends?metric=queue" in text
    assert f"https://tocsin.example.com/alerts/{event(starts_at=began).alert_id}#acknowledge" in text
    assert firing["Auto-Submitted"] == "auto-generated"
    assert firing["In-Reply-To"] is None
    assert resolved["In-Reply-To"] == firing["Message-ID"]
    html = firing.get_body(("html",)).get_content()
    assert "Open and acknowledge" in html
    assert "https://tocsin.example.com/alerts/" in html


async def test_a_webhook_gets_alertmanagers_json(place, hook, redis):
    place.write(hook_config(hook))
    await place.start()
    await publish(redis, event(starts_at=1_800_000_000.5))
    await eventually(lambda: hook.bodies)
    body = hook.bodies[0]
    alert = event(starts_at=1_800_000_000.5)
    assert body == {
        "receiver": "hook",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": "2027-01-15T08:00:00.5Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": alert.fingerprint,
            }
        ],
        "groupLabels": {"alertname": "CeleryQueueBacklog"},
        "commonLabels": alert.labels,
        "commonAnnotations": alert.annotations,
        "externalURL": "https://tocsin.example.com",
        "version": "4",
        "groupKey": '{}:{alertname="CeleryQueueBacklog"}',
        "truncatedAlerts": 0,
    }
    assert len(hook.headers[0]["Idempotency-Key"]) == 32


async def test_the_same_event_again_and_again_is_one_message(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start()
    began = time.time() - 5
    for number in range(5):
        await publish(redis, event(starts_at=began, sent_at=began + number))
    await publish(redis, event("Other", starts_at=began))
    await eventually(lambda: ("Other", "firing") in hook.told)
    await publish(redis, event("Other", "resolved", starts_at=began, sent_at=began + 9))
    await eventually(lambda: ("Other", "resolved") in hook.told)
    assert hook.told.count(("CeleryQueueBacklog", "firing")) == 1
    assert running.pipeline.store.online


async def test_attempts_are_in_postgres(place, hook, redis, migrated_dsn):
    place.dsn = migrated_dsn
    place.write(hook_config(hook))
    hook.answers = [(503, {})]
    await place.start()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)
    connection = await asyncpg.connect(migrated_dsn)
    try:

        async def both() -> bool:
            return await connection.fetchval("SELECT count(*) FROM notifications") == 2

        await eventually_async(both)
        rows = await connection.fetch("SELECT * FROM notifications ORDER BY attempt")
    finally:
        await connection.close()
    assert [(row["result"], row["reason"]) for row in rows] == [
        ("temporary_failure", "server_error"),
        ("delivered", ""),
    ]
    assert rows[0]["delivery_id"] == rows[1]["delivery_id"]
    assert rows[1]["alert_ids"] == [hook_alert_id(hook)]
    assert rows[1]["channel"] == "webhook"
    assert rows[1]["recipient"].startswith("http://127.0.0.1:")
    assert "/hook" not in rows[1]["recipient"]


def hook_alert_id(hook) -> str:
    alert = hook.bodies[0]["alerts"][0]
    return alert_id(alert["fingerprint"], datetime.fromisoformat(alert["startsAt"]).timestamp())


async def test_acknowledged_is_not_repeated_and_given_back_is(place, hook, redis):
    place.write(hook_config(hook, route={"group_interval": "100ms", "repeat_interval": "200ms"}))
    await place.start()
    began = time.time() - 5
    alert = event(starts_at=began)
    await publish(redis, alert)
    await eventually(lambda: len(hook.bodies) >= 3)  # the first and two repeats

    def action(kind: str, at: float) -> ActionEvent:
        return ActionEvent(action_id=f"{kind}{at}", kind=kind, at=at, by="anna", alert_id=alert.alert_id)

    await publish(redis, action("acknowledge", 1.0), stream="tocsin:actions")
    await publish(redis, event("Other", starts_at=began))
    running = place
    await eventually(lambda: hook.told.count(("Other", "firing")) >= 1)
    count = hook.told.count(("CeleryQueueBacklog", "firing"))
    await eventually(lambda: hook.told.count(("Other", "firing")) >= 4)
    assert hook.told.count(("CeleryQueueBacklog", "firing")) <= count + 1
    await publish(redis, action("unacknowledge", 2.0), stream="tocsin:actions")
    await eventually(lambda: hook.told.count(("CeleryQueueBacklog", "firing")) >= count + 2)
    await publish(redis, action("acknowledge", 3.0), stream="tocsin:actions")
    await publish(redis, event("CeleryQueueBacklog", "resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: ("CeleryQueueBacklog", "resolved") in hook.told)
    assert running


async def test_a_test_notification_goes_to_the_receiver(place, mailbox, redis):
    place.write(mail_config(mailbox))
    running = await place.start()
    await publish(
        redis,
        ActionEvent(action_id="a1", kind="test", at=time.time(), by="anna", receiver="nobody"),
        ActionEvent(action_id="a2", kind="test", at=time.time(), by="anna", receiver="mail"),
        stream="tocsin:actions",
    )
    await eventually(lambda: mailbox.mails)
    assert mailbox.subjects == ["[TEST] Test notification"]
    registry = running.telemetry.registry
    failed = {"kind": "test", "result": "unknown_receiver"}
    assert registry.get_sample_value("tocsin_notifier_actions_total", failed) == 1


async def test_what_can_not_be_read_is_put_aside_with_the_reason(place, hook, redis):
    place.write(hook_config(hook))
    await place.start()
    await redis.xadd("tocsin:alerts", {"event": b"{no json"})
    await redis.xadd("tocsin:alerts", {"event": b'{"schema_version": 99}'})
    await redis.xadd("tocsin:alerts", {"event": b'{"schema_version": 1, "fingerprint": "x"}'})
    await redis.xadd("tocsin:alerts", {"other": b"field"})
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)
    dead = await redis.xrange("tocsin:alerts:dead")
    assert [fields[b"reason"] for _, fields in dead] == [b"not_json", b"unknown_schema", b"invalid_event", b"not_json"]
    assert dead[0][1][b"payload"] == b"{no json"
    assert (await redis.xpending("tocsin:alerts", "notifier"))["pending"] == 0
