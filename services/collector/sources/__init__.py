"""The registry of sources: one file and one line each."""

from services.collector.sources import fastapi, http, postgres, redis, websocket
from services.collector.sources.base import SourceKind

KINDS: tuple[SourceKind, ...] = (
    fastapi.KIND,
    postgres.KIND,
    redis.KIND,
    websocket.KIND,
    http.KIND,
)

__all__ = ["KINDS", "SourceKind"]
