"""The ASGI middleware: measures each request and WebSocket connection, and answers `/metrics`."""

import time
from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry

from tocsin_client.exposition import MetricsApp
from tocsin_client.families import FamilyName, open_families
from tocsin_client.registered import once
from tocsin_client.request import Request
from tocsin_client.routes import Templates
from tocsin_client.tracing import TraceId
from tocsin_client.types import ASGIApp, Receive, Scope, Send, Timer
from tocsin_client.websocket import Connection
from tocsin_client.websocket_metrics import WebSocketMetrics

_MEASURED = "tocsin_client.measured"


class TocsinMiddleware:
    """Wraps an ASGI app: `app.add_middleware(TocsinMiddleware)`, or `app = TocsinMiddleware(app)` around any framework.

    `metrics_path` is answered with the registry's metrics and not measured; None leaves it to the app. Added twice,
    it measures once. At most `max_handlers` routes get a series of their own, further ones are "other". `compat` names
    the conventions in which requests are told (`families.FAMILIES`), `app_name` is a label in that of "fastapi".
    Exemplars carry the trace id that `trace_id` returns when a request ends, else that of its `traceparent` header.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        registry: CollectorRegistry = REGISTRY,
        metrics_path: str | None = "/metrics",
        max_handlers: int = 500,
        compat: Sequence[FamilyName] = ("instrumentator",),
        app_name: str = "fastapi-app",
        trace_id: TraceId | None = None,
        timer: Timer = time.perf_counter,
    ) -> None:
        self._app, self._timer, self._metrics_path = app, timer, metrics_path
        self._metrics_app = MetricsApp(registry)
        self._families = open_families(registry, compat, app_name)
        self._websocket = once(registry, WebSocketMetrics)
        self._templates, self._trace_id = Templates(max_handlers), trace_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection as an ASGI app."""
        kind = scope["type"]
        if kind not in {"http", "websocket"} or _MEASURED in scope:
            await self._app(scope, receive, send)
            return
        scope[_MEASURED] = True
        if kind == "websocket":
            await Connection(self._websocket, self._templates, self._timer, scope, receive, send).run(self._app)
        elif scope["path"] == self._metrics_path and scope["method"] in {"GET", "HEAD"}:
            await self._metrics_app(scope, receive, send)
        else:
            request = Request(self._families, self._templates, self._trace_id, self._timer, scope, receive, send)
            await request.run(self._app)
