from services.common.bus import connect_redis
from services.common.events import HEARTBEAT_KEY
from services.common.heartbeat import HeartbeatWriter, read_heartbeats
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock


async def test_a_heartbeat_is_read_by_others_and_goes_by_itself(redis_url):
    redis, clock = connect_redis(redis_url), ManualClock(start=1000)
    missing = {"what": ""}
    writer = HeartbeatWriter(redis, Telemetry("api"), clock, instance="i1", interval=5, ready=lambda: missing["what"])
    await writer.beat()
    missing["what"] = "no database"
    clock.jump(7)
    await HeartbeatWriter(
        redis, Telemetry("notifier"), clock, instance="i2", interval=5, ready=lambda: missing["what"]
    ).beat()
    first, second = await read_heartbeats(redis)
    assert (first.service, first.instance, first.at, first.ready) == ("api", "i1", 1000, True)
    assert (second.service, second.ready, second.detail) == ("notifier", False, "no database")
    key = HEARTBEAT_KEY.format(service="api", instance="i1")
    assert 0 < await redis.pttl(key) <= 15_000
    await redis.aclose()


async def test_what_is_not_understood_is_passed_over(redis_url):
    redis = connect_redis(redis_url)
    assert await read_heartbeats(redis) == []
    await redis.set(HEARTBEAT_KEY.format(service="api", instance="x"), b"not json")
    assert await read_heartbeats(redis) == []
    await redis.aclose()
