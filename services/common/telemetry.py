"""What every service tells about itself: build, up since, heartbeat, loops, dependencies."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from services import __version__

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation here


class Telemetry:
    """One service's own registry with the metrics that all services have in common.

    A service adds its own metrics to `registry`; nothing is registered globally, so that a test can build one twice.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Gauge(
            f"tocsin_{service}_build_info", "Always 1; the version that runs.", ["version"], registry=self.registry
        )
        build.labels(__version__).set(1)
        self.ready = Gauge("tocsin_ready", "1 when the service can do its main job.", registry=self.registry)
        self.heartbeat = Gauge(
            "tocsin_heartbeat_timestamp_seconds", "When the service last showed that it lives.", registry=self.registry
        )
        self.dependency_up = Gauge(
            "tocsin_dependency_up", "1 while the dependency answers.", ["dependency"], registry=self.registry
        )
        self.loop_errors = Counter(
            "tocsin_loop_errors_total",
            "Rounds of a background task that failed and were tried again.",
            ["loop", "reason"],
            registry=self.registry,
        )
        self.config_reload_success = Gauge(
            "tocsin_config_last_reload_successful",
            "1 when the newest configuration is in force, 0 when an older good one is.",
            ["kind"],
            registry=self.registry,
        )
        self.config_reload_time = Gauge(
            "tocsin_config_last_reload_success_timestamp_seconds",
            "When a configuration was last taken into force.",
            ["kind"],
            registry=self.registry,
        )
        self.http_seconds = Histogram(
            "tocsin_http_request_duration_seconds",
            "Time to answer our own HTTP endpoints.",
            ["route", "method", "status"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )
