"""Alert state and events in Redis: written in one transaction, so that they never disagree."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.common.bus import BusUnavailableError
from services.common.clock import Clock
from services.common.events import ALERTS_STREAM, AlertEvent
from services.evaluator.rules.codec import StateError, decode, encode
from services.evaluator.rules.state import RuleState

PREFIX = "tocsin:evaluator:state:"
KEEP_SECONDS = 24 * 3600.0
_FIELD = b"event"
States = Mapping[tuple[str, str], RuleState | None]
"""States by group key and rule key; None forgets it."""
log = structlog.get_logger(__name__)


class StateStore:
    """One Redis; every method raises BusUnavailableError when it is away."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis, self._clock = redis, clock

    async def load(self) -> dict[str, dict[str, RuleState]]:
        """Return all stored states by group key and rule key; what can't be read is left out and named in the log."""
        found: dict[str, dict[str, RuleState]] = {}
        try:
            keys = [key async for key in self._redis.scan_iter(match=f"{PREFIX}*", count=500)]
            for key in keys:
                raw = await self._redis.hgetall(key)
                group = key.decode().removeprefix(PREFIX)
                found[group] = _decode_all(group, raw)
        except (TimeoutError, RedisError, OSError) as error:
            raise BusUnavailableError(f"Redis is away: {error}") from error
        return found

    async def write(self, states: States, events: Sequence[AlertEvent]) -> None:
        """Write states and append events to the stream, all or nothing."""
        oldest = f"{max(0, round((self._clock.now() - KEEP_SECONDS) * 1000))}-0"
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for (group, rule), state in states.items():
                    if state is None or not (state.active or state.history):
                        pipe.hdel(PREFIX + group, rule)
                    else:
                        pipe.hset(PREFIX + group, rule, encode(state))
                for event in events:
                    pipe.xadd(ALERTS_STREAM, {_FIELD: event.encode()})
                if events:
                    pipe.xtrim(ALERTS_STREAM, minid=oldest, approximate=True)
                await pipe.execute()
        except (TimeoutError, RedisError, OSError) as error:
            raise BusUnavailableError(f"Redis is away: {error}") from error


def _decode_all(group: str, raw: Mapping[Any, Any]) -> dict[str, RuleState]:
    states = {}
    for rule, data in raw.items():
        try:
            states[rule.decode()] = decode(data)
        except StateError as error:
            log.warning("stored_state_refused", group=group, rule=rule.decode(), error=error)
    return states
