"""One HTTP client for one other server."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from services import __version__
from services.evaluator.scrape.http_settings import HttpSettings


class ServerSession:
    """Posts to a server with its credentials, TLS and proxy; raises ConfigError for TLS files that can't be used."""

    def __init__(self, settings: HttpSettings, base: Path, timeout: float) -> None:
        self._settings, self._base = settings, base
        self._timeout = aiohttp.ClientTimeout(total=timeout)
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

    def post(self, url: str, **more: Any) -> "aiohttp.client._RequestContextManager":
        """Return the request, to be entered; raises ConfigError when a secret's file can't be read."""
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
            headers={**self._settings.headers(self._base), **more.pop("headers", {})},
            **more,
        )
