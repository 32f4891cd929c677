"""HTTP requests under OpenTelemetry's names (semantic conventions 1.x, as its Prometheus exporter writes them)."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from tocsin_client.measured import Measured, known_method

# The convention's own bounds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_SERVER_ERROR = 500


class OtelMetrics:
    """The families; `error_type` is an exception's name or the status of a server error, else empty."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            ["http_request_method", "http_route", "http_response_status_code", "error_type"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._active = Gauge(
            "http_server_active_requests",
            "Number of active HTTP server requests.",
            ["http_request_method"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._children: dict[tuple[str, str, int, str], Histogram] = {}

    def start(self, method: str) -> None:
        """See the port."""
        self._active.labels(_method(method)).inc()

    def end(self, request: Measured) -> None:
        """See the port."""
        method = _method(request.method)
        self._active.labels(method).dec()
        error = str(request.status) if request.status >= _SERVER_ERROR else ""
        if request.error is not None:
            error = type(request.error).__name__
        key = (method, request.handler, request.status, error)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._seconds.labels(method, request.handler, str(request.status), error)
        child.observe(request.total, request.exemplar)


def _method(method: str) -> str:
    # The convention's word for methods that it does not know.
    known = known_method(method)
    return known if known != "OTHER" else "_OTHER"
