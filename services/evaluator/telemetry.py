"""What the evaluator tells about itself."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import Telemetry

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ScrapeTelemetry:
    """Figures of the scrapes."""

    def __init__(self, base: Telemetry) -> None:
        self.base = base
        self.targets = Gauge(
            "tocsin_scrape_targets", "Targets that are scraped, by job.", ["job"], registry=base.registry
        )
        self.failures = Counter(
            "tocsin_scrape_failures_total", "Scrapes without a result, by job and reason.", ["job", "reason"],
            registry=base.registry,
        )  # fmt: skip
        self.discovery_failures = Counter(
            "tocsin_discovery_failures_total", "Lists of targets that were not taken, by job and reason.",
            ["job", "reason"], registry=base.registry,
        )  # fmt: skip
        self.left_out = Gauge(
            "tocsin_scrape_series_left_out", "Series of a target's last page beyond the limits of the head.",
            ["job", "target"], registry=base.registry,
        )  # fmt: skip
        self.samples = Counter(
            "tocsin_scrape_samples_total", "Samples read from targets.", ["job"], registry=base.registry
        )
        self.seconds = Histogram(
            "tocsin_scrape_duration_seconds", "Time from request to stored samples.", buckets=_FAST,
            registry=base.registry,
        )  # fmt: skip
        self.lag = Histogram(
            "tocsin_scrape_lag_seconds", "How late a scrape began against its tick.", buckets=_FAST,
            registry=base.registry,
        )  # fmt: skip

    def observe(self, job: str, seconds: float, samples: int, reason: str) -> None:
        """Count one scrape; `reason` is empty when it succeeded."""
        self.seconds.observe(seconds)
        self.samples.labels(job).inc(samples)
        if reason:
            self.failures.labels(job, reason).inc()


class RuleTelemetry:
    """Figures of rule evaluation."""

    def __init__(self, base: Telemetry) -> None:
        self.base = base
        self.evaluations = Counter(
            "tocsin_rule_group_evaluations_total", "Evaluations of a group, by what caused them.", ["group", "cause"],
            registry=base.registry,
        )  # fmt: skip
        self.missed = Counter(
            "tocsin_rule_group_evaluations_missed_total", "Intervals that passed without an evaluation.", ["group"],
            registry=base.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "tocsin_rule_group_duration_seconds", "Time to evaluate a group.", buckets=_FAST, registry=base.registry
        )
        self.wait = Histogram(
            "tocsin_rule_wait_seconds", "Time from a sample's arrival to its evaluation.", buckets=_FAST,
            registry=base.registry,
        )  # fmt: skip
        self.failures = Counter(
            "tocsin_rule_evaluation_failures_total", "Rules that could not be evaluated.", ["group", "reason"],
            registry=base.registry,
        )  # fmt: skip
        self.rules = Gauge("tocsin_rules", "Rules in force, by kind.", ["kind"], registry=base.registry)
        self.without_series = Gauge(
            "tocsin_rules_without_series", "Rules with a selector that matches no series.", ["group"],
            registry=base.registry,
        )  # fmt: skip
        self.alerts = Gauge("tocsin_alerts", "Active alerts, by state.", ["state"], registry=base.registry)
        self.native_calls = Counter(
            "tocsin_rule_native_histogram_calls_total",
            "Evaluations of functions of native histograms, which give nothing but a warning.",
            registry=base.registry,
        )

    def forget(self, group: str) -> None:
        """Drop the series of a group that is no longer in force."""
        for metric in (self.evaluations, self.missed, self.failures, self.without_series):
            metric.remove_by_labels({"group": group})


class PublishTelemetry:
    """Figures of what leaves the evaluator."""

    def __init__(self, base: Telemetry) -> None:
        self.base = base
        self.events = Counter(
            "tocsin_alert_events_total", "Alert events sent, by way.", ["way"], registry=base.registry
        )
        self.failures = Counter(
            "tocsin_alert_publish_failures_total", "Batches that could not be sent, by way and reason.",
            ["way", "reason"], registry=base.registry,
        )  # fmt: skip
        self.queued = Gauge("tocsin_alert_events_queued", "Events that wait to be sent.", registry=base.registry)
        self.seconds = Histogram(
            "tocsin_alert_publish_duration_seconds", "Time to send one batch to the stream.", buckets=_FAST,
            registry=base.registry,
        )  # fmt: skip
        for way in ("stream", "post"):
            self.events.labels(way)


class RemoteWriteTelemetry:
    """Figures of the samples that leave for other servers."""

    def __init__(self, base: Telemetry) -> None:
        self.samples = Counter(
            "tocsin_remote_write_samples_total", "Samples that a server took.", ["server"], registry=base.registry
        )
        self.dropped = Counter(
            "tocsin_remote_write_samples_dropped_total", "Samples given up, by reason.", ["server", "reason"],
            registry=base.registry,
        )  # fmt: skip
        self.retries = Counter(
            "tocsin_remote_write_retries_total", "Sends that are tried again, by reason.", ["server", "reason"],
            registry=base.registry,
        )  # fmt: skip
        self.queued = Gauge(
            "tocsin_remote_write_samples_queued", "Samples that wait.", ["server"], registry=base.registry
        )


class HeadTelemetry:
    """Figures of the samples in memory, read when asked for."""

    def __init__(self, base: Telemetry) -> None:
        self.series = Gauge("tocsin_head_series", "Series in memory.", registry=base.registry)
        self.samples = Gauge("tocsin_head_samples", "Samples in memory.", registry=base.registry)
        self.targets = Gauge("tocsin_head_targets", "Sources of series in memory.", registry=base.registry)
        self.bytes = Gauge("tocsin_head_bytes", "Memory of the samples.", registry=base.registry)
        self.rejected = Gauge(
            "tocsin_head_rejected_samples", "Samples or series that were not kept, by reason.", ["reason"],
            registry=base.registry,
        )  # fmt: skip

    def set_rejected(self, rejected: Mapping[str, int]) -> None:
        """Tell the head's own counts."""
        for reason, count in rejected.items():
            self.rejected.labels(reason).set(count)
