"""The registry of sources: one file (or folder) and one line each."""

from services.collector.sources import celery, fastapi, http, postgres, redis, websocket
from services.collector.sources.base import SourceKind

KINDS: tuple[SourceKind, ...] = (
    fastapi.KIND,
    postgres.KIND,
    redis.KIND,
    celery.KIND,
    websocket.KIND,
    http.KIND,
)

__all__ = ["KINDS", "SourceKind"]
