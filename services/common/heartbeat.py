"""Heartbeats: each service shows in Redis that it lives; others read who does."""

from collections.abc import Callable

from pydantic import ValidationError
from redis.asyncio import Redis

from services import __version__
from services.common.clock import Clock
from services.common.events import HEARTBEAT_KEY, Heartbeat
from services.common.telemetry import Telemetry

_LIFETIMES = 3


class HeartbeatWriter:
    """Writes one service's heartbeat; a key lives for three intervals, so a dead service's key goes by itself."""

    def __init__(
        self,
        redis: Redis,
        telemetry: Telemetry,
        clock: Clock,
        *,
        instance: str,
        interval: float,
        ready: Callable[[], str],
    ) -> None:
        self._redis, self._telemetry, self._clock = redis, telemetry, clock
        self._instance, self._interval, self._ready = instance, interval, ready
        self._started = clock.now()

    async def beat(self) -> None:
        """Write one heartbeat; raises the client's error when Redis is away."""
        now = self._clock.now()
        missing = self._ready()
        beat = Heartbeat.model_validate({
            "service": self._telemetry.service, "instance": self._instance, "at": now, "started_at": self._started,
            "interval": self._interval, "version": __version__, "ready": not missing, "detail": missing,
        })  # fmt: skip
        self._telemetry.heartbeat.set(now)
        key = HEARTBEAT_KEY.format(service=beat.service, instance=beat.instance)
        await self._redis.set(key, beat.encode(), px=round(self._interval * _LIFETIMES * 1000))

    async def round(self) -> None:
        """Write one heartbeat, then wait an interval: one round for `keep_running`."""
        await self.beat()
        await self._clock.sleep(self._interval)


async def read_heartbeats(redis: Redis) -> list[Heartbeat]:
    """Return the heartbeats of all services that live, by service and instance."""
    pattern = HEARTBEAT_KEY.format(service="*", instance="*")
    keys = [key async for key in redis.scan_iter(match=pattern, count=1000)]
    if not keys:
        return []
    found = []
    for value in await redis.mget(keys):
        if value is None:
            continue
        try:
            found.append(Heartbeat.model_validate_json(value))
        except ValidationError:
            # A newer version's heartbeat of a shape that we don't know: it lives, but we can't say more.
            continue
    return sorted(found, key=lambda beat: (beat.service, beat.instance))
