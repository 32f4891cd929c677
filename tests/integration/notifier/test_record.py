"""What a Prometheus posts is in the lasting record, whoever evaluates the rules."""

import time

import pytest

from services.api.alerts.record import AlertRecord
from services.common.events import ALERTS_STREAM, AlertEvent
from services.common.storage import Database
from tests.integration.notifier.conftest import eventually, eventually_async, hook_config

pytestmark = pytest.mark.integration


async def read(redis) -> list[AlertEvent]:
    return [AlertEvent.model_validate_json(fields[b"event"]) for _, fields in await redis.xrange(ALERTS_STREAM)]


async def test_a_posted_alert_is_in_the_history(place, hook, redis, migrated_dsn):
    place.write(hook_config(hook, route={"group_interval": "50ms"}))
    running = await place.start()
    began = time.time()
    labels = {"alertname": "DiskFull", "severity": "critical", "instance": "db1"}
    async with place.client(running) as client:
        await client.post("/api/v2/alerts", json=[{"labels": labels, "annotations": {"summary": "Disk is full"}}])
        await eventually(lambda: hook.told == [("DiskFull", "firing")])
        for _ in range(3):  # Prometheus says it again and again
            await client.post("/api/v2/alerts", json=[{"labels": labels}])
        over = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        await client.post("/api/v2/alerts", json=[{"labels": labels, "endsAt": over}])
        await eventually(lambda: ("DiskFull", "resolved") in hook.told)

    async def both() -> bool:
        return [one.status.value for one in await read(redis)][-1:] == ["resolved"]

    await eventually_async(both)
    events = await read(redis)
    assert [one.status.value for one in events] == ["firing", "resolved"]
    assert {one.source for one in events} == {"posted"}

    async def read_by_us() -> bool:
        (group,) = await redis.xinfo_groups(ALERTS_STREAM)
        (last, _) = (await redis.xrange(ALERTS_STREAM))[-1]
        return (group["last-delivered-id"], group["pending"]) == (last, 0)

    await eventually_async(read_by_us)
    assert hook.told == [("DiskFull", "firing"), ("DiskFull", "resolved")]  # our own reading changed nothing
    database = Database(migrated_dsn, name="test")
    await AlertRecord(database).store_events(events)
    (row,) = await database.fetch("SELECT name, severity, status, starts_at, ends_at FROM alert_history")
    await database.close()
    assert (row["name"], row["severity"], row["status"]) == ("DiskFull", "critical", "resolved")
    assert abs(row["starts_at"].timestamp() - began) < 60


async def test_it_can_be_left_out(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start(record_posted=False)
    async with place.client(running) as client:
        await client.post("/api/v2/alerts", json=[{"labels": {"alertname": "A"}}])
    await eventually(lambda: hook.told)
    assert await read(redis) == []
    assert running.pipeline.state.unpublished == {}
