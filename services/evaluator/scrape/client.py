"""One HTTP GET of a metrics page."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from services import __version__
from services.common.config import ConfigError
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.targets import Target

if TYPE_CHECKING:
    import ssl

ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
)
_HARD_LIMIT = 256 * 1024**2
_CHUNK = 256 * 1024
# Longer than most scrape intervals, so that one connection serves a target for its life.
_KEEP_ALIVE = 90.0


@dataclass(frozen=True)
class Fetched:
    """A page as it came, decompressed."""

    body: bytes
    openmetrics: bool


class ScrapeClient:
    """The HTTP client of one job."""

    def __init__(self, config: ScrapeConfig, base: Path) -> None:
        self._config, self._base = config, base
        self._limit = config.body_size_limit or _HARD_LIMIT
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | bool = True

    async def open(self, stack: AsyncExitStack) -> None:
        """Make the session; raises ConfigError for TLS files that can't be used."""
        if self._config.tls_config is not None:
            self._tls = self._config.tls_config.context(self._base)
        self._session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=30),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "User-Agent": f"Tocsin/{__version__}",
                    "Accept": ACCEPT,
                    "Accept-Encoding": "gzip" if self._config.enable_compression else "identity",
                },
                trust_env=self._config.proxy_from_environment,
            )
        )

    async def fetch(self, target: Target) -> Fetched:
        """Return the target's page; raises ScrapeError within the target's time-out."""
        try:
            async with self._ready().get(
                URL(target.url, encoded=True),
                headers=self._headers(target),
                timeout=aiohttp.ClientTimeout(total=target.timeout),
                allow_redirects=self._config.follow_redirects,
                ssl=self._tls,
                server_hostname=self._server_name(target),
                proxy=self._config.proxy_url,
            ) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own number
                    raise ScrapeError("status", f"server returned HTTP status {response.status} {response.reason}")
                body = await self._read(response)
                return Fetched(body, response.content_type == "application/openmetrics-text")
        except TimeoutError as error:
            raise ScrapeError("timeout", f"no answer within {target.timeout:g} s") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise ScrapeError("tls", str(error)) from error
        except aiohttp.ClientConnectorSSLError as error:
            raise ScrapeError("tls", str(error)) from error
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ConnectionRefusedError)
            raise ScrapeError("refused" if refused else "unreachable", str(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ScrapeError("unreachable", f"{type(error).__name__}: {error}") from error

    def _ready(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("open() comes before fetch()")
        return self._session

    def _headers(self, target: Target) -> Mapping[str, str]:
        try:
            secret = self._config.headers(self._base)
        except ConfigError as error:
            raise ScrapeError("credentials", str(error)) from error
        return {**secret, "X-Prometheus-Scrape-Timeout-Seconds": f"{target.timeout:g}"}

    def _server_name(self, target: Target) -> str | None:
        tls = self._config.tls_config
        return tls.server_name if tls is not None and tls.server_name and target.url.startswith("https:") else None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > self._limit:
                raise ScrapeError("too_large", f"the page is larger than body_size_limit ({self._limit} bytes)")
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
