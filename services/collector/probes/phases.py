"""Times of a connection's phases, from aiohttp's tracing and the TLS context."""

import ipaddress
import socket
import ssl
import zlib
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp import TraceConfig

from services.collector.reasons import Reason
from services.collector.sheet import Sheet
from services.common.clock import Clock


class Handshake:
    """One check's TLS: when its newest handshake began (before it is TCP, after it is TLS), and what came of it."""

    def __init__(self, clock: Clock, context: ssl.SSLContext) -> None:
        self.clock, self.context = clock, context
        self.started: float | None = None
        self.object: ssl.SSLObject | None = None


_CURRENT: ContextVar[Handshake] = ContextVar("handshake")


class _TimedContext(ssl.SSLContext):
    """Tells the check that runs when a handshake begins; the event loop calls this once the TCP connection stands."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        made = super().wrap_bio(*args, **kwargs)
        if (check := _CURRENT.get(None)) is not None:
            check.started, check.object = check.clock.monotonic(), made
        return made


@lru_cache(maxsize=64)
def _context(*, verify: bool, ca_file: str | None, changed: float) -> ssl.SSLContext:
    # Reading the system's certificates takes tens of milliseconds: too long to be done at each check.
    del changed
    context = _TimedContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    else:
        context.load_default_certs()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def make_tls(clock: Clock, *, verify: bool, ca_file: str | None = None) -> Handshake:
    """Return the TLS side of one check and make it the running task's; raises OSError for a bad `ca_file`."""
    changed = Path(ca_file).stat().st_mtime if ca_file is not None else 0.0
    handshake = Handshake(clock, _context(verify=verify, ca_file=ca_file, changed=changed))
    _CURRENT.set(handshake)
    return handshake


class Phases:
    """Seconds by phase, summed over redirects, and where the check stands now (for the reason of a failure)."""

    def __init__(self, clock: Clock, tls: Handshake) -> None:
        self.seconds: dict[str, float] = {}
        self.current = Reason.PROTOCOL
        self.redirects = 0
        self.dns = 0.0
        self.peer: object = None
        self._clock, self._tls = clock, tls
        self._marks: dict[str, float] = {}

    def add(self, phase: str, seconds: float) -> None:
        """Add to a phase."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + max(0.0, seconds)

    def socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Make a connection's socket and note where it goes: afterwards the connection may already be given back."""
        family, kind, protocol, _, self.peer = address
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
        self.dns = self._clock.monotonic() - self._marks.pop("dns")
        self.add("resolve", self.dns)
        self.current = Reason.REFUSED
        # aiohttp opens the connection right after; what it took before was the look-up.
        self._marks["connect"] = self._clock.monotonic()

    async def _connect_start(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        self.current = Reason.REFUSED
        self._tls.started = None
        self._marks["connect"] = self._clock.monotonic()

    async def _connect_end(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        end, start = self._clock.monotonic(), self._marks.pop("connect")
        if self._tls.started is not None:
            self.add("tls", end - self._tls.started)
            end = self._tls.started
        self.add("connect", end - start)
        self.current = Reason.PROTOCOL

    async def _redirect(self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
        self.redirects += 1


def new_session(phases: Phases, tls: Handshake) -> aiohttp.ClientSession:
    """Return a session that opens a fresh connection for each request, without cookies or the environment's proxies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls.context, force_close=True, use_dns_cache=False, limit=4, socket_factory=phases.socket
        ),
        trace_configs=[phases.trace()],
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=True,
        trust_env=False,
    )


def write_address(sheet: Sheet, peer: object) -> None:
    """Write the generic facts of the address that answered; `peer` is a socket's peer name."""
    if not isinstance(peer, tuple) or not peer:
        return
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    sheet.gauge("probe_ip_protocol", "IP version of the address that was used: 4 or 6.", address.version)
    sheet.gauge(
        "probe_ip_addr_hash", "Hash of the IP address; it changes when the address does.", zlib.crc32(address.packed)
    )


def write_tls(sheet: Sheet, tls: Handshake) -> None:
    """Write version, cipher and certificate of the newest handshake that was completed; nothing without TLS."""
    if tls.object is None or tls.object.version() is None:
        return
    sheet.gauge("probe_tls_version_info", "TLS version in use.", 1, version=_go_name(tls.object.version() or ""))
    cipher = tls.object.cipher()
    sheet.gauge("probe_tls_cipher_info", "TLS cipher in use.", 1, cipher=cipher[0] if cipher else "")
    certificate = tls.object.getpeercert()
    expiry = certificate.get("notAfter") if certificate else None
    if isinstance(expiry, str):
        at = ssl.cert_time_to_seconds(expiry)
        sheet.gauge("probe_ssl_earliest_cert_expiry", "When the certificate expires, seconds since the epoch.", at)
        sheet.gauge(
            "probe_ssl_last_chain_expiry_timestamp_seconds", "When the verified chain's certificate expires.", at
        )


def _go_name(version: str) -> str:
    return version.replace("TLSv1", "TLS 1") if "." in version else version.replace("TLSv1", "TLS 1.0")
