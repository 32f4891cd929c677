"""One HTTP GET of a metrics page: over a connection of our own, or by aiohttp where a proxy or a redirect comes in."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLCertVerificationError, SSLContext, SSLError

from services import __version__
from services.common.clock import Clock
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.connection import Connection
from services.evaluator.scrape.credentials import UNAUTHORISED, ScrapeCredentials
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.full_client import FullClient
from services.evaluator.scrape.http_answer import Answer
from services.evaluator.scrape.protocols import is_openmetrics
from services.evaluator.scrape.request import build_request, endpoint_of
from services.evaluator.scrape.targets import Target

HARD_LIMIT = 256 * 1024**2
_OK = 200
# Less than the whole time-out, so that what is said is that there is no token.
_FOR_A_TOKEN = 0.9
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Fetched:
    """A page as it came, decompressed."""

    body: bytes
    openmetrics: bool


class ScrapeClient:
    """The HTTP client of one job."""

    def __init__(self, config: ScrapeConfig, base: Path, clock: Clock) -> None:
        """Raises ConfigError for TLS files that can't be used."""
        self._config, self._base = config, base
        self._credentials = ScrapeCredentials(config, base, clock)
        self._limit = config.body_size_limit or HARD_LIMIT
        self._fixed = {
            "User-Agent": f"Tocsin/{__version__}",
            "Accept": config.accept,
            "Accept-Encoding": "gzip" if config.enable_compression else "identity",
        }
        self._tls: SSLContext | None = None
        self._full = FullClient(config, self._limit)
        self._proxied = bool(config.proxy_url) or config.proxy_from_environment
        self._connections: dict[str, Connection] = {}
        self._redirected: set[str] = set()

    async def open(self, stack: AsyncExitStack) -> None:
        """Get ready to fetch; raises ConfigError for TLS files that can't be used."""
        self._tls = self._config.tls_context(self._base)
        await self._full.open(stack, self._tls)
        stack.callback(self._close)

    def forget(self, target: Target) -> None:
        """Close the connection of a target that is no longer scraped."""
        connection = self._connections.pop(target.key, None)
        self._redirected.discard(target.key)
        if connection is not None:
            connection.close()

    async def fetch(self, target: Target) -> Fetched:
        """Return the target's page; raises ScrapeError within the target's time-out."""
        try:
            async with asyncio.timeout(target.timeout):
                own = await self._credentials.headers(target.timeout * _FOR_A_TOKEN)
                answer = await self._answer(target, self._headers(target, own))
                if answer.status == UNAUTHORISED:
                    answer = await self._once_more(target, own) or answer
                return self._fetched(answer)
        except TimeoutError as error:
            raise ScrapeError("timeout", f"no answer within {target.timeout:g} s") from error
        except SSLCertVerificationError as error:
            raise ScrapeError("tls", f"the target's certificate is refused: {error.verify_message}") from error
        except SSLError as error:
            raise ScrapeError("tls", str(error)) from error
        except ConnectionRefusedError as error:
            raise ScrapeError("refused", str(error)) from error
        except (OSError, ValueError) as error:
            raise ScrapeError("unreachable", f"{type(error).__name__}: {error}") from error

    async def _once_more(self, target: Target, refused: dict[str, str]) -> Answer | None:
        renewed = await self._credentials.renewed(refused, target.timeout * _FOR_A_TOKEN)
        return None if renewed is None else await self._answer(target, self._headers(target, renewed))

    async def _answer(self, target: Target, headers: Mapping[str, str]) -> Answer:
        if self._proxied or target.key in self._redirected:
            return await self._full.get(target.url, headers)
        connection = self._connections.get(target.key)
        if connection is None:
            endpoint = endpoint_of(target.url, self._tls, self._config.server_name)
            connection = self._connections[target.key] = Connection(endpoint)
        answer = await connection.ask(build_request(target.url, headers), self._limit)
        if self._config.follow_redirects and answer.status in _REDIRECTS and "location" in answer.headers:
            self._redirected.add(target.key)
            return await self._full.get(target.url, headers)
        return answer

    def _fetched(self, answer: Answer) -> Fetched:
        if answer.status != _OK:
            raise ScrapeError("status", f"server returned HTTP status {answer.status} {answer.reason}".rstrip())
        kind = answer.headers.get("content-type", "")
        return Fetched(answer.body, is_openmetrics(kind, self._config.fallback_scrape_protocol))

    def _headers(self, target: Target, own: Mapping[str, str]) -> Mapping[str, str]:
        return {**self._fixed, **own, "X-Prometheus-Scrape-Timeout-Seconds": f"{target.timeout:g}"}

    def _close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
