"""Measures one WebSocket connection from its handshake to its end."""

import asyncio

from tocsin_client.routes import Templates, route_template
from tocsin_client.types import ASGIApp, Message, Receive, Scope, Send, Timer
from tocsin_client.websocket_metrics import WebSocketMetrics

_NO_CLOSE_FRAME = 1006
# Codes by which a side says that something is wrong (RFC 6455, 7.4.1); 1006 also comes from every closed laptop lid.
_ERROR_CODES = frozenset({1002, 1003, 1007, 1009, 1010, 1011, 1014})
_KNOWN_CODES = range(1000, 1016)
_OWN_CODES = range(3000, 5000)


def code_label(code: int) -> str:
    """Return a close code as a label value, `other` for a number that no close frame may carry."""
    return str(code) if code in _KNOWN_CODES or code in _OWN_CODES else "other"


class Connection:
    """Wraps `receive` and `send` of one connection; `run` calls the app through them."""

    def __init__(
        self, metrics: WebSocketMetrics, templates: Templates, timer: Timer, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._metrics, self._templates, self._timer = metrics, templates, timer
        self._scope, self._receive, self._send = scope, receive, send
        self._root_path = str(scope.get("root_path", ""))
        self._path = ""
        self._accepted = False
        self._code: int | None = None
        self._received_at: float | None = None

    async def run(self, app: ASGIApp) -> None:
        """Call the app and record how the connection ended; the app's exceptions go on."""
        error = ""
        try:
            await app(self._scope, self.receive, self.send)
        except asyncio.CancelledError:
            raise
        except BaseException as caught:
            # Starlette's way to end a handler whose client has left; its code is counted, it is no error.
            error = "" if type(caught).__name__ == "WebSocketDisconnect" else type(caught).__name__
            raise
        finally:
            self._end(error)

    async def receive(self) -> Message:
        """Pass a message of the client on to the app."""
        self._answered()
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._count("in", message)
            self._received_at = self._timer()
        elif message["type"] == "websocket.disconnect" and self._code is None:
            self._code = int(message.get("code") or _NO_CLOSE_FRAME)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message of the app on to the client."""
        await self._send(message)
        kind = message["type"]
        if kind == "websocket.send":
            self._answered()
            self._count("out", message)
        elif kind == "websocket.accept":
            self._accepted = True
            self._metrics.connections.labels(self._template()).inc()
            self._metrics.active.labels(self._template()).inc()
        elif kind == "websocket.close" and self._code is None:
            self._code = int(message.get("code") or 1000)

    def _template(self) -> str:
        # The route is in the scope once the app has been entered; before that no message can come through here.
        if not self._path:
            self._path = self._templates.bounded(route_template(self._scope, self._root_path))
        return self._path

    def _count(self, direction: str, message: Message) -> None:
        body = message.get("text")
        size = len(body.encode()) if body is not None else len(message.get("bytes") or b"")
        self._metrics.messages.labels(self._template(), direction).inc()
        self._metrics.message_bytes.labels(self._template(), direction).inc(size)

    def _answered(self) -> None:
        if self._received_at is not None:
            self._metrics.message_seconds.labels(self._template()).observe(self._timer() - self._received_at)
            self._received_at = None

    def _end(self, error: str) -> None:
        path = self._template()
        if error:
            self._metrics.errors.labels(path, error).inc()
        if not self._accepted:
            if not error:
                self._metrics.errors.labels(path, "rejected").inc()
            return
        self._metrics.active.labels(path).dec()
        code = self._code if self._code is not None else (1011 if error else _NO_CLOSE_FRAME)
        self._metrics.disconnects.labels(path, code_label(code)).inc()
        if code in _ERROR_CODES and not error:
            self._metrics.errors.labels(path, f"close_{code}").inc()
