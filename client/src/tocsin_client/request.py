"""Measures one HTTP request from its arrival to the end of its response."""

import asyncio
from collections.abc import Sequence

from tocsin_client.measured import Family, Measured
from tocsin_client.routes import Templates, route_template
from tocsin_client.tracing import TraceId, exemplar_of, from_traceparent
from tocsin_client.types import ASGIApp, Message, Receive, Scope, Send, Timer

_CLIENT_CLOSED = 499
_SERVER_ERROR = 500


class Request:
    """Wraps `receive` and `send` of one request; `run` calls the app through them."""

    __slots__ = (
        "_complete", "_families", "_first", "_gone", "_receive", "_root_path", "_scope", "_send", "_sent", "_start",
        "_status", "_templates", "_timer", "_trace_id",
    )  # fmt: skip

    def __init__(
        self,
        families: Sequence[Family],
        templates: Templates,
        trace_id: TraceId | None,
        timer: Timer,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._families, self._templates, self._trace_id, self._timer = families, templates, trace_id, timer
        self._scope, self._receive, self._send = scope, receive, send
        self._root_path = str(scope.get("root_path", ""))
        self._status = self._sent = 0
        self._first: float | None = None
        self._complete = self._gone = False
        self._start = timer()

    async def run(self, app: ASGIApp) -> None:
        """Call the app and record how the request ended; the app's exceptions go on."""
        failure: BaseException | None = None
        method = self._scope["method"]
        for family in self._families:
            family.start(method)
        try:
            await app(self._scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._gone = True
            raise
        except BaseException as error:
            failure = error
            raise
        finally:
            self._end(failure)

    async def send(self, message: Message) -> None:
        """Pass a message of the app on to the client."""
        if message["type"] == "http.response.start":
            self._status, self._first = message["status"], self._timer() - self._start
        elif message["type"] == "http.response.body":
            self._sent += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        await self._send(message)

    async def receive(self) -> Message:
        """Pass a message of the client on to the app."""
        message = await self._receive()
        # After the response the server says "disconnect" to every app that still asks.
        if message["type"] == "http.disconnect" and not self._complete:
            self._gone = True
        return message

    def _end(self, failure: BaseException | None) -> None:
        status = self._status
        # A background task that fails after the response has not changed what the client got.
        if self._gone and not self._complete:
            status = _CLIENT_CLOSED
        elif not status or (failure is not None and not self._complete):
            status = _SERVER_ERROR
        received, trace_id = self._headers()
        if self._trace_id is not None:
            trace_id = self._trace_id() or trace_id
        measured = Measured(
            handler=self._templates.bounded(route_template(self._scope, self._root_path)),
            method=self._scope["method"],
            status=status,
            total=self._timer() - self._start,
            first=self._first,
            received=received,
            sent=self._sent,
            error=None if self._gone else failure,
            exemplar=exemplar_of(trace_id) if trace_id else None,
        )
        for family in self._families:
            family.end(measured)

    def _headers(self) -> tuple[int, str | None]:
        length, trace_id = 0, None
        for name, value in self._scope["headers"]:
            if name == b"content-length":
                length = int(value) if value.isdigit() else 0
            elif name == b"traceparent":
                trace_id = from_traceparent(value)
        return length, trace_id
