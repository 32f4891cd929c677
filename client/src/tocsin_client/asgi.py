"""The ASGI middleware: measures each request and WebSocket connection, and answers `/metrics`."""

import asyncio
import time

from prometheus_client import REGISTRY, CollectorRegistry

from tocsin_client.exposition import MetricsApp
from tocsin_client.http_metrics import HttpMetrics
from tocsin_client.registered import once
from tocsin_client.routes import Templates, route_template
from tocsin_client.types import ASGIApp, Message, Receive, Scope, Send, Timer
from tocsin_client.websocket import Connection
from tocsin_client.websocket_metrics import WebSocketMetrics

_MEASURED = "tocsin_client.measured"
_CLIENT_CLOSED = 499
_SERVER_ERROR = 500


class TocsinMiddleware:
    """Wraps an ASGI app: `app.add_middleware(TocsinMiddleware)`, or `app = TocsinMiddleware(app)` around any framework.

    `metrics_path` is answered with the registry's metrics and not measured; None leaves it to the app. Added twice,
    it measures once. At most `max_handlers` routes get a series of their own, further ones are "other".
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        registry: CollectorRegistry = REGISTRY,
        metrics_path: str | None = "/metrics",
        max_handlers: int = 500,
        timer: Timer = time.perf_counter,
    ) -> None:
        self._app, self._timer, self._metrics_path = app, timer, metrics_path
        self._metrics_app = MetricsApp(registry)
        self._http = once(registry, HttpMetrics)
        self._websocket = once(registry, WebSocketMetrics)
        self._templates = Templates(max_handlers)

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
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        timer, root_path = self._timer, str(scope.get("root_path", ""))
        status, sent = 0, 0
        first: float | None = None
        complete = gone = False
        start = timer()

        async def counted_send(message: Message) -> None:
            nonlocal status, sent, first, complete
            if message["type"] == "http.response.start":
                status, first = message["status"], timer() - start
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
                complete = not message.get("more_body", False)
            await send(message)

        async def watched_receive() -> Message:
            nonlocal gone
            message = await receive()
            # After the response the server says "disconnect" to every app that still asks.
            gone = gone or (message["type"] == "http.disconnect" and not complete)
            return message

        failure: BaseException | None = None
        self._http.start()
        try:
            await self._app(scope, watched_receive, counted_send)
        except asyncio.CancelledError:
            gone = True
            raise
        except BaseException as error:
            failure = error
            raise
        finally:
            handler = self._templates.bounded(route_template(scope, root_path))
            # A background task that fails after the response has not changed what the client got.
            if not status or (failure is not None and not complete):
                status = _CLIENT_CLOSED if gone else _SERVER_ERROR
            if failure is not None and not gone:
                self._http.failed(handler, scope["method"], failure)
            total = timer() - start
            self._http.end(
                handler, scope["method"], status, total=total, first=first, received=_length(scope), sent=sent
            )


def _length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
