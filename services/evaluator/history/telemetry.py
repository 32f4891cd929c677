"""Figures of the history's writer."""

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import Telemetry

_REASONS = ("too_many_series", "memory_full", "backlog_full", "unreadable", "refused", "too_old", "in_future")


class HistoryTelemetry:
    """What was written, what waits, what was given up."""

    def __init__(self, base: Telemetry) -> None:
        self.base = base
        registry = base.registry
        self.samples = Counter("tocsin_history_samples_total", "Samples written to Postgres.", registry=registry)
        self.dropped = Counter(
            "tocsin_history_samples_dropped_total", "Samples given up, by reason.", ["reason"], registry=registry
        )
        self.queued = Gauge("tocsin_history_samples_queued", "Samples in memory that wait.", registry=registry)
        self.backlog_chunks = Gauge("tocsin_history_backlog_chunks", "Chunks on disk that wait.", registry=registry)
        self.backlog_bytes = Gauge("tocsin_history_backlog_bytes", "Bytes on disk that wait.", registry=registry)
        self.writes = Gauge(
            "tocsin_history_writer", "1 when this evaluator is the one that writes the history.", registry=registry
        )
        self.seconds = Histogram(
            "tocsin_history_write_duration_seconds", "Time to write one chunk.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=registry,
        )  # fmt: skip
        for reason in _REASONS:
            self.dropped.labels(reason)

    def drop(self, reason: str, count: int) -> None:
        """Count samples that are given up."""
        if count:
            self.dropped.labels(reason).inc(count)
