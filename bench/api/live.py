"""Open pages: many WebSocket clients on one API, the delay of an event to each, and how fresh a value is."""

import asyncio
import random
import secrets
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp

from bench.api.system import System
from bench.api.target import Target
from services.common.bus import RedisBus, connect_redis
from services.common.clock import SystemClock
from services.common.events import ALERTS_STREAM, AlertEvent, AlertStatus, RuleRef

_PATH = "/api/admin/monitoring/live"
_SESSIONS = 20
_OPENING = 50
_GIVE_UP = 30.0
_KEEP = 86_400.0
# Browsers offer compression; what it costs is part of the figures.
_DEFLATE = 15


@dataclass
class Watch:
    """What all clients wait for: a text in a message, and when it came to each."""

    wanted: str = ""
    expected: int = 0
    came: list[float] = field(default_factory=list)
    all_came: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, text: str, clients: int) -> None:
        """Begin to wait."""
        self.wanted, self.expected, self.came = text, clients, []
        self.all_came.clear()

    def take(self, message: str) -> bool:
        """Look at one message; return whether it is the one."""
        if not self.wanted or self.wanted not in message:
            return False
        self.came.append(time.monotonic())
        if len(self.came) == self.expected:
            self.all_came.set()
        return True


class Clients:
    """Open connections, all in this process."""

    def __init__(self, stack: AsyncExitStack, system: System) -> None:
        self._stack, self._system = stack, system
        self._watch = Watch()
        self._tasks: list[asyncio.Task[None]] = []
        self.messages = self.bytes = 0

    async def open(self, count: int) -> None:
        """Open connections, of sessions of 20 logins."""
        sessions = [await self._system.log_in(self._stack) for _ in range(min(count, _SESSIONS))]
        for begin in range(0, count, _OPENING):
            sockets = await asyncio.gather(
                *(
                    sessions[number % len(sessions)].ws_connect(
                        _PATH, compress=_DEFLATE, max_msg_size=0, headers={"Origin": self._system.url}
                    )
                    for number in range(begin, min(begin + _OPENING, count))
                )
            )
            self._tasks += [asyncio.create_task(self._read(socket)) for socket in sockets]
        self._stack.callback(self._close)

    def _close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        seen = ""
        async for message in socket:
            self.messages += 1
            self.bytes += len(message.data)
            if self._watch.wanted != seen and self._watch.take(message.data):
                seen = self._watch.wanted
        raise RuntimeError(f"the API closed a connection: {socket.close_code}")

    async def wait_for(self, text: str) -> None:
        """Begin to wait for a text in a message to each."""
        for task in self._tasks:
            if task.done():
                task.result()
        self._watch.expect(text, len(self._tasks))

    async def came(self) -> list[float]:
        """Return when it came to each, monotonic seconds."""
        async with asyncio.timeout(_GIVE_UP):
            await self._watch.all_came.wait()
        return list(self._watch.came)


async def event_delays(system: System, clients: Clients, rounds: int) -> list[float]:
    """Put alert events on the stream as the evaluator does; return the seconds until each client had each."""
    async with AsyncExitStack() as stack:
        redis = connect_redis(system.redis_url())
        stack.push_async_callback(redis.aclose)
        bus, delays = RedisBus(redis, SystemClock()), list[float]()
        for number in range(rounds):
            event = _event(number)
            await clients.wait_for(event.fingerprint)
            began = time.monotonic()
            await bus.publish(ALERTS_STREAM, [event.encode()], keep_seconds=_KEEP)
            delays += [at - began for at in await clients.came()]
            await asyncio.sleep(random.uniform(0.2, 1.2))  # noqa: S311 - spread over the batches
        return delays


def _event(number: int) -> AlertEvent:
    now, host = time.time(), f"host-{number}"
    labels = {"alertname": "DiskIsFilling", "severity": "warning", "instance": host, "component": "postgres"}
    texts = {"summary": f"The disk of {host} is filling", "description": "93 % are used.", "action": "Make room."}
    return AlertEvent(
        fingerprint=secrets.token_hex(8),
        status=AlertStatus.FIRING,
        labels=labels,
        annotations=texts,
        value=93.0,
        active_at=now - 60,
        starts_at=now,
        ends_at=now + 900,
        sent_at=now,
        rule=RuleRef(name="DiskIsFilling", group="disk", file="rules/disk.yml", expr="disk_used > 90"),
    )


async def freshness(clients: Clients, target: Target, rounds: int) -> list[float]:
    """Change the target's value at random moments; return the seconds until an open page has it."""
    delays = []
    for _ in range(rounds):
        value = 100_000 + secrets.randbelow(800_000)
        await clients.wait_for(f'"value":{value}.0,')
        target.value, began = value, time.monotonic()
        delays.append(max(await clients.came()) - began)
        await asyncio.sleep(random.uniform(0.1, 5.0))  # noqa: S311 - spread over the scrape's phase
    return delays
