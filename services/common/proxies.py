"""By which proxy a URL is reached: `proxy_url`, `proxy_from_environment` and `no_proxy` in Prometheus' common form."""

import ipaddress
from urllib.request import getproxies, proxy_bypass

from yarl import URL


def proxy_for(url: URL, proxy_url: str | None, no_proxy: str, *, from_environment: bool) -> str | None:
    """Return the proxy's URL, None where there is none to go by."""
    if proxy_url:
        return None if bypasses(no_proxy, url) else proxy_url
    if from_environment and not proxy_bypass(f"{url.host}:{url.port}"):
        return getproxies().get(url.scheme)
    return None


def bypasses(no_proxy: str, url: URL) -> bool:
    """Tell whether `no_proxy` excepts a URL.

    Its entries are names with their sub-domains, addresses, networks or `*`, each perhaps with a port, with commas
    between.
    """
    return any(_excepts(entry.strip(), url) for entry in no_proxy.split(","))


def _excepts(entry: str, url: URL) -> bool:
    host = url.host or ""
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and not name.endswith(":"):
        if port != str(url.port):
            return False
        entry = name
    entry = entry.strip("[]").lstrip(".").lower()
    if entry == "*" or (entry and (host == entry or host.endswith(f".{entry}"))):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
