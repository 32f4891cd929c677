"""The registry of sources: one file (or folder) and one line each."""

from services.collector.sources import (
    celery,
    dns,
    fastapi,
    host,
    http,
    icmp,
    logs,
    postgres,
    redis,
    sql,
    tcp,
    tls,
    websocket,
)
from services.collector.sources.base import SourceKind

KINDS: tuple[SourceKind, ...] = (
    fastapi.KIND,
    postgres.KIND,
    sql.KIND,
    redis.KIND,
    celery.KIND,
    websocket.KIND,
    http.KIND,
    tcp.KIND,
    tls.KIND,
    dns.KIND,
    icmp.KIND,
    logs.KIND,
    host.KIND,
)

__all__ = ["KINDS", "SourceKind"]
