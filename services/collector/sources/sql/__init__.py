"""Metrics from one's own SQL."""

from services.collector.sources.sql.source import KIND

__all__ = ["KIND"]
