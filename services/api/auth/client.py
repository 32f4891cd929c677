"""Where a request comes from: the client's address behind proxies, and the page's origin."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """Return the address of the nearest client that is no trusted proxy (X-Forwarded-For, read from its end)."""
    address = request.remote or ""
    forwarded = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
    while _is_in(address, trusted) and forwarded and forwarded[-1]:
        address = forwarded.pop()
    return address


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def same_origin(request: web.Request, external_url: str) -> bool:
    """Tell whether the request's Origin is the address that it was sent to, or the configured external URL."""
    origin = request.headers.get("Origin", "")
    parts, external = urlsplit(origin), urlsplit(external_url)
    if not parts.scheme or not parts.netloc:
        return False
    if (parts.scheme, parts.netloc) == (external.scheme, external.netloc):
        return True
    return parts.scheme in {"http", "https"} and parts.netloc == request.host
