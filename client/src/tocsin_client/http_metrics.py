"""HTTP requests under the names of prometheus-fastapi-instrumentator."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from tocsin_client.measured import Measured, known_method

# Finer than the instrumentator's 0.1, 0.5, 1 and with them inside, so that old queries hold and a P95 means something.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
HIGHR_BUCKETS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60,
)  # fmt: skip


class HttpMetrics:
    """The families, and one cached set of children per (handler, method)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "http_requests_total",
            "Total number of requests by method, status and handler.",
            ["handler", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Latency by handler and method, to the end of the response.",
            ["handler", "method"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._highr = Histogram(
            "http_request_duration_highr_seconds",
            "Latency with many buckets but no labels.",
            buckets=HIGHR_BUCKETS,
            registry=registry,
        )
        self._first_byte = Summary(
            "http_response_first_byte_seconds",
            "Time to the response's first byte by handler, which a long stream does not stretch.",
            ["handler"],
            registry=registry,
        )
        self._request_size = Summary(
            "http_request_size_bytes",
            "Content length of incoming requests by handler, as their header says.",
            ["handler"],
            registry=registry,
        )
        self._response_size = Summary(
            "http_response_size_bytes", "Bytes of response bodies by handler.", ["handler"], registry=registry
        )
        self._exceptions = Counter(
            "http_request_exceptions_total",
            "Requests that ended in an exception of the app.",
            ["handler", "method", "exception_type"],
            registry=registry,
        )
        self._in_progress = Gauge(
            "http_requests_inprogress",
            "Requests that are being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._routes: dict[tuple[str, str], _Route] = {}

    def start(self, method: str) -> None:
        """See the port."""
        del method
        self._in_progress.inc()

    def end(self, request: Measured) -> None:
        """See the port."""
        self._in_progress.dec()
        method = known_method(request.method)
        key = (request.handler, method)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = _Route(self, request.handler, method)
        exemplar = request.exemplar
        route.status(request.status).inc(1, exemplar)
        route.seconds.observe(request.total, exemplar)
        self._highr.observe(request.total, exemplar)
        if request.first is not None:
            route.first_byte.observe(request.first)
        route.request_size.observe(request.received)
        route.response_size.observe(request.sent)
        if request.error is not None:
            self._exceptions.labels(request.handler, method, type(request.error).__name__).inc()

    def children(self, handler: str, method: str) -> tuple[Histogram, Summary, Summary, Summary]:
        """Return the children of one route: duration, first byte, request size, response size."""
        return (
            self._seconds.labels(handler, method),
            self._first_byte.labels(handler),
            self._request_size.labels(handler),
            self._response_size.labels(handler),
        )

    def count(self, handler: str, method: str, status: str) -> Counter:
        """Return the request counter's child."""
        return self._requests.labels(handler, method, status)


class _Route:
    # Looking a child up by its labels costs a lock and a tuple of strings each; a route's children are looked up once.
    __slots__ = ("_metrics", "_statuses", "_where", "first_byte", "request_size", "response_size", "seconds")

    def __init__(self, metrics: HttpMetrics, handler: str, method: str) -> None:
        self._metrics, self._where = metrics, (handler, method)
        self.seconds, self.first_byte, self.request_size, self.response_size = metrics.children(handler, method)
        self._statuses: dict[int, Counter] = {}

    def status(self, status: int) -> Counter:
        kind = status // 100
        counter = self._statuses.get(kind)
        if counter is None:
            counter = self._statuses[kind] = self._metrics.count(*self._where, f"{kind}xx")
        return counter
