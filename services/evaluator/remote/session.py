"""One HTTP client for one other server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from services import __version__
from services.common.clock import Clock
from services.evaluator.scrape.credentials import UNAUTHORISED, Credentials
from services.evaluator.scrape.http_settings import HttpSettings


class ServerSession:
    """Posts to a server with its credentials, TLS and proxy; raises ConfigError for TLS files that can't be used."""

    def __init__(self, settings: HttpSettings, base: Path, clock: Clock, timeout: float) -> None:
        self._settings, self._credentials = settings, Credentials(settings, base, clock)
        self._seconds, self._timeout = timeout, aiohttp.ClientTimeout(total=timeout)
        self._tls = settings.tls_config.context(base) if settings.tls_config is not None else True
        self._session: aiohttp.ClientSession | None = None

    async def open(self, stack: AsyncExitStack) -> None:
        """Make the session on the stack, once."""
        if self._session is not None:
            return
        self._session = await stack.enter_async_context(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"Tocsin/{__version__}"},
                trust_env=self._settings.proxy_from_environment,
            )
        )

    @asynccontextmanager
    async def post(self, url: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Give the answer; raises ConfigError when a secret's file can't be read, TokenError without a token."""
        headers = await self._credentials.headers(self._seconds)
        async with AsyncExitStack() as stack:
            response = await stack.enter_async_context(self._post(url, headers, **more))
            if response.status == UNAUTHORISED:
                renewed = await self._credentials.renewed(headers, self._seconds)
                if renewed is not None:
                    response.release()
                    response = await stack.enter_async_context(self._post(url, renewed, **more))
            yield response

    def _post(
        self, url: str, own: Mapping[str, str], *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> "aiohttp.client._RequestContextManager":
        if self._session is None:
            raise RuntimeError("open() comes before post()")
        tls = self._settings.tls_config
        return self._session.post(
            url,
            timeout=self._timeout,
            ssl=self._tls,
            server_hostname=tls.server_name if tls is not None and tls.server_name else None,
            proxy=self._settings.proxy_url,
            allow_redirects=self._settings.follow_redirects,
            headers={**own, **(headers or {})},
            **more,
        )
