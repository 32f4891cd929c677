"""A target's connection, kept open from scrape to scrape."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.http_answer import Answer


@dataclass(frozen=True)
class Endpoint:
    """Where a connection leads; `tls` None: not encrypted. `server_name` is whom the certificate must name."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str = ""


class _Exchange(asyncio.Protocol):
    """The connection's side that the event loop calls."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: Answer | None = None
        self.done: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.answer is None:
            # An answer that nobody asked for: what would follow can't be trusted.
            self.close()
            return
        try:
            self.answer.feed(data)
        except ScrapeError as error:
            self._finish(error)
            return
        if self.answer.complete:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.answer is None:
            return
        try:
            self.answer.end()
        except ScrapeError as error:
            self._finish(ScrapeError(error.reason, f"{error} ({exc})") if exc is not None else error)
        else:
            self._finish(None)

    def ask(self, request: bytes, answer: Answer) -> "asyncio.Future[Answer]":
        """Send a request; the future brings its complete answer or a ScrapeError."""
        if self.transport is None:
            raise ScrapeError("unreachable", "the connection is closed")
        self.answer, self.done = answer, asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done

    def _finish(self, error: ScrapeError | None) -> None:
        answer, done = self.answer, self.done
        self.answer = self.done = None
        if error is not None or (answer is not None and not answer.keep_alive):
            self.close()
        if done is None or done.done() or answer is None:
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(answer)

    def close(self) -> None:
        """Close without waiting."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None


class Connection:
    """Asks one endpoint, one request at a time; connects when it must."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._exchange: _Exchange | None = None

    async def ask(self, request: bytes, limit: int) -> Answer:
        """Return the answer to a request; raises ScrapeError, or OSError when there is no connection."""
        kept = self._exchange
        if kept is not None and kept.transport is not None:
            answer = Answer(limit)
            try:
                return await self._ask(kept, request, answer)
            except ScrapeError:
                # A kept connection that was closed before any answer may have timed out: once more on a new one.
                if answer.began:
                    raise
        self._exchange = fresh = await self._connect()
        return await self._ask(fresh, request, Answer(limit))

    async def _ask(self, exchange: _Exchange, request: bytes, answer: Answer) -> Answer:
        try:
            return await exchange.ask(request, answer)
        except asyncio.CancelledError:
            # The rest of a late answer must not become the next one.
            exchange.close()
            raise

    async def _connect(self) -> _Exchange:
        end = self._endpoint
        name = (end.server_name or end.host) if end.tls is not None else None
        loop = asyncio.get_running_loop()
        _, exchange = await loop.create_connection(_Exchange, end.host, end.port, ssl=end.tls, server_hostname=name)
        return exchange

    def close(self) -> None:
        """Close without waiting."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None
