"""Calls to other services, under OpenTelemetry's name, and the hook for httpx."""

import time
from types import TracebackType
from typing import Any, Self, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Histogram

from tocsin_client.measured import known_method
from tocsin_client.registered import once
from tocsin_client.routes import Templates
from tocsin_client.types import Timer

T = TypeVar("T")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)
_MOST_SERVERS = 100
_CLIENT_ERROR = 400


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.servers = Templates(_MOST_SERVERS)
        self.seconds = Histogram(
            "http_client_request_duration_seconds",
            "Time of outgoing HTTP calls until the answer's headers; error_type is the status or an exception's name.",
            ["server_address", "http_request_method", "http_response_status_code", "error_type"],
            buckets=_BUCKETS,
            registry=registry,
        )


class OutgoingCalls:
    """Records outgoing calls; at most 100 servers have a series of their own, further ones are "other"."""

    def __init__(self, *, registry: CollectorRegistry = REGISTRY, timer: Timer = time.perf_counter) -> None:
        self.timer = timer
        self._metrics = once(registry, _Metrics)

    def observe(
        self, server: str, method: str, seconds: float, *, status: int | None = None, error: BaseException | None = None
    ) -> None:
        """Record a call that ended with a status or an exception."""
        failed = str(status) if status is not None and status >= _CLIENT_ERROR else ""
        error_type = type(error).__name__ if error is not None else failed
        code = str(status) if status is not None else ""
        server = self._metrics.servers.bounded(server)
        self._metrics.seconds.labels(server, known_method(method), code, error_type).observe(seconds)


class TimedTransport:
    """Stands before a transport of httpx, of a Client or an AsyncClient."""

    def __init__(self, inner: Any, calls: OutgoingCalls) -> None:
        self._inner, self._calls = inner, calls

    def handle_request(self, request: Any) -> Any:
        """Make a call and time it."""
        start = self._calls.timer()
        try:
            response = self._inner.handle_request(request)
        except BaseException as error:
            self._record(request, start, error=error)
            raise
        self._record(request, start, status=response.status_code)
        return response

    async def handle_async_request(self, request: Any) -> Any:
        """Make a call and time it."""
        start = self._calls.timer()
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            self._record(request, start, error=error)
            raise
        self._record(request, start, status=response.status_code)
        return response

    def _record(
        self, request: Any, start: float, *, status: int | None = None, error: BaseException | None = None
    ) -> None:
        self._calls.observe(request.url.host, request.method, self._calls.timer() - start, status=status, error=error)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)


def watch_httpx(client: T, *, registry: CollectorRegistry = REGISTRY, timer: Timer = time.perf_counter) -> T:
    """Time all calls of an httpx Client or AsyncClient and return it; called twice, it times once.

    Each hop of a redirect is a call of its own; a call through one of the client's proxies is timed, too.
    """
    calls = OutgoingCalls(registry=registry, timer=timer)
    watched: Any = client
    # httpx has no public way to put something before a transport that it has chosen itself.
    mounts = vars(watched)["_mounts"]
    watched._transport = _timed(watched._transport, calls)  # noqa: SLF001 - see above
    for pattern, transport in mounts.items():
        mounts[pattern] = None if transport is None else _timed(transport, calls)
    return client


def _timed(transport: Any, calls: OutgoingCalls) -> TimedTransport:
    return transport if isinstance(transport, TimedTransport) else TimedTransport(transport, calls)
