"""What channels remember where there is no Redis, or while it is away."""

from redis.exceptions import ConnectionError as RedisAwayError

from services.common.testing.clock import ManualClock
from services.notifier.channels.kit import memory as module
from services.notifier.channels.kit.memory import Memory


class Away:
    """A Redis that can be switched off."""

    def __init__(self) -> None:
        self.off, self.rows = True, {}

    async def set(self, key, data, *, px, nx=False):
        self._check()
        if nx and key in self.rows:
            return None
        self.rows[key] = data
        return True

    async def get(self, key):
        self._check()
        return self.rows.get(key)

    def _check(self) -> None:
        if self.off:
            raise RedisAwayError("away")


async def test_values_live_for_their_time():
    clock = ManualClock()
    memory = Memory(clock)
    await memory.put("a", {"x": 1}, 60.0)
    assert await memory.get("a") == {"x": 1}
    await clock.advance(60.0)
    assert await memory.get("a") is None
    assert await memory.get("b") is None


async def test_a_key_is_claimed_once_in_its_time():
    clock = ManualClock()
    memory = Memory(clock)
    assert [await memory.claim("a", 60.0), await memory.claim("a", 60.0)] == [True, False]
    await clock.advance(60.0)
    assert await memory.claim("a", 60.0)


async def test_what_was_kept_while_redis_was_away_is_newer_than_what_it_has():
    redis = Away()
    memory = Memory(ManualClock(), redis)
    redis.off = False
    await memory.put("a", {"x": 1}, 60.0)
    redis.off = True
    assert await memory.get("a") is None
    await memory.put("a", {"x": 2}, 60.0)
    assert not await memory.claim("a", 60.0)
    assert await memory.claim("c", 60.0)
    redis.off = False
    assert await memory.get("a") == {"x": 2}
    assert not await memory.claim("c", 60.0)
    await memory.put("a", {"x": 3}, 60.0)
    assert await memory.get("a") == {"x": 3}


async def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_MOST_LOCAL", 3)
    memory = Memory(ManualClock())
    for number in range(5):
        await memory.put(str(number), {"n": number}, 60.0)
    assert [await memory.get(str(number)) for number in range(5)] == [None, None, {"n": 2}, {"n": 3}, {"n": 4}]


async def test_what_is_no_object_is_nothing():
    redis = Away()
    redis.off = False
    redis.rows["tocsin:notifier:channel:a"] = b"[1]"
    assert await Memory(ManualClock(), redis).get("a") is None
