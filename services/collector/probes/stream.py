"""A TCP connection of a check, with or without TLS; every read is bounded in bytes."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from services.collector.probes.base import DialModule, Run
from services.collector.probes.client_config import TlsConfig
from services.collector.probes.handshake import Handshake, make_tls
from services.collector.reasons import Reason, ScrapeError

_MAX_LINE = 64 * 1024
_MAX_TOTAL = 256 * 1024
_CLOSE = 0.2


def split_target(text: str, default: int | None = None) -> tuple[str, int]:
    """Return host and port of `host:port` or `[v6]:port`; raises ValueError that shows the form."""
    host, found, port = text.rpartition(":")
    if default is not None and (not found or (":" in host and not host.startswith("["))):
        host, port = text, str(default)
    bare = host.strip("[]")
    if not bare or set(bare) & set("/@ ?#") or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{text!r} is not an address; write it like db.example:5432")
    return bare, int(port)


def host_port(text: str) -> str:
    """Return a target `host:port`; raises ValueError."""
    split_target(text)
    return text


class Stream:
    """A connection; use as a context manager, which closes it without waiting for the other side."""

    def __init__(self, run: Run, host: str, port: int, config: TlsConfig) -> None:
        self._run, self._host, self._port, self._config = run, host, port, config
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._left = _MAX_TOTAL
        self.tls: Handshake | None = None
        self.connect_seconds = 0.0
        self.tls_seconds = 0.0

    async def open(self, module: DialModule, *, tls: bool) -> None:
        """Look the host up and connect; raises OSError or ScrapeError."""
        run = self._run
        address = await run.look_up(
            self._host, module.preferred_ip_protocol, fallback=module.ip_protocol_fallback
        )  # fmt: skip
        local = None if module.source_ip_address is None else (module.source_ip_address, 0)
        handshake = self._handshake() if tls else None
        begin = run.clock.monotonic()
        try:
            self._reader, self._writer = await asyncio.open_connection(
                address, self._port, local_addr=local, limit=_MAX_LINE,
                ssl=None if handshake is None else handshake.context,
                server_hostname=self._server_name if handshake is not None else None,
            )  # fmt: skip
        finally:
            end = run.clock.monotonic()
            if handshake is not None and handshake.started is not None:
                self.tls_seconds = end - handshake.started
                end = handshake.started
            self.connect_seconds = end - begin
        run.note("connected")

    @property
    def _server_name(self) -> str:
        return self._config.server_name or self._run.hostname or self._host

    def _handshake(self) -> Handshake:
        self.tls = make_tls(self._run.clock, self._config, self._run.tools.base)
        self.tls.make_current()
        return self.tls

    async def start_tls(self) -> None:
        """Go on over TLS."""
        _, writer = self._open()
        handshake, begin = self._handshake(), self._run.clock.monotonic()
        await writer.start_tls(handshake.context, server_hostname=self._server_name)
        self.tls_seconds = self._run.clock.monotonic() - begin
        self._run.note("TLS started")

    def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            raise ScrapeError(Reason.CLOSED, "the connection is not open")
        return self._reader, self._writer

    async def read_line(self) -> str | None:
        """Return the next line without its end, None when the server has closed; raises ScrapeError when too long."""
        reader, _ = self._open()
        try:
            line = await reader.readline()
        except ValueError as error:
            raise ScrapeError(Reason.TOO_LARGE, f"a line is longer than {_MAX_LINE} bytes") from error
        self._take(len(line))
        return line.rstrip(b"\r\n").decode("utf-8", errors="replace") if line else None

    async def read_exactly(self, count: int) -> bytes:
        """Return that many bytes, fewer when the server has closed."""
        reader, _ = self._open()
        self._take(count)
        try:
            return await reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            return error.partial

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ScrapeError(Reason.TOO_LARGE, f"the server has sent more than {_MAX_TOTAL} bytes")

    async def send_line(self, text: str) -> None:
        """Send a line."""
        await self.send(text.encode() + b"\n")
        self._run.note(f"sent {text!r}")

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        _, writer = self._open()
        writer.write(data)
        await writer.drain()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            # A server that never answers TLS's goodbye must not hold the answer back.
            async with asyncio.timeout(_CLOSE):
                await self._writer.wait_closed()
        self._writer.transport.abort()
