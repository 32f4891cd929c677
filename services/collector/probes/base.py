"""What a prober is: one file that knows one protocol; and what all of them write."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from services.collector.probes.names import IpProtocol, Names
from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.common.clock import Clock
from services.common.config import ConfigError, StrictModel
from services.common.oauth2 import TokenKeeper

_SUCCESS = "Displays whether or not the probe was a success"
_REASON = "1 with the reason why the probe failed"
_MAX_NOTES = 200


@dataclass(frozen=True)
class Tools:
    """What probes need of the collector."""

    clock: Clock
    names: Names
    base: Path
    """Where relative paths start."""
    tokens: TokenKeeper
    """By OAuth2; kept from probe to probe."""


@dataclass
class Run:
    """One check: where its samples go, and how long it may take (its caller ends it then)."""

    sheet: Sheet
    tools: Tools
    limit: float
    hostname: str = ""
    """The name to ask for, where the address alone does not say it (`/probe?hostname=`)."""
    notes: list[str] = field(default_factory=list)
    """What happened, for `/probe?debug=true`."""
    dns: float | None = None
    """Seconds of the first look-up."""
    peer: str = ""
    """The address that was used."""
    looking_up: bool = False
    """Whether a look-up was begun that has not ended."""

    @property
    def clock(self) -> Clock:
        """The collector's clock."""
        return self.tools.clock

    def note(self, text: str) -> None:
        """Add a line to what happened; long runs keep the first lines."""
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(text)

    async def addresses(self, host: str, prefer: IpProtocol | None, *, fallback: bool) -> list[str]:
        """Return the addresses of a host; raises ScrapeError."""
        self.looking_up = True
        try:
            # A little less than the whole, so that the answer comes from here.
            found = await self.tools.names.look_up(host, self.limit * 0.9, prefer, fallback=fallback)
        except ScrapeError:
            self.looking_up = False
            raise
        self.looking_up = False
        return found

    async def look_up(self, host: str, prefer: IpProtocol | None, *, fallback: bool) -> str:
        """Return the address of a host and note the time that it took; raises ScrapeError."""
        begin = self.clock.monotonic()
        try:
            self.peer = (await self.addresses(host, prefer, fallback=fallback))[0]
        finally:
            self.dns = self.clock.monotonic() - begin
        self.note(f"{host} is {self.peer}")
        return self.peer


class ProbeModule(StrictModel):
    """Keys of all probers."""

    preferred_ip_protocol: IpProtocol | None = None
    """None: the order that the system's name servers give."""
    ip_protocol_fallback: bool = True


class DialModule(ProbeModule):
    """Keys of the probers that open a socket themselves."""

    source_ip_address: str | None = Field(default=None)


Probe = Callable[[Run, str, Any], Awaitable[Reason | None]]


@dataclass(frozen=True)
class Prober:
    """One line of the registry of probers."""

    key: str
    """Name of its file, its section of a module and its list of targets."""
    model: type[StrictModel]
    probe: Probe
    """Check a target and write what was seen; return why it failed, None where it did not; may raise."""
    target: Callable[[str], str]
    """Return a target as the probe takes it; raises ValueError that shows the form."""


async def run_probe(run: Run, prober: Prober, target: str, module: StrictModel) -> Reason | None:
    """Run a check within its time and write its result; return why it failed. Never raises but when cancelled."""
    begin = run.clock.monotonic()
    reason: Reason | None = Reason.TIMEOUT
    try:
        async with asyncio.timeout(run.limit):
            reason = await prober.probe(run, target, module)
    except (TimeoutError, OSError, ScrapeError, ConfigError) as error:
        reason = reason_of(error)
        run.note(f"{type(error).__name__}: {error}")
    finally:
        if reason is Reason.TIMEOUT and run.looking_up:
            # A machine so busy that the probe's time ended before the look-up's.
            reason = Reason.DNS
        _write(run, run.clock.monotonic() - begin)
        write_result(run.sheet, reason)
    run.note("the probe succeeded" if reason is None else f"the probe failed: {reason.value}")
    return reason


def write_result(sheet: Sheet, reason: Reason | None) -> None:
    """Write whether the check succeeded and, if not, why."""
    sheet.gauge("probe_success", _SUCCESS, reason is None)
    if reason is not None:
        sheet.gauge("probe_failed_reason", _REASON, 1, reason=reason.value)


def _fnv(data: bytes) -> int:
    # FNV-1a of 32 bits, blackbox_exporter's choice: a series that moves over to us does not change.
    found = 0x811C9DC5
    for byte in data:
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found


def _write(run: Run, took: float) -> None:
    sheet = run.sheet
    sheet.gauge(
        "probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", run.dns or 0.0
    )
    sheet.gauge("probe_duration_seconds", "Returns how long the probe took to complete in seconds", took)
    sheet.gauge("probe_timeout_seconds", "Returns how long the probe timeout is in seconds", run.limit)
    if not run.peer:
        sheet.gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", 0)
        return
    address = ipaddress.ip_address(run.peer.partition("%")[0])
    sheet.gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", address.version)
    text = "Specifies the hash of IP address. It's useful to detect if the IP address changes."
    sheet.gauge("probe_ip_addr_hash", text, _fnv(address.packed))
