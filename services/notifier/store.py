"""The saved form of the working copy in Redis: one transaction a step, fenced by a lease.

One notifier of several works at a time: who holds the lease. Every transaction watches the lease's key, so what a
notifier writes after it has lost the lease is refused as a whole. While Redis is away memory goes on; when it is back
everything is written anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError, WatchError

from services.common.bus.redis_bus import MAX_ENTRIES
from services.common.events import ALERTS_STREAM
from services.notifier.codec import decode, encode, with_views
from services.notifier.state import KINDS, State

PREFIX = "tocsin:notifier"
DEAD_STREAM = "tocsin:alerts:dead"
LEASE_KEY = f"{PREFIX}:lease"
_KEEP_DEAD = 10_000
_CHUNK = 500
log = structlog.get_logger(__name__)


class LeaseLostError(RuntimeError):
    """Another notifier works now; this one must forget its working copy and wait."""


@dataclass
class Extra:
    """What goes into the same transaction as the changed state."""

    acks: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Entries that are dealt with, by stream and group."""
    dead: list[Mapping[Any, Any]] = field(default_factory=list)
    """Entries that can't be read, with the reason."""
    publish: list[bytes] = field(default_factory=list)
    """Own events for `tocsin:alerts`."""
    publish_since: float = 0.0
    """What is older goes from that stream."""


class Store:
    """Saves and loads a State; `online` is False from the first failure until `recover` has worked."""

    away = (RedisError, OSError)
    """What the client raises when Redis is away."""

    def __init__(self, redis: Redis | None, *, owner: str, lease: float) -> None:
        self._redis, self.owner, self._lease_ms = redis, owner, round(lease * 1000)
        self.online = False
        self.loaded = redis is None
        self.seen_other = False
        """Another copy held the lease when Redis was last seen."""
        self.error = "not connected yet" if redis is not None else "not configured"

    async def acquire(self) -> bool:
        """Take or keep the lease; False when another holds it. Raises the client's error when Redis is away.

        A holder of the same name is this notifier's own earlier life, so its lease is taken over at once.
        """
        assert self._redis is not None  # noqa: S101 - callers ask `configured` first
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(LEASE_KEY)
            holder = await pipe.get(LEASE_KEY)
            if holder is not None and _name(holder) != _name(self.owner):
                return False
            pipe.multi()  # type: ignore[no-untyped-call]  # the client has no annotation here
            pipe.set(LEASE_KEY, self.owner, px=self._lease_ms)
            try:
                await pipe.execute()
            except WatchError as error:
                # Touched in between, or the connection broke while watching: the next try tells which.
                raise ConnectionError("the lease could not be taken") from error
        return True

    async def ping(self) -> bool:
        """Tell whether Redis answers; needs no lock, so that a hung one delays nobody."""
        if self._redis is None:
            return False
        try:
            await self._redis.ping()
        except self.away:
            return False
        return True

    async def release(self) -> None:
        """Give the lease back, so that another need not wait; errors only mean that it runs out by itself."""
        if self._redis is None or not self.online:
            return
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                await pipe.watch(LEASE_KEY)
                if await pipe.get(LEASE_KEY) == self.owner.encode():
                    pipe.multi()  # type: ignore[no-untyped-call]  # the client has no annotation here
                    pipe.delete(LEASE_KEY)
                    await pipe.execute()
        except self.away as error:
            log.debug("lease_not_released", error=error)

    @property
    def configured(self) -> bool:
        """Whether there is a Redis at all."""
        return self._redis is not None

    async def _load(self, state: State) -> None:
        """Read what was saved into the working copy; what memory has already stays. Raises the client's error."""
        assert self._redis is not None  # noqa: S101 - callers ask `configured` first
        for kind, model in KINDS.items():
            cursor = 0
            while True:
                cursor, rows = await self._redis.hscan(f"{PREFIX}:{kind}", cursor, count=_CHUNK)
                found, unreadable = _decode(kind, model, cast("Mapping[bytes, bytes]", rows))
                state.absorb(kind, found)
                await self._bury(kind, unreadable)
                if cursor == 0:
                    break
        for group in list(state.groups.values()):
            views = {key: view for key in group.core.members if (view := state.view(key)) is not None}
            state.put_group(with_views(group, views))
        self.loaded = True

    async def _bury(self, kind: str, rows: Mapping[bytes, bytes]) -> None:
        """Move what this version can't read to the dead letters: it would be in the way at each start."""
        assert self._redis is not None  # noqa: S101 - callers ask `configured` first
        for key, value in rows.items():
            async with self._redis.pipeline(transaction=True) as pipe:
                letter: dict[Any, Any] = {
                    "stream": kind,
                    "entry_id": key,
                    "reason": "unreadable_state",
                    "payload": value,
                }
                pipe.xadd(DEAD_STREAM, letter, maxlen=_KEEP_DEAD, approximate=True)
                pipe.hdel(f"{PREFIX}:{kind}", key)
                await pipe.execute()

    async def recover(self, state: State, *, begin: bool = False) -> None:
        """Take the lease and make memory and Redis one: at the beginning by reading, later by writing everything.

        Raises LeaseLostError when another notifier has taken over, the client's error when Redis is away.
        """
        if begin:
            self.loaded = self.online = False
        if not await self.acquire():
            self.seen_other = True
            raise LeaseLostError("another notifier holds the lease")
        if not self.loaded:
            await self._load(state)
        if begin:
            state.clean()
        await self._execute(state, Extra(), whole=not begin)
        self.online, self.seen_other, self.error = True, False, ""
        state.clean()

    async def commit(self, state: State, extra: Extra | None = None, *, renew: bool = False) -> bool:
        """Save what changed, with acknowledgements of stream entries, in one transaction; `renew`: the lease at least.

        False when Redis is away: memory holds the changes and the entries will be read again. Raises LeaseLostError.
        """
        extra = extra or Extra()
        if not self.online:
            return False
        if not (renew or any(state.dirty) or extra.acks or extra.dead or extra.publish):
            return True
        try:
            await self._execute(state, extra, whole=False)
        except self.away as error:
            self.online, self.error = False, f"{type(error).__name__}: {error}"
            log.warning("redis_away", error=error)
            return False
        state.clean()
        return True

    async def _execute(self, state: State, extra: Extra, *, whole: bool) -> None:
        assert self._redis is not None  # noqa: S101 - `online` implies it
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(LEASE_KEY)
            holder = await pipe.get(LEASE_KEY)
            if holder is None:
                # It ran out (a long pause) or Redis was emptied: nobody else works, but what is saved may be gone.
                raise ConnectionError("the lease is gone from Redis")
            if holder != self.owner.encode():
                raise LeaseLostError(f"{_name(holder)} holds the lease now")
            pipe.multi()  # type: ignore[no-untyped-call]  # the client has no annotation here
            pipe.set(LEASE_KEY, self.owner, px=self._lease_ms)
            for kind, ids in zip(KINDS, state.dirty, strict=True):
                _write(pipe, kind, state.table(kind), None if whole else ids)
            for (stream, group), entries in extra.acks.items():
                pipe.xack(stream, group, *entries)
            for entry in extra.dead:
                pipe.xadd(DEAD_STREAM, {**entry}, maxlen=_KEEP_DEAD, approximate=True)
            for payload in extra.publish:
                pipe.xadd(ALERTS_STREAM, {"event": payload})
            if extra.publish:
                # Where there is no evaluator nobody else keeps the stream short.
                pipe.xtrim(ALERTS_STREAM, minid=round(max(0.0, extra.publish_since) * 1000), approximate=True)
                pipe.xtrim(ALERTS_STREAM, maxlen=MAX_ENTRIES, approximate=True)
            try:
                await pipe.execute()
            except WatchError as error:
                # The client says the same for a connection that broke while it watched: only another's name is a loss.
                holder = await self._redis.get(LEASE_KEY)
                if holder is not None and holder != self.owner.encode():
                    raise LeaseLostError(f"{_name(holder)} holds the lease now") from error
                raise ConnectionError("the transaction was cut off") from error


def _name(owner: bytes | str) -> str:
    # `<instance>|<random>`: the same instance after a restart has the same name and another random part.
    text = owner.decode() if isinstance(owner, bytes) else owner
    return text.rpartition("|")[0]


def _write(pipe: Any, kind: str, table: Mapping[str, BaseModel], ids: Iterable[str] | None) -> None:
    key = f"{PREFIX}:{kind}"
    if ids is None:
        pipe.delete(key)
        ids = table.keys()
    kept: dict[str, bytes] = {}
    gone: list[str] = []
    for item in ids:
        if item in table:
            kept[item] = encode(table[item])
        else:
            gone.append(item)
    if kept:
        pipe.hset(key, mapping=kept)
    if gone:
        pipe.hdel(key, *gone)


def _decode(
    kind: str, model: type[BaseModel], rows: Mapping[bytes, bytes]
) -> tuple[list[tuple[str, BaseModel]], dict[bytes, bytes]]:
    found, unreadable = [], {}
    for key, value in rows.items():
        try:
            found.append((key.decode(), decode(model, value)))
        except ValueError as error:
            log.warning("saved_state_unreadable", kind=kind, id=key.decode(errors="replace"), error=error)
            unreadable[key] = value
    return found, unreadable
