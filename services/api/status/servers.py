"""What Redis and Postgres say of themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.api.recorder import DEAD_STREAM
from services.api.status.model import (
    ChannelFigures,
    DeadLetters,
    DeliveryPart,
    PostgresPart,
    RedisPart,
    Stream,
    StreamGroup,
    StreamsPart,
    Table,
)
from services.common.events import ACTIONS_STREAM, ALERTS_STREAM
from services.common.storage import Database, Queries

_SQL = Queries(Path(__file__).parents[1] / "queries" / "status.sql")
_STREAMS = (ALERTS_STREAM, ACTIONS_STREAM)
# What the notifier can't read stands beside what the record can't.
_DEAD = (f"{ALERTS_STREAM}:dead", *(DEAD_STREAM.format(stream=stream) for stream in _STREAMS))
_DAY = 86_400.0
_TABLES = 15
_COUNTED = 10_000


async def read_streams(redis: Redis) -> StreamsPart:
    """Return the streams with their consumer groups, and what was set aside; raises the client's errors."""
    dead = [DeadLetters(stream=name, entries=int(await redis.xlen(name))) for name in _DEAD]
    return StreamsPart(
        missing="", streams=[await _stream(redis, name) for name in _STREAMS], dead=[one for one in dead if one.entries]
    )


async def _stream(redis: Redis, name: str) -> Stream:
    try:
        info, groups = await redis.xinfo_stream(name), await redis.xinfo_groups(name)
    except ResponseError:
        # Nothing was ever sent on it.
        return Stream(name=name, entries=0, groups=[], newest=None)
    milliseconds = int(_text(info["last-generated-id"]).partition("-")[0])
    return Stream(
        name=name,
        entries=int(info["length"]),
        groups=[await _group(redis, name, group) for group in groups],
        newest=milliseconds / 1000 if milliseconds else None,
    )


async def _group(redis: Redis, stream: str, told: Mapping[str, Any]) -> StreamGroup:
    lag = told.get("lag")
    if lag is None:
        # Redis before 7 does not tell, nor does a newer one after entries were taken out.
        lag = len(await redis.xrange(stream, min=f"({_text(told['last-delivered-id'])}", count=_COUNTED) or ())
    return StreamGroup(
        name=_text(told["name"]),
        lag=int(lag),
        pending=int(told["pending"]),
        consumers=int(told["consumers"]),
    )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


async def read_redis(redis: Redis) -> RedisPart:
    """Return Redis' memory; raises the client's errors."""
    info = await redis.info()
    return RedisPart(
        missing="",
        bytes=int(info.get("used_memory", 0)),
        max_bytes=int(info.get("maxmemory", 0)),
        peak_bytes=int(info.get("used_memory_peak", 0)),
        keys=int(await redis.dbsize()),
        version=str(info.get("redis_version", "")),
    )


async def read_postgres(database: Database) -> PostgresPart:
    """Return the sizes of the database and its largest tables; raises StorageUnavailableError."""
    whole = await database.fetchrow(_SQL["database"])
    tables = await database.fetch(_SQL["tables"], _TABLES)
    return PostgresPart(
        missing="",
        bytes=whole["bytes"] if whole is not None else 0,
        version=whole["version"] if whole is not None else "",
        tables=[Table(**row) for row in tables],
    )


async def read_delivery(database: Database, now: float) -> DeliveryPart:
    """Return each channel's messages of the last 24 hours; raises StorageUnavailableError."""
    rows = await database.fetch(_SQL["channels"], now - _DAY)
    return DeliveryPart(missing="", channels=[ChannelFigures(**row) for row in rows])
