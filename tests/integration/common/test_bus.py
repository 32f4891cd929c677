import pytest

from services.common.bus import Bus, BusUnavailableError, RedisBus, connect_redis
from services.common.clock import SystemClock
from services.common.testing.bus import MemoryBus


@pytest.fixture(params=["redis", "memory"])
async def bus(request):
    if request.param == "memory":
        yield MemoryBus(SystemClock())
        return
    url = request.getfixturevalue("redis_url")
    client = connect_redis(url)
    yield RedisBus(client, SystemClock())
    await client.aclose()


async def read(bus: Bus, consumer="a", *, idle=60_000, count=10):
    return await bus.read_group("s", "g", consumer, count=count, block_ms=0, claim_idle_ms=idle)


async def test_a_group_reads_from_the_beginning_in_order_and_each_entry_once(bus):
    ids = await bus.publish("s", [b"1", b"2", b"3"], keep_seconds=60)
    first = await read(bus, "a", count=2)
    second = await read(bus, "b")
    assert [e.payload for e in first] == [b"1", b"2"]
    assert [e.payload for e in second] == [b"3"]
    assert [e.entry_id for e in first + second] == ids


async def test_what_a_dead_consumer_held_is_claimed_with_its_count(bus):
    await bus.publish("s", [b"1", b"2"], keep_seconds=60)
    held = await read(bus, "dead")
    await bus.ack("s", "g", [held[0].entry_id])
    claimed = await read(bus, "heir", idle=0)
    assert [(e.payload, e.deliveries) for e in claimed] == [(b"2", 2)]


async def test_acknowledged_entries_never_come_back(bus):
    await bus.publish("s", [b"1"], keep_seconds=60)
    entries = await read(bus)
    await bus.ack("s", "g", [e.entry_id for e in entries])
    assert await read(bus, idle=0) == []


async def test_lag_counts_the_unseen_and_the_unacknowledged(bus):
    await bus.publish("s", [b"1", b"2", b"3"], keep_seconds=60)
    entries = await read(bus, count=2)
    assert await bus.lag("s", "g") == 3
    await bus.ack("s", "g", [entries[0].entry_id])
    assert await bus.lag("s", "g") == 2
    assert await bus.lag("nowhere", "g") == 0


async def test_a_reader_without_a_group_sees_everything_after_an_id(bus):
    assert await bus.last_id("s") == "0-0"
    (first,) = await bus.publish("s", [b"1"], keep_seconds=60)
    (second,) = await bus.publish("s", [b"2"], keep_seconds=60)
    assert await bus.last_id("s") == second
    assert [e.payload for e in await bus.read_after("s", first, count=5, block_ms=10)] == [b"2"]
    assert await bus.read_after("s", second, count=5, block_ms=10) == []


async def test_a_group_survives_the_loss_of_its_stream(redis_url):
    client = connect_redis(redis_url)
    bus = RedisBus(client, SystemClock())
    await bus.publish("s", [b"1"], keep_seconds=60)
    await read(bus)
    await client.flushall()
    await bus.publish("s", [b"2"], keep_seconds=60)
    assert [e.payload for e in await read(bus)] == [b"2"]
    await client.aclose()


async def test_old_entries_are_trimmed(redis_url):
    client = connect_redis(redis_url)
    bus = RedisBus(client, SystemClock())
    await client.xadd("s", {b"event": b"old"}, id="1000-0")
    await bus.publish("s", [b"new"] * 200, keep_seconds=60)
    assert await client.xlen("s") <= 201
    rest = await client.xrange("s", count=1)
    assert rest[0][1][b"event"] in (b"old", b"new")
    await client.aclose()


async def test_a_storm_is_bounded_by_number(redis_url):
    client = connect_redis(redis_url)
    bus = RedisBus(client, SystemClock(), max_entries=100)
    await bus.publish("s", [b"x"] * 1000, keep_seconds=3600)
    assert await client.xlen("s") <= 200
    await client.aclose()


async def test_an_absent_redis_is_a_bus_error():
    client = connect_redis("redis://127.0.0.1:1/0")
    with pytest.raises(BusUnavailableError, match="Redis is away"):
        await RedisBus(client, SystemClock()).publish("s", [b"1"], keep_seconds=60)
    memory = MemoryBus(SystemClock())
    memory.available = False
    with pytest.raises(BusUnavailableError):
        await memory.last_id("s")
