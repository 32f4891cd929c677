"""Redis and Valkey servers."""

from services.collector.sources.redis.source import KIND

__all__ = ["KIND"]
