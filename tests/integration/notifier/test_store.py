"""The saved form: fencing, a connection that breaks in the middle, a Redis that hangs, entries that break us."""

import asyncio
import time

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline as RedisPipeline
from redis.exceptions import WatchError

from services.notifier.alerts import Acknowledgement
from services.notifier.state import State
from services.notifier.store import LEASE_KEY, LeaseLostError, Store
from tests.integration.notifier.conftest import event, eventually, eventually_async, hook_config, publish

pytestmark = pytest.mark.integration


@pytest.fixture
async def store(redis: Redis) -> Store:
    made = Store(redis, owner="me|1", lease=10)
    await made.recover(State(), begin=True)
    return made


def changed() -> State:
    state = State()
    state.put_ack("a-1", Acknowledgement(by="anna", at=1.0))
    return state


@pytest.mark.parametrize("holder", [b"me|1", None])
async def test_a_transaction_that_is_cut_off_is_no_lost_lease(store, redis, monkeypatch, holder):
    async def cut_off(_self, *_args, **_kwargs):
        if holder is None:
            await redis.delete(LEASE_KEY)
        raise WatchError("A ConnectionError occurred on while watching one or more keys")

    state = changed()
    with monkeypatch.context() as patched:
        patched.setattr(RedisPipeline, "execute", cut_off)
        assert await store.commit(state) is False
    assert not store.online
    assert state.dirty.acks
    await store.recover(state)
    assert store.online
    assert await redis.hexists("tocsin:notifier:acks", "a-1")


async def test_a_lease_that_changes_hands_under_a_transaction_is_lost(store, redis, monkeypatch):
    execute = RedisPipeline.execute

    async def stolen(self, *args, **kwargs):
        await redis.set(LEASE_KEY, "other|1")
        return await execute(self, *args, **kwargs)

    monkeypatch.setattr(RedisPipeline, "execute", stolen)
    with pytest.raises(LeaseLostError, match="other holds"):
        await store.commit(changed())
    assert not await redis.hexists("tocsin:notifier:acks", "a-1")
    with pytest.raises(LeaseLostError):
        await store.recover(State())


async def test_taking_the_lease_at_the_same_moment_is_tried_again(redis, monkeypatch):
    execute = RedisPipeline.execute
    thefts = []

    async def stolen(self, *args, **kwargs):
        if not thefts:
            thefts.append(await redis.set(LEASE_KEY, "other|1"))
        return await execute(self, *args, **kwargs)

    monkeypatch.setattr(RedisPipeline, "execute", stolen)
    store = Store(redis, owner="me|1", lease=10)
    with pytest.raises(ConnectionError):
        await store.acquire()
    assert await store.acquire() is False


async def test_the_lease_is_given_back_only_by_its_holder(store, redis):
    await redis.set(LEASE_KEY, "other|1")
    await store.release()
    assert await redis.get(LEASE_KEY) == b"other|1"
    await redis.set(LEASE_KEY, "me|1")
    await store.release()
    assert await redis.get(LEASE_KEY) is None


async def test_without_redis_there_is_nothing_to_save():
    store = Store(None, owner="me|1", lease=10)
    assert await store.commit(changed()) is False
    assert await store.ping() is False
    await store.release()
    assert not store.configured


async def test_giving_the_lease_back_to_a_dead_redis_harms_nothing():
    async with Redis.from_url("redis://127.0.0.1:1/0") as nobody:
        store = Store(nobody, owner="me|1", lease=10)
        store.online = True
        await store.release()
        assert await store.ping() is False


async def test_an_entry_that_breaks_us_again_and_again_is_put_aside_and_the_rest_goes_on(
    place, hook, redis, monkeypatch
):
    place.write(hook_config(hook))
    running = await place.start()
    apply = type(running.pipeline.engine).apply

    def touchy(self, reports, now):
        if any(report.event.labels["alertname"] == "Cursed" for report in reports):
            raise RuntimeError("a bug")
        return apply(self, reports, now)

    monkeypatch.setattr(type(running.pipeline.engine), "apply", touchy)
    pipe = redis.pipeline()
    for item in (event("Cursed", starts_at=time.time()), event("Good", starts_at=time.time())):
        pipe.xadd("tocsin:alerts", {"event": item.encode()})
    await pipe.execute()
    await eventually(lambda: ("Good", "firing") in hook.told)
    dead = await redis.xrange("tocsin:alerts:dead")
    assert [fields[b"reason"] for _, fields in dead] == [b"processing_failed"]


async def test_a_channel_with_a_bug_is_a_failure_like_another(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start()
    (integration,) = running.pipeline.generation.integrations.values()
    send, calls = integration.send, []

    async def broken(message):
        calls.append(message)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return await send(message)

    integration.send = broken
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.bodies)
    reasons = [item.reason for item in running.pipeline.state.attempts.values()]
    assert reasons[0] == "internal_error"


async def test_a_stop_lets_a_message_that_is_under_way_arrive_and_notes_it(place, hook, redis):
    hook.hang = asyncio.Event()
    place.write(hook_config(hook))
    await place.start()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: hook.calls == 1)
    stopping = asyncio.create_task(place.stop())
    await asyncio.sleep(0)
    hook.hang.set()
    await stopping
    assert len(hook.bodies) == 1
    assert await redis.hlen("tocsin:notifier:outbox") == 0
    assert await redis.get(LEASE_KEY) is None
    await place.start()
    await publish(redis, event("Next", starts_at=time.time()))
    await eventually(lambda: ("Next", "firing") in hook.told)
    assert hook.told.count(("CeleryQueueBacklog", "firing")) == 1


async def test_what_waits_for_a_receiver_that_the_configuration_dropped_still_goes_to_it(place, hook, redis):
    hook.answers = [(503, {"Retry-After": "1"})]
    place.write(hook_config(hook))
    running = await place.start()
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: running.pipeline.state.attempts)
    place.write({"route": {"receiver": "none"}, "receivers": [{"name": "none"}]})
    await running.reload()
    await eventually(lambda: not running.pipeline.state.queue)
    reasons = [item.reason for item in running.pipeline.state.attempts.values()]
    assert reasons == ["server_error", ""]
    assert hook.told == [("CeleryQueueBacklog", "firing")]


NONE = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}


async def test_who_was_told_by_a_receiver_that_is_gone_hears_the_end(place, hook, redis):
    place.write(hook_config(hook, route={"group_interval": "50ms"}))
    running = await place.start()
    began = time.time()
    await publish(redis, event(starts_at=began))
    await eventually(lambda: hook.told == [("CeleryQueueBacklog", "firing")])
    place.write(NONE)
    await running.reload()
    assert len(running.pipeline.former) == 1
    await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: ("CeleryQueueBacklog", "resolved") in hook.told)
    await eventually(lambda: not running.pipeline.former)  # nobody is left to be told: it is closed


async def test_a_reload_between_a_delivery_and_its_record_loses_no_end(place, hook, redis):
    hook.hang = asyncio.Event()
    place.write(hook_config(hook))
    running = await place.start(watch_files=False)
    began = time.time()
    await publish(redis, event(starts_at=began))
    await eventually(lambda: hook.calls == 1)
    place.write(NONE)
    await running.reload()
    (former,) = running.pipeline.former
    (integration,) = former.integrations.values()
    await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: len(running.pipeline.state.queue) == 2)  # the end waits for what is under way
    hook.hang.set()
    await eventually(lambda: ("CeleryQueueBacklog", "resolved") in hook.told)
    assert hook.told.count(("CeleryQueueBacklog", "firing")) == 1
    await eventually(lambda: former.closed)
    assert integration._client._opened.closed


async def test_a_stop_closes_configurations_that_were_still_needed(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start(watch_files=False)
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: running.pipeline.state.attempts)
    place.write(NONE)
    await running.reload()
    (former,) = running.pipeline.former
    await place.stop()
    assert former.closed
    assert running.pipeline.generation.closed


async def test_after_a_restart_a_receiver_that_is_gone_is_said_to_be_gone(place, hook, redis):
    place.write(hook_config(hook))
    await place.start()
    began = time.time()
    await publish(redis, event(starts_at=began))
    await eventually(lambda: hook.told)
    await place.stop()
    place.write(NONE)
    running = await place.start()
    await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: [one.reason for one in running.pipeline.state.attempts.values()][-1:] == ["receiver_gone"])


async def test_the_same_address_under_another_receivers_name_hears_the_end(place, hook, redis):
    place.write(hook_config(hook))
    await place.start()
    began = time.time()
    await publish(redis, event(starts_at=began))
    await eventually(lambda: hook.told)
    await place.stop()
    config = hook_config(hook)
    config["receivers"][0]["name"] = config["route"]["receiver"] = "renamed"
    place.write(config)
    await place.start()
    await publish(redis, event(status="resolved", starts_at=began, sent_at=time.time()))
    await eventually(lambda: ("CeleryQueueBacklog", "resolved") in hook.told)


async def test_what_another_version_wrote_goes_to_the_dead_letters(place, hook, redis):
    await redis.hset("tocsin:notifier:outbox", "x", b"{}")
    place.write(hook_config(hook))
    await place.start()
    ((_, letter),) = await redis.xrange("tocsin:alerts:dead")
    assert (letter[b"stream"], letter[b"reason"], letter[b"payload"]) == (b"outbox", b"unreadable_state", b"{}")
    assert not await redis.hexists("tocsin:notifier:outbox", "x")


async def test_an_entry_that_breaks_our_own_code_goes_to_the_dead_letters(place, hook, redis):
    place.write(hook_config(hook))
    running = await place.start(retry_first="1ms", retry_longest="1ms")
    (integration,) = running.pipeline.generation.integrations.values()

    async def breaks(message) -> str:
        raise KeyError("a mistake of ours")

    integration.send = breaks
    await publish(redis, event(starts_at=time.time()))
    await eventually(lambda: len(running.pipeline.state.attempts) == 5)
    await eventually(lambda: not running.pipeline.state.queue)

    async def buried() -> bool:
        return await redis.xlen("tocsin:alerts:dead") == 1

    await eventually_async(buried)
    ((_, letter),) = await redis.xrange("tocsin:alerts:dead")
    assert (letter[b"stream"], letter[b"reason"]) == (b"outbox", b"internal_error: KeyError")
