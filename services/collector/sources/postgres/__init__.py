"""PostgreSQL servers."""

from services.collector.sources.postgres.source import KIND

__all__ = ["KIND"]
