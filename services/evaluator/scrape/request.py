"""The request of a scrape, and where it goes."""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from yarl import URL

from services.evaluator.scrape.connection import Endpoint
from services.evaluator.scrape.errors import ScrapeError

# What may stand in a path with its query; the rest, blanks and line breaks among it, is percent-encoded.
_SAFE = "%/:=&?~+!$,;'@()*[]-._"


def build_request(url: str, headers: Mapping[str, str]) -> bytes:
    """Return a GET request's bytes; raises ScrapeError for a header that would break its line."""
    return _request(url, tuple(headers.items()))


@lru_cache(maxsize=4096)
def _request(url: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    split = URL(url, encoded=True)
    lines = [f"GET {quote(split.raw_path_qs, safe=_SAFE)} HTTP/1.1", f"Host: {split.host_port_subcomponent}"]
    for name, value in headers:
        if any(mark in name + value for mark in "\r\n\0"):
            raise ScrapeError(
                "credentials", f"the header {name!r} has a line break; take it out of the file or setting"
            )
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def endpoint_of(url: str, tls: ssl.SSLContext | None, server_name: str) -> Endpoint:
    """Return where a URL leads; raises ValueError when it names no host."""
    split = URL(url, encoded=True)
    if not split.raw_host or split.port is None:
        raise ValueError(f"{url!r} names no host")
    if split.scheme != "https":
        return Endpoint(split.raw_host, split.port)
    if tls is None:
        tls = _default_tls()
    return Endpoint(split.raw_host, split.port, tls, server_name)


@lru_cache(maxsize=1)
def _default_tls() -> ssl.SSLContext:
    return ssl.create_default_context()
