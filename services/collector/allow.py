"""Which addresses `/probe` may reach: nobody who may ask for a probe shall reach what he could not reach himself."""

import ipaddress
import re

_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_LABELS = 2
_WIDEST = {4: 8, 6: 32}


def check_allowed(pattern: str) -> str:
    """Return a pattern if it is narrow enough; raises ValueError that shows the form.

    Forms: a URL, whole or with `/*` at its end for all below it; `host:port`; `host`; a network like 10.1.0.0/16. A
    host may begin with `*.` for all names below one of at least two parts; a host without port allows all its ports.
    """
    wide = ValueError(f"{pattern!r} is too wide; write scheme, host and port in full, like http://shop:80/*")
    network = _network(pattern)
    if network is not None:
        if network.prefixlen < _WIDEST[network.version]:
            raise wide
        return pattern
    scheme, found, rest = pattern.rpartition("://")
    authority, slash, path = rest.partition("/")
    host, port = _split(authority)
    if found and not _SCHEME.fullmatch(scheme):
        raise wide
    if not _HOST.fullmatch(host) or (slash and not found) or "*" in path.removesuffix("*"):
        raise wide
    if path.endswith("*") and path != "*" and not path.endswith("/*"):
        raise wide
    if host.startswith("*.") and host[2:].strip(".").count(".") < _LABELS - 1:
        raise wide
    if port and not port.isdigit():
        raise wide
    return pattern


def allows(pattern: str, target: str) -> bool:
    """Tell whether a pattern allows a target; both in the form that its prober takes."""
    scheme, found, rest = target.rpartition("://")
    host, port = _split(re.split(r"[/?#]", rest, maxsplit=1)[0])
    if (network := _network(pattern)) is not None:
        return not found and _inside(host, network)
    own_scheme, own_found, own_rest = pattern.rpartition("://")
    authority, slash, path = own_rest.partition("/")
    own_host, own_port = _split(authority)
    if (scheme, found) != (own_scheme, own_found) or not _same_host(own_host, host):
        return False
    if not own_found:
        return own_port in {"", port}
    given = rest.partition("/")
    whole = given[2].startswith(path[:-1]) if path.endswith("*") else given[2] == path
    return own_port == port and given[1] == slash and whole


def _same_host(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.lower().endswith(pattern[1:].lower()) and len(host) >= len(pattern)
    return pattern.lower() == host.lower()


def _split(authority: str) -> tuple[str, str]:
    host, found, port = authority.rpartition(":")
    if not found or (":" in host and not host.startswith("[")):
        return authority, ""
    return host, port


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "://" in text or "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _inside(host: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")) in network
    except ValueError:
        return False
