"""HTTP requests under the `fastapi_*` names of Grafana's dashboard 16110."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tocsin_client.http_metrics import BUCKETS
from tocsin_client.measured import Measured, known_method


class FastApiMetrics:
    """The families; each app in the process has its own `app_name`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        where = ["method", "path", "app_name"]
        self.info = Gauge("fastapi_app_info", "FastAPI application information.", ["app_name"], registry=registry)
        self.requests = Counter(
            "fastapi_requests_total", "Count of requests by method and path.", where, registry=registry
        )
        self.responses = Counter(
            "fastapi_responses_total",
            "Count of responses by method, path and status code.",
            [*where, "status_code"],
            registry=registry,
        )
        self.seconds = Histogram(
            "fastapi_requests_duration_seconds",
            "Requests' processing time by path.",
            where,
            buckets=BUCKETS,
            registry=registry,
        )
        self.exceptions = Counter(
            "fastapi_exceptions_total",
            "Count of exceptions raised, by path and exception type.",
            [*where, "exception_type"],
            registry=registry,
        )
        self.in_progress = Gauge(
            "fastapi_requests_in_progress",
            "Requests that are being answered; their path is not known until they are routed.",
            where,
            registry=registry,
            multiprocess_mode="livesum",
        )


class FastApiFamily:
    """One app's use of the families."""

    def __init__(self, metrics: FastApiMetrics, app_name: str) -> None:
        self._metrics, self._app = metrics, app_name
        metrics.info.labels(app_name).set(1)

    def start(self, method: str) -> None:
        """See the port."""
        self._metrics.in_progress.labels(known_method(method), "", self._app).inc()

    def end(self, request: Measured) -> None:
        """See the port."""
        metrics, where = self._metrics, (known_method(request.method), request.handler, self._app)
        metrics.in_progress.labels(where[0], "", self._app).dec()
        metrics.requests.labels(*where).inc()
        metrics.responses.labels(*where, str(request.status)).inc()
        metrics.seconds.labels(*where).observe(request.total, request.exemplar)
        if request.error is not None:
            metrics.exceptions.labels(*where, type(request.error).__name__).inc()
