"""Looking up a target's address on the event loop, within its time.

The system's own look-up runs in a thread that nobody can stop: a DNS server that answers late would use up all
threads. Names in /etc/hosts, the name servers and the search list of /etc/resolv.conf are honoured; other sources of
names that a system may have (mDNS, LDAP) are not.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import dns.asyncresolver
import dns.exception
import dns.resolver
from aiohttp.abc import AbstractResolver, ResolveResult

from services.collector.reasons import Reason, ScrapeError

IpProtocol: TypeAlias = Literal["ip4", "ip6"]
_HOSTS = Path("/etc/hosts")
_PORT = 53
_FAMILIES = {"ip4": socket.AF_INET, "ip6": socket.AF_INET6}


def parse_server(text: str) -> tuple[str, int]:
    """Return address and port of a name server written as `10.0.0.2`, `10.0.0.2:5353` or `[::1]:5353`."""
    host, found, port = text.rpartition(":")
    if not found or (":" in host and not host.startswith("[")):
        host, port = text, str(_PORT)
    address = ipaddress.ip_address(host.strip("[]"))
    if not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{text!r} has no port between 1 and 65535")
    return str(address), int(port)


class Names:
    """Looks names up; `servers` in place of those of /etc/resolv.conf."""

    def __init__(self, servers: tuple[str, ...] = ()) -> None:
        self._servers = servers
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._hosts: dict[str, list[str]] = {}
        self._read_at = -1.0

    async def look_up(
        self, host: str, limit: float, prefer: IpProtocol | None = None, *, fallback: bool = True
    ) -> list[str]:
        """Return a host's addresses; with `prefer` those of one family, of the other only if there are none.

        Raises ScrapeError with reason dns, also when the servers do not answer within `limit` seconds.
        """
        found = self._known(host)
        if found is None:
            found = await self._ask(host, limit)
        chosen = found
        if prefer is not None:
            chosen = [address for address in found if _version(address) == prefer]
            if not chosen and fallback:
                chosen = found
        if not chosen:
            raise ScrapeError(Reason.DNS, f"{host} has no address of family {prefer}")
        return chosen

    def _known(self, host: str) -> list[str] | None:
        bare = host.strip("[]")
        try:
            return [str(ipaddress.ip_address(bare.partition("%")[0])) if "%" not in bare else bare]
        except ValueError:
            pass
        return self._from_hosts().get(host.rstrip(".").lower())

    def _from_hosts(self) -> dict[str, list[str]]:
        try:
            changed = _HOSTS.stat().st_mtime
            if changed != self._read_at:
                self._hosts, self._read_at = _parse_hosts(_HOSTS.read_text(encoding="utf-8", errors="replace")), changed
        except OSError:
            # A machine without the file has no names in it.
            self._hosts = {}
        return self._hosts

    async def _ask(self, host: str, limit: float) -> list[str]:
        try:
            if self._resolver is None:
                self._resolver = _resolver(self._servers)
            # The library gives each family of addresses the whole time.
            async with asyncio.timeout(limit):
                answers = await self._resolver.resolve_name(host, lifetime=limit)
            return list(answers.addresses())
        except TimeoutError as error:
            raise ScrapeError(Reason.DNS, f"{host} can't be looked up: the name servers do not answer") from error
        except (dns.exception.DNSException, OSError) as error:
            raise ScrapeError(Reason.DNS, f"{host} can't be looked up: {error}") from error


def _parse_hosts(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            found.setdefault(name.lower(), []).append(address)
    return found


def _resolver(servers: tuple[str, ...]) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*parse_server(server)) for server in servers]
    return resolver


def _version(address: str) -> IpProtocol:
    return "ip6" if ":" in address else "ip4"


class Resolving(AbstractResolver):
    """Look-ups for one check of aiohttp's client."""

    def __init__(self, look_up: Callable[[str], Awaitable[list[str]]]) -> None:
        self._look_up = look_up

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        """See aiohttp; raises OSError with the ScrapeError as its cause."""
        del family
        try:
            addresses = await self._look_up(host)
        except ScrapeError as error:
            raise OSError(str(error)) from error
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=_FAMILIES[_version(address)], proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is kept open."""
