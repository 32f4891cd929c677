"""Access tokens by client credentials (RFC 6749, 4.4), kept until they end: how Go's clients do it for `oauth2`."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import orjson

from services.notifier.channels.base import AUTHENTICATION_FAILED, DeliveryError
from services.notifier.channels.kit.http_config import OAuth2

# A token that ends on the way is no token; Go takes ten seconds, too.
_EARLY = 10.0
_FOREVER = float("inf")
_FORM = "application/x-www-form-urlencoded"
_NOT_LET_IN = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "invalid_scope", "access_denied"})
Post = Callable[[dict[str, str], bytes, float], Awaitable[str]]
"""Sends headers and a form to the token's server at that time; returns the answer's text, raises DeliveryError."""


class Tokens:
    """One client's token; several that ask at once wait for one request."""

    def __init__(self, config: OAuth2, secret: str, post: Post) -> None:
        self._config, self._secret, self._post = config, secret, post
        self._token, self._until = "", 0.0
        self._in_body = False
        self._lock = asyncio.Lock()

    @property
    def present(self) -> str:
        """The newest token, "" before the first: no error may show it."""
        return self._token

    async def get(self, now: float, *, instead_of: str = "") -> str:
        """Return a token, another one than `instead_of`; raises DeliveryError."""
        async with self._lock:
            if not self._token or self._token == instead_of or now >= self._until:
                self._token, self._until = _read(await self._fetch(now), now)
            return self._token

    async def _fetch(self, now: float) -> str:
        try:
            return await self._ask(now)
        except DeliveryError as error:
            # Servers may want the secret in the header or in the form; which, only trying tells.
            if not _refused(error):
                raise
            self._in_body = not self._in_body
        try:
            return await self._ask(now)
        except DeliveryError as error:
            self._in_body = not self._in_body
            if not _refused(error):
                raise
            raise DeliveryError(AUTHENTICATION_FAILED, f"no token: {error.detail}") from error

    async def _ask(self, now: float) -> str:
        config = self._config
        fields = {"grant_type": "client_credentials", **config.endpoint_params}
        if config.scopes:
            fields["scope"] = " ".join(config.scopes)
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        if self._in_body:
            fields |= {"client_id": config.client_id, "client_secret": self._secret}
        else:
            pair = f"{quote_plus(config.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return await self._post(headers, urlencode(fields).encode(), now)


def _refused(error: DeliveryError) -> bool:
    return error.reason == AUTHENTICATION_FAILED or any(word in error.detail for word in _NOT_LET_IN)


def _read(text: str, now: float) -> tuple[str, float]:
    """Return the token and until when to use it; raises DeliveryError."""
    found = _fields(text)
    token, lasts = found.get("access_token"), found.get("expires_in")
    if not isinstance(token, str) or not token:
        raise DeliveryError("server_error", "the token's server answered without access_token")
    try:
        seconds = float(lasts) if lasts else _FOREVER
    except (TypeError, ValueError):
        seconds = _FOREVER
    return token, now + max(0.0, seconds - _EARLY)


def _fields(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Some servers answer with a form.
        return dict(parse_qsl(text))
    return found if isinstance(found, dict) else {}
