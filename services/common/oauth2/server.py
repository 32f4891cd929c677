"""One request for a token."""

import base64
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import aiohttp
from yarl import URL

from services import __version__
from services.common.oauth2.answer import not_let_in
from services.common.oauth2.config import OAuth2
from services.common.oauth2.errors import TokenError, TokenReason

_FORM = "application/x-www-form-urlencoded"
_MAX_ANSWER = 1024**2
_MAX_SHOWN = 200
_REDIRECTS = range(300, 400)
_GOOD = range(200, 300)
_SECRET_NAMES = ("password", "secret", "assertion", "token")


class TokenServer:
    """Asks at `token_url`; each request has a connection of its own: they are too rare to keep one."""

    def __init__(self, config: OAuth2, base: Path) -> None:
        self._config, self._base = config, base
        self._url = URL(config.token_url).with_user(None)
        self.name = str(self._url.with_query(None).with_fragment(None))
        """The address as errors may show it."""

    async def ask(self, *, in_body: bool, hide: str) -> str:
        """Return a 2xx answer; raises TokenError (its text without `hide`), or ConfigError for an unusable file."""
        secret = self._config.secret(self._base)
        pair = base64.b64encode(f"{quote_plus(self._config.client_id)}:{quote_plus(secret)}".encode()).decode()
        headers, form = self._request("" if in_body else pair, secret)
        hidden = _hidden(self._config, secret, pair, hide)
        try:
            return await self._post(headers, form, hidden)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise TokenError("tls", f"no token from {self.name}: {error}") from error
        except aiohttp.ClientResponseError as error:
            # A proxy that refuses; its text would show the whole URL.
            raise TokenError("unreachable", f"no token from {self.name}: the proxy says {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:
            what = _without(hidden, str(error))[:_MAX_SHOWN] or type(error).__name__
            raise TokenError("unreachable", f"no token from {self.name}: {what}") from error

    def _request(self, pair: str, secret: str) -> tuple[dict[str, str], bytes]:
        config = self._config
        fields = {"grant_type": "client_credentials", **config.endpoint_params}
        if config.scopes:
            fields["scope"] = " ".join(config.scopes)
        headers = {"Content-Type": _FORM, "Accept": "application/json", "User-Agent": f"Tocsin/{__version__}"}
        if pair:
            headers["Authorization"] = f"Basic {pair}"
        else:
            fields |= {"client_id": config.client_id, "client_secret": secret}
        return headers, urlencode(fields).encode()

    async def _post(self, headers: dict[str, str], form: bytes, hidden: Collection[str]) -> str:
        config, secure = self._config, self._url.scheme == "https"
        connect = [(name, one.get_secret_value()) for name, many in config.proxy_connect_header.items() for one in many]
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=config.tls_config.context(self._base) if secure else True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            ) as session,
            session.post(
                self._url, headers=headers, data=form, proxy=config.proxy(), proxy_headers=connect or None,
                server_hostname=(config.tls_config.server_name or None) if secure else None,
                # Whoever is redirected to would get the secret.
                allow_redirects=False,
            ) as response,
        ):  # fmt: skip
            text = await self._read(response)
            if response.status in _GOOD:
                return text
            raise self._refusal(response, _without(hidden, text))

    async def _read(self, response: aiohttp.ClientResponse) -> str:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _MAX_ANSWER:
                raise TokenError("answer", f"{self.name} answers with more than {_MAX_ANSWER} bytes")
        return body.decode("utf-8", errors="replace")

    def _refusal(self, response: aiohttp.ClientResponse, text: str) -> TokenError:
        status = response.status
        shown = f"no token from {self.name}: HTTP {status}: {text[:_MAX_SHOWN]}".strip().removesuffix(":")
        if status in _REDIRECTS:
            shown = f"no token from {self.name}: HTTP {status}: it redirects; give its last address as token_url"
        reason: TokenReason = "refused" if not_let_in(status, text) else "answer"
        return TokenError(reason, shown, status=status, answered=text, headers=response.headers)


def _hidden(config: OAuth2, secret: str, pair: str, token: str) -> list[str]:
    given = [
        value for name, value in config.endpoint_params.items() if any(word in name.lower() for word in _SECRET_NAMES)
    ]
    found = {secret, token, pair, *given}
    # As in the form, too; the longest first: one may be a part of another.
    return sorted(filter(None, {*found, *map(quote_plus, found)}), key=len, reverse=True)


def _without(hidden: Collection[str], text: str) -> str:
    for secret in hidden:
        text = text.replace(secret, "<secret>")
    return text
