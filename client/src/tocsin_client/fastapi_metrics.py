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
        self._routes: dict[tuple[str, str], tuple[Gauge, Counter, Histogram]] = {}
        self._responses: dict[tuple[str, str, int], Counter] = {}
        metrics.info.labels(app_name).set(1)

    def start(self, method: str) -> None:
        """See the port."""
        self._metrics.in_progress.labels(known_method(method), "", self._app).inc()

    def end(self, request: Measured) -> None:
        """See the port."""
        method, path = known_method(request.method), request.handler
        in_progress, requests, seconds = self._routes.get((method, path)) or self._route(method, path)
        in_progress.dec()
        requests.inc()
        seconds.observe(request.total, request.exemplar)
        responses = self._responses.get((method, path, request.status))
        if responses is None:
            responses = self._metrics.responses.labels(method, path, self._app, str(request.status))
            self._responses[method, path, request.status] = responses
        responses.inc()
        if request.error is not None:
            self._metrics.exceptions.labels(method, path, self._app, type(request.error).__name__).inc()

    def _route(self, method: str, path: str) -> tuple[Gauge, Counter, Histogram]:
        metrics, where = self._metrics, (method, path, self._app)
        found = (
            metrics.in_progress.labels(method, "", self._app),
            metrics.requests.labels(*where),
            metrics.seconds.labels(*where),
        )
        self._routes[method, path] = found
        return found
