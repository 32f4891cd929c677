"""Celery workers, tasks and queues."""

from services.collector.sources.celery.source import KIND

__all__ = ["KIND"]
