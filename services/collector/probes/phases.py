"""Times of a connection's phases, from aiohttp's tracing and the TLS context."""

import socket
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp import TraceConfig

from services.collector.probes.base import ProbeModule, Run
from services.collector.probes.handshake import Handshake
from services.collector.probes.names import Resolving
from services.collector.reasons import Reason, reason_of


class Phases:
    """Seconds by phase, summed over redirects, and where the check stands now (for the reason of a failure)."""

    def __init__(self, run: Run, tls: Handshake) -> None:
        self.seconds: dict[str, float] = {}
        self.current = Reason.PROTOCOL
        self.redirects = 0
        self._run, self._clock, self.tls = run, run.clock, tls
        self._marks: dict[str, float] = {}
        self._requested = self._headers = 0.0
        self._before = 0.0

    def add(self, phase: str, seconds: float) -> None:
        """Add to a phase."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + max(0.0, seconds)

    def connecting(self) -> float:
        """Return the seconds spent until connections stood."""
        return sum(self.seconds.get(phase, 0.0) for phase in ("resolve", "connect", "tls"))

    def socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Make a connection's socket and note where it goes: afterwards the connection may already be given back."""
        family, kind, protocol, _, peer = address
        self._run.peer = str(peer[0])
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    def trace(self) -> TraceConfig:
        """Return the hooks for an aiohttp session."""
        hooks = TraceConfig()
        hooks.on_dns_resolvehost_start.append(self._dns_start)
        hooks.on_dns_resolvehost_end.append(self._dns_end)
        hooks.on_connection_create_start.append(self._connect_start)
        hooks.on_connection_create_end.append(self._connect_end)
        hooks.on_request_redirect.append(self._redirect)
        return hooks

    async def _dns_start(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        self.current = Reason.DNS
        self._marks["dns"] = self._clock.monotonic()

    async def _dns_end(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        took = self._clock.monotonic() - self._marks.pop("dns")
        self._run.dns = took if self._run.dns is None else self._run.dns
        self.add("resolve", took)
        self.current = Reason.REFUSED
        # aiohttp opens the connection right after; what it took before was the look-up.
        self._marks["connect"] = self._clock.monotonic()

    async def _connect_start(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        self.current = Reason.REFUSED
        self.tls.started = None
        self._marks["connect"] = self._clock.monotonic()

    async def _connect_end(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        self.connected()
        self.current = Reason.PROTOCOL

    def connected(self) -> None:
        """Count the connection that was begun as done, or, at a failure, as far as it came."""
        if (start := self._marks.pop("connect", None)) is None:
            return
        end = self._clock.monotonic()
        if self.tls.started is not None:
            self.add("tls", end - self.tls.started)
            end = self.tls.started
        self.add("connect", end - start)

    async def _redirect(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: Any) -> None:
        self.redirects += 1
        self._run.note(f"redirected to {params.response.headers.get('Location', '')!r}")


def new_session(run: Run, phases: Phases, module: ProbeModule, source: str | None = None) -> aiohttp.ClientSession:
    """Return a session that opens a fresh connection for each request, without the environment's proxies.

    Cookies live as long as the check, so that a login that redirects can be followed.
    """

    async def look_up(host: str) -> list[str]:
        return await run.addresses(host, module.preferred_ip_protocol, fallback=module.ip_protocol_fallback)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=phases.tls.context, force_close=True, use_dns_cache=False, limit=4, socket_factory=phases.socket,
            resolver=Resolving(look_up), local_addr=None if source is None else (source, 0),
        ),
        trace_configs=[phases.trace()],
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
        max_line_size=64 * 1024,
        max_field_size=64 * 1024,
    )  # fmt: skip


def failure(error: BaseException, phases: Phases) -> Reason:
    """Return the reason of a client's error; where the error does not say, the phase that it came in does."""
    found = reason_of(error)
    if found is not Reason.ERROR:
        return found
    return next((reason for kind, reason in _KINDS if isinstance(error, kind)), phases.current)


_KINDS: tuple[tuple[type[BaseException], Reason], ...] = (
    (aiohttp.TooManyRedirects, Reason.REDIRECT),
    (aiohttp.ClientConnectorCertificateError, Reason.TLS),
    (aiohttp.ClientConnectorSSLError, Reason.TLS),
    (aiohttp.ClientConnectorDNSError, Reason.DNS),
    (aiohttp.ServerDisconnectedError, Reason.CLOSED),
    (aiohttp.ClientPayloadError, Reason.CLOSED),
    (aiohttp.ContentTypeError, Reason.BODY),
)
