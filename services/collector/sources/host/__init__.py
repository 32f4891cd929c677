"""The machine that the collector runs on, its control group and chosen processes."""

from services.collector.sources.host.source import KIND

__all__ = ["KIND"]
