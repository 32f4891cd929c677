"""The process dies at each point where it waits for the world; another life over the same Redis goes on.

A crash is raised just before, or just after, an operation on Redis or on the channel takes effect; then everything of
that life is dropped and a new one is built. What must hold: every change is told, and told once, save where the crash
falls between the receiver's acceptance and our record of it; there the same Idempotency-Key goes out again.
"""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from typing import Self

import pytest
from redis.asyncio import Redis

from services.common.bus import RedisBus
from services.common.clock import SystemClock
from services.common.events import ActionEvent
from services.common.telemetry import Telemetry
from services.notifier.config import NotifierConfig
from services.notifier.consumer import ActionConsumer, AlertConsumer
from services.notifier.delivery import Dispatcher
from services.notifier.engine import Limits
from services.notifier.pipeline import Pipeline
from services.notifier.receivers import build_generation
from services.notifier.store import Store
from services.notifier.telemetry import NotifierMetrics
from tests.integration.notifier.conftest import event, eventually_async, hook_config, publish

pytestmark = pytest.mark.integration
START = 1_700_000_000.0


class Crash(BaseException):
    """The end of a process: nothing may catch it and go on."""


class Fuse:
    """Counts the points that are passed and crashes at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0
        self.blown_at = ""
        self.unrecorded: set[str] = set()
        """What the receiver had accepted at the crash, and we had no record of."""

    def point(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.blown_at = name
            raise Crash(name)

    def around(self, owner: object, method: str) -> None:
        inner = getattr(owner, method)

        async def guarded(*args, **kwargs):
            self.point(f"before {method}")
            result = await inner(*args, **kwargs)
            self.point(f"after {method}")
            return result

        setattr(owner, method, guarded)


class Life:
    """One process's worth of notifier, driven by hand."""

    def __init__(self, place, url: str, fuse: Fuse) -> None:
        self.place, self.url, self.fuse = place, url, fuse

    async def __aenter__(self) -> Self:
        clock, config = SystemClock(), NotifierConfig.model_validate({"retry_first": "10ms"})
        self.stack = AsyncExitStack()
        self.generation = await build_generation(config, base=self.place.folder, external_url="http://t", clock=clock)
        redis = Redis.from_url(self.url)
        self.stack.push_async_callback(redis.aclose)
        self.stack.push_async_callback(self.generation.stack.aclose)
        store = Store(redis, owner=f"test|{id(self)}", lease=10)
        self.pipeline = Pipeline(
            store, self.generation, clock=clock, metrics=NotifierMetrics(Telemetry("notifier")),
            limits=Limits(), max_attempts=100,
        )  # fmt: skip
        bus = RedisBus(redis, clock)
        self.fuse.around(store, "_execute")
        self.fuse.around(bus, "read_group")
        for integration in self.generation.integrations.values():
            self.fuse.around(integration, "send")
        self.alerts = AlertConsumer(bus, self.pipeline, lambda: None)
        self.actions = ActionConsumer(bus, self.pipeline)
        self.dispatcher = Dispatcher(self.pipeline, clock, config)
        return self

    async def __aexit__(self, *_args) -> None:
        for task in self.dispatcher._running.values():
            task.cancel()
        await asyncio.gather(*self.dispatcher._running.values(), return_exceptions=True)
        await self.stack.aclose()

    async def live(self, quiet_rounds: int = 2) -> None:
        """Work until there is nothing to do."""
        assert await self.pipeline.begin()
        quiet = 0
        while quiet < quiet_rounds:
            before = (await self.read(), len(self.pipeline.state.queue))
            await self.deliver()
            idle = before == (0, 0) and not self.pipeline.state.queue and not self.dispatcher._finished
            waiting = any(
                not member.view.firing
                for g in self.pipeline.state.groups.values()
                for member in g.core.members.values()
            )
            quiet = quiet + 1 if idle and not waiting else 0

    async def read(self) -> int:
        async def quick(consumer) -> int:
            read = consumer._bus.read_group
            count = 0

            async def once(*args, **kwargs):
                nonlocal count
                entries = await read(*args, **{**kwargs, "block_ms": 0})
                count = len(entries)
                return entries

            consumer._bus.read_group = once
            try:
                await consumer.round()
            finally:
                consumer._bus.read_group = read
            return count

        return await quick(self.alerts) + await quick(self.actions)

    async def deliver(self) -> None:
        await self.dispatcher.exchange()
        running = list(self.dispatcher._running.values())
        for task in running:
            await asyncio.wait([task])
            if task.exception() is not None:
                raise task.exception()
        if running:
            await self.dispatcher.exchange()


async def one_run(place, url: str, hook, crash_at: int) -> Fuse:
    """Tell firing, crash at the given point, live again, then tell the end the same way."""
    redis = Redis.from_url(url)
    fuse = Fuse(crash_at)
    try:
        await publish(redis, event(starts_at=START), event("Muted", starts_at=START, muted="cooldown"))
        await redis.xadd("tocsin:alerts", {"event": b"poison"})
        action = ActionEvent(action_id="1", kind="test", at=START, by="anna", receiver="hook")
        await publish(redis, action, stream="tocsin:actions")
        await until_done(place, url, fuse, hook)
        await publish(redis, event(status="resolved", starts_at=START, sent_at=START + 60))
        await publish(redis, event("Muted", "resolved", starts_at=START, sent_at=START + 60, muted="cooldown"))
        await until_done(place, url, fuse, hook)
        assert len(await redis.xrange("tocsin:alerts:dead")) == 1
        assert (await redis.xpending("tocsin:alerts", "notifier"))["pending"] == 0
        assert await redis.hlen("tocsin:notifier:outbox") == 0
        assert await redis.hlen("tocsin:notifier:groups") == 0
    finally:
        await redis.aclose()
    return fuse


def accepted(hook) -> set[str]:
    return {headers["Idempotency-Key"] for headers in hook.headers}


async def recorded(url: str) -> set[str]:
    async with Redis.from_url(url) as redis:
        rows = [json.loads(row) for row in await redis.hvals("tocsin:notifier:attempts")]
    return {row["delivery_id"] for row in rows if row["result"] == "delivered"}


async def until_done(place, url: str, fuse: Fuse, hook) -> None:
    for _ in range(3):
        try:
            async with Life(place, url, fuse) as life:
                await life.live()
        except Crash:
            fuse.unrecorded = accepted(hook) - await recorded(url)
            continue
        return
    raise AssertionError("it never came to rest")


@pytest.mark.timeout(300)
async def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(place, hook, redis_url, redis):
    place.write(hook_config(hook, route={"group_interval": "1ms"}))
    # Without a crash, to see what is right.
    fuse = await one_run(place, redis_url, hook, crash_at=0)
    expected = sorted(hook.told)
    assert expected == [
        ("CeleryQueueBacklog", "firing"), ("CeleryQueueBacklog", "resolved"), ("TocsinTest", "firing"),
    ]  # fmt: skip
    points = fuse.passed
    assert points > 20
    doubled = 0
    for crash_at in range(1, points + 1):
        await redis.flushall()
        hook.bodies.clear()
        hook.headers.clear()
        fuse = await one_run(place, redis_url, hook, crash_at)
        keys = Counter(headers["Idempotency-Key"] for headers in hook.headers)
        where = f"{fuse.blown_at} ({crash_at})"
        assert sorted(set(hook.told)) == expected, f"lost at {where}"
        assert len(keys) == len(expected), f"sent again under a new key at {where}"
        assert {key for key, count in keys.items() if count > 1} <= fuse.unrecorded, f"doubled at {where}"
        doubled += len(keys) != keys.total()
    # Else the crashes would not have fallen where they can do harm.
    assert doubled > 0


async def test_attempts_are_kept_for_postgres_across_a_crash(place, hook, redis_url, redis):
    place.write(hook_config(hook))
    await publish(redis, event(starts_at=START))
    async with Life(place, redis_url, Fuse(0)) as life:
        await life.live()

    async def kept() -> bool:
        return await redis.hlen("tocsin:notifier:attempts") == 1

    await eventually_async(kept)
    async with Life(place, redis_url, Fuse(0)) as life:
        await life.pipeline.begin()
        (attempt,) = life.pipeline.state.attempts.values()
        assert attempt.result.value == "delivered"
