"""The provider's endpoints and keys, as it tells them itself (OpenID Connect Discovery 1.0)."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.api.oidc.config import OidcConfig
from services.api.oidc.error import OidcError, Reason
from services.common.clock import Clock

KEEP = 3600.0
"""Seconds that the provider's description and keys are kept."""
RETRY = 30.0
"""Seconds between two looks for a key that is not known: made-up tokens must not make us ask all the time."""
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MAX_BYTES = 1024**2
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KINDS = {"RSA", "EC", "OKP"}


@dataclass(frozen=True)
class Metadata:
    """What a login needs of the provider's description."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    auth_method: str


class Provider:
    """Asks the provider; every method raises OidcError when it is away or answers otherwise than it must."""

    def __init__(self, config: OidcConfig, secret: str, tls: ssl.SSLContext, clock: Clock) -> None:
        self._config, self._secret, self._tls, self._clock = config, secret, tls, clock
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def metadata(self) -> Metadata:
        """Return the provider's endpoints, asked for once an hour."""
        now = self._clock.monotonic()
        if self._metadata is None or now - self._metadata[0] > KEEP:
            told = await self._get(get_well_known_url(self._config.issuer, external=True))
            self._metadata = (now, _metadata(told, self._config.issuer, secret=bool(self._secret)))
        return self._metadata[1]

    async def keys(self, *, anew: bool = False) -> KeySet:
        """Return the keys that the provider signs by; `anew`: one was missing among those known."""
        now = self._clock.monotonic()
        keep = RETRY if anew else KEEP
        if self._keys is None or now - self._keys[0] > keep:
            told = await self._get((await self.metadata()).jwks_uri)
            self._keys = (now, _keys(told))
        return self._keys[1]

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, str]:
        """Return `id_token` and `access_token` for the code that came back with the person."""
        metadata = await self.metadata()
        body = prepare_token_request("authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        auth = ClientAuth(self._config.client_id, self._secret, metadata.auth_method)
        uri, headers, body = auth.prepare("POST", metadata.token_endpoint, headers, body)
        told = await self._call("POST", uri, headers, body.encode())
        tokens = {name: told.get(name, "") for name in ("id_token", "access_token")}
        if not tokens["id_token"] or not all(isinstance(token, str) for token in tokens.values()):
            raise OidcError("refused", "the token endpoint's answer has no id_token; is openid among the scopes?")
        return tokens

    async def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return what more the provider tells of the person; {} where it has no such endpoint."""
        endpoint = (await self.metadata()).userinfo_endpoint
        if not endpoint or not access_token:
            return {}
        told = await self._call("GET", endpoint, {"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != subject:
            raise OidcError("token", "the userinfo endpoint tells of somebody else than the ID token")
        return told

    async def _get(self, url: str) -> dict[str, Any]:
        return await self._call("GET", url, {"Accept": "application/json"})

    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> dict[str, Any]:
        try:
            # A session of its own: no cookie of one person's login is there at another's.
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as http,
                http.request(
                    method, url, headers=headers, data=body or None, allow_redirects=False, ssl=self._tls
                ) as answer,
            ):
                raw, status = await _whole(answer.content), answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise OidcError("away", f"{url} can't be asked: {type(error).__name__} {error}") from error
        return _read(url, status, raw)


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """Return an answer that may come in many pieces; what is too long is cut, and then is no JSON."""
    try:
        return await content.readexactly(_MAX_BYTES)
    except asyncio.IncompleteReadError as error:
        return error.partial


def _read(url: str, status: int, raw: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError:
        told = None
    if status == 200 and isinstance(told, dict):  # noqa: PLR2004 - the one status of success here
        return told
    # RFC 6749, 5.2: `error` is a bounded name such as invalid_client.
    error = str(told.get("error", ""))[:100] if isinstance(told, dict) else ""
    reason: Reason = "away" if status >= 500 else "refused"  # noqa: PLR2004 - where server errors begin
    raise OidcError(reason, f"{url} answers {status} {error or 'and no JSON object'}")


def _metadata(told: Mapping[str, Any], issuer: str, *, secret: bool) -> Metadata:
    if told.get("issuer") != issuer:
        raise OidcError("misconfigured", f"the provider names itself {told.get('issuer')!r}; set api.oidc.issuer to it")
    found = {name: str(told.get(name) or "") for name in (*_NEEDED, "userinfo_endpoint", "end_session_endpoint")}
    if missing := [name for name in _NEEDED if not found[name]]:
        raise OidcError("misconfigured", f"the provider's description lacks {', '.join(missing)}")
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    basic = "client_secret_basic" in methods or "client_secret_post" not in methods
    return Metadata(
        **found, auth_method="none" if not secret else "client_secret_basic" if basic else "client_secret_post"
    )


def _keys(told: Mapping[str, Any]) -> KeySet:
    listed = told.get("keys")
    usable = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, KeyError) as error:
        raise OidcError("refused", f"the provider's keys can't be used: {error}") from error
