"""HTTP for channels: one client for each integration, and how answers are told apart."""

import email.utils
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import aiohttp
from yarl import URL

from services.common.config import ConfigError
from services.common.oauth2 import TokenError, Tokens
from services.common.proxies import proxy_for
from services.common.tls_config import TlsConfig
from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError
from services.notifier.channels.kit.http_config import HttpConfig, authorization, own_headers

__all__ = ["Answer", "Client", "HttpConfig", "RefusedError", "TlsConfig", "refused"]

_TOO_MANY = 429
_REQUEST_TIMEOUT = 408
_UNAUTHORISED = 401
_NOT_LET_IN = (_UNAUTHORISED, 403)
_FIRST_NOT_OK = 300
_SERVER_ERROR = 500
_MAX_DETAIL = 200
_MAX_RETRY_AFTER = 3600.0


class Answer(NamedTuple):
    """A 2xx answer."""

    status: int
    text: str
    headers: Mapping[str, str]


class Client:
    """One integration's HTTP client with a pool of its own; raises ConfigError for files that can't be read."""

    def __init__(
        self, config: HttpConfig, base: Path, *, timeout: float, connections: int, hide: Collection[str] = ()
    ) -> None:
        """`hide`: secrets that an answer might repeat, and that no error may show."""
        self._proxy, self._redirects = config.proxy_url, config.follow_redirects
        self._server_name = config.tls_config.server_name or None
        self._tls, self._connections = config.tls_config.context(base), connections
        own, (more, hidden) = authorization(config, base), own_headers(config, base)
        self._headers = {"User-Agent": "Tocsin", **more, **own}
        self._from_environment, self._no_proxy = config.proxy_from_environment, config.no_proxy
        secrets = {*hide, *hidden, *(value.split(" ", 1)[-1] for value in own.values())}
        self._changing: dict[str, tuple[str, ...]] = {}
        self._seconds, self._timeout = timeout, aiohttp.ClientTimeout(total=timeout)
        self._tokens: Tokens | None = None
        if config.oauth2 is not None:
            config.oauth2.check(base)
            secrets.add(config.oauth2.secret(base))
            self._tokens = Tokens(config.oauth2, base)
        # The longest first: one may be a part of another.
        self._hide = sorted(filter(None, secrets), key=len, reverse=True)
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        # Opened by the first request: a configuration can be checked where no event loop runs.
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ssl=self._tls),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                trust_env=self._from_environment,
            )
        return self._opened

    async def aclose(self) -> None:
        """Close the pool."""
        if self._opened is not None:
            await self._opened.close()

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes, now: float) -> Answer:
        """POST and return a 2xx answer; raises DeliveryError for all else. `now` reads a Retry-After that is a date."""
        return await self.request("POST", url, headers=headers, content=content, now=now)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None, now: float
    ) -> Answer:
        """Send a request and return a 2xx answer; raises DeliveryError (RefusedError where there is an answer)."""
        if self._tokens is None:
            return await self._sent(method, url, headers, content, now)
        first = await self._authorization(self._tokens, now)
        try:
            return await self._sent(method, url, {**headers, "Authorization": first}, content, now)
        except RefusedError as error:
            if error.status != _UNAUTHORISED:
                raise
            # It was taken back before its time: one new one, then it is a refusal.
            second = await self._authorization(self._tokens, now, instead_of=first)
            if second == first:
                raise
        return await self._sent(method, url, {**headers, "Authorization": second}, content, now)

    async def _authorization(self, tokens: Tokens, now: float, *, instead_of: str = "") -> str:
        try:
            return await tokens.authorization(now, instead_of=instead_of, timeout=self._seconds)
        except ConfigError as error:
            raise DeliveryError(AUTHENTICATION_FAILED, str(error)) from error
        except TokenError as error:
            raise _no_token(error, now) from error

    async def _sent(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, now: float
    ) -> Answer:
        try:
            try:
                return await self._request(method, url, headers, content, now)
            except aiohttp.ServerDisconnectedError:
                # The server may have closed an idle connection just as we took it: as Go's client does for requests
                # with an Idempotency-Key, once more at once. A second time it is a failure.
                return await self._request(method, url, headers, content, now)
        except TimeoutError as error:
            raise DeliveryError("timeout", type(error).__name__) from error
        except aiohttp.InvalidURL as error:
            raise DeliveryError("invalid_url", permanent=True) from error
        except aiohttp.ClientConnectorError as error:
            raise DeliveryError("connection_failed", self._plain(error)) from error
        except aiohttp.ClientResponseError as error:
            # Too many redirects, or a proxy that refuses; its text would show the URL, which may be a secret.
            raise DeliveryError("connection_broken", f"{type(error).__name__}: HTTP {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise DeliveryError("connection_broken", self._plain(error)) from error

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, now: float
    ) -> Answer:
        try:
            # The environment's proxies are the session's part.
            proxy = proxy_for(URL(url), self._proxy, self._no_proxy, from_environment=False)
        except ValueError as error:
            raise aiohttp.InvalidURL(url) from error
        async with self._session.request(
            method, url, headers=headers, data=content, proxy=proxy, allow_redirects=self._redirects,
            server_hostname=self._server_name,
        ) as response:  # fmt: skip
            text = await response.text(errors="replace") if response.content_length != 0 else ""
            if not response.ok or response.status >= _FIRST_NOT_OK:
                raise refused(response.status, self.scrub(text), response.headers, now)
            return Answer(response.status, text, response.headers)

    def hide_too(self, what: str, secrets: Collection[str]) -> None:
        """Hide these, too, in place of what was given by that name before: a login that is renewed."""
        self._changing[what] = tuple(secrets)

    def scrub(self, text: str) -> str:
        """Return the text without this integration's secrets."""
        tokens = [self._tokens.present] if self._tokens is not None and self._tokens.present else []
        renewed = [secret for secrets in self._changing.values() for secret in secrets]
        for secret in (*tokens, *renewed, *self._hide):
            text = text.replace(secret, "<secret>")
        return text

    def _plain(self, error: Exception) -> str:
        return self.scrub(str(error))[:_MAX_DETAIL] or type(error).__name__


class RefusedError(DeliveryError):
    """An answer that is not 2xx, with its whole text (secrets hidden)."""

    def __init__(self, status: int, text: str, reason: str, *, permanent: bool, retry_after: float | None) -> None:
        detail = f"HTTP {status}: {text[:_MAX_DETAIL]}".strip()
        super().__init__(reason, detail, permanent=permanent, retry_after=retry_after)
        self.status, self.text = status, text


def refused(code: int, text: str, headers: Mapping[str, str], now: float) -> RefusedError:
    """Return the error for an answer that is not 2xx: 408, 429 and 5xx are temporary, 401 and 403 may be mended.

    The rest is permanent.
    """
    retry_after = _retry_after(headers.get("Retry-After", ""), now)
    if code == _TOO_MANY:
        return RefusedError(code, text, "rate_limited", permanent=False, retry_after=retry_after)
    if code == _REQUEST_TIMEOUT or code >= _SERVER_ERROR:
        return RefusedError(code, text, "server_error", permanent=False, retry_after=retry_after)
    if code in _NOT_LET_IN:
        return RefusedError(code, text, AUTHENTICATION_FAILED, permanent=False, retry_after=retry_after)
    return RefusedError(code, text, "refused", permanent=True, retry_after=None)


_TOKEN_REASONS = {"timeout": "timeout", "unreachable": "connection_failed", "tls": "connection_failed"}


def _no_token(error: TokenError, now: float) -> DeliveryError:
    if error.reason == "refused":
        return DeliveryError(AUTHENTICATION_FAILED, str(error))
    if error.status:
        found = refused(error.status, "", error.headers, now)
        return DeliveryError(found.reason, str(error), permanent=found.permanent, retry_after=found.retry_after)
    return DeliveryError(_TOKEN_REASONS.get(error.reason, "server_error"), str(error))


def _retry_after(text: str, now: float) -> float | None:
    if text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return min(max(0.0, at - now), _MAX_RETRY_AFTER)
