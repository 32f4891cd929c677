"""Faults that are switched on and off while the shop runs; each part causes its own for real."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.clock import Clock

FAULTS_KEY = "demo:faults"
NOTHING = "nothing"
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Fault:
    """One thing that can be broken: its name, what is done, and the alert to expect first."""

    name: str
    does: str
    alert: str


FAULTS = (
    Fault("celery", "kills the Celery workers, so that tasks pile up", "CeleryDown"),
    Fault("payments", "the payment gateway answers 503 or not at all", "HighPaymentFailureRate"),
    Fault("api-slow", "the shop asks its price service one item at a time", "HighApiResponseTime"),
    Fault("api-errors", "a release with a bug: every third order ends in an exception", "HighApiErrorRate"),
    Fault("db-connections", "a job opens connections and never gives them back", "HighPostgresConnections"),
    Fault("db-lock", "a forgotten transaction holds an exclusive lock on the orders", "PostgresBlockedSessions"),
    Fault("redis-memory", "a cache without expiry fills Redis", "HighRedisMemory"),
    Fault("websocket", "the feed accepts connections and then says nothing", "WebSocketDown"),
)
NAMES = tuple(fault.name for fault in FAULTS)


class UnknownFaultError(ValueError):
    """A name that is not in the list; the message shows the list."""


def find(name: str) -> Fault:
    """Return the fault of that name; raises UnknownFaultError."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise UnknownFaultError(f"no fault is called {name!r}; there are: {', '.join(NAMES)}")


async def set_fault(redis_url: str, name: str, *, broken: bool) -> Fault:
    """Switch one fault; the part that it concerns follows within `POLL_SECONDS`."""
    fault = find(name)
    async with Redis.from_url(redis_url) as redis:
        if broken:
            await redis.sadd(FAULTS_KEY, name)
        else:
            await redis.srem(FAULTS_KEY, name)
    return fault


class FaultWatch:
    """The faults that are on, as last read; a part asks `watch.on("celery")` or is told of changes."""

    def __init__(self, redis: Redis, clock: Clock, changed: Callable[[frozenset[str]], None] | None = None) -> None:
        self._redis, self._clock, self._changed = redis, clock, changed
        self._on: frozenset[str] = frozenset()

    def on(self, name: str) -> bool:
        """Tell whether the fault is on."""
        return name in self._on

    async def run(self) -> None:
        """Follow the switches until cancelled; while Redis is away the last known state holds."""
        while True:
            with suppress(RedisError, OSError):
                members = await self._redis.smembers(FAULTS_KEY)
                now = frozenset(m.decode() if isinstance(m, bytes) else m for m in members) - {NOTHING}
                if now != self._on:
                    self._on = now
                    if self._changed is not None:
                        self._changed(now)
            await self._clock.sleep(POLL_SECONDS)
