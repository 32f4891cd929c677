"""aiohttp's client, for what a scrape seldom needs: proxies and redirects."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from ssl import SSLContext

import aiohttp
from yarl import URL

from services.common.proxies import proxy_for
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.http_answer import Answer, too_large
from services.evaluator.scrape.http_settings import HttpSettings

_CHUNK = 256 * 1024
# Longer than most scrape intervals, so that one connection serves a target for its life.
_KEEP_ALIVE = 90.0


class FullClient:
    """The client of one job or of one list of targets."""

    def __init__(self, config: HttpSettings, limit: int) -> None:
        self._config, self._limit = config, limit
        self._session: aiohttp.ClientSession | None = None
        self._tls: SSLContext | bool = True

    async def open(self, stack: AsyncExitStack, tls: SSLContext | None) -> None:
        """Make the session."""
        self._tls = tls if tls is not None else True
        self._session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=30),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        )

    async def get(self, address: str, headers: Mapping[str, str], *, timeout: float | None = None) -> Answer:  # noqa: ASYNC109 - aiohttp's
        """Return the answer at the end of all redirects; raises ScrapeError. `timeout`: seconds or no limit."""
        if self._session is None:
            raise RuntimeError("open() comes before get()")
        url = URL(address, encoded=True)
        try:
            async with self._session.get(
                url,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=self._config.follow_redirects,
                ssl=self._tls,
                server_hostname=(self._config.server_name or None) if url.scheme == "https" else None,
                proxy=self._proxy(url),
            ) as response:
                return await self._take(response)
        except aiohttp.ClientConnectorCertificateError as error:
            raise ScrapeError("tls", str(error)) from error
        except aiohttp.ClientConnectorSSLError as error:
            raise ScrapeError("tls", str(error)) from error
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ConnectionRefusedError)
            raise ScrapeError("refused" if refused else "unreachable", str(error)) from error
        except TimeoutError as error:
            raise ScrapeError("timeout", f"no answer within {timeout:g} s") from error
        except aiohttp.ClientError as error:
            raise ScrapeError("unreachable", f"{type(error).__name__}: {error}") from error

    def _proxy(self, url: URL) -> str | None:
        config = self._config
        return proxy_for(url, config.proxy_url, config.no_proxy or "", from_environment=config.proxy_from_environment)

    async def _take(self, response: aiohttp.ClientResponse) -> Answer:
        answer = Answer(self._limit)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._limit:
                raise too_large(self._limit)
        # aiohttp has decompressed it already.
        answer.take(
            response.status, response.reason or "", {"content-type": response.headers.get("Content-Type", "")}, body
        )
        return answer
