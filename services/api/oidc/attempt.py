"""One login on its way: what the browser keeps while its person is at the provider. Pure."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.api.oidc.config import OidcConfig
from services.api.oidc.error import OidcError

COOKIE = "tocsin_oidc"
SECONDS = 600
"""How long somebody may take at the provider."""
_MAX_COOKIE = 2000


class Attempt(BaseModel):
    """Kept in a cookie of the one browser, so that any copy of the API can go on with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str = Field(min_length=20)
    nonce: str = Field(min_length=20)
    verifier: str = Field(min_length=43)
    next: str
    """Where to go then: a path of the page."""
    started: float

    def cookie(self) -> str:
        """Return the cookie's value."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode()

    def url(self, endpoint: str, config: OidcConfig, redirect_uri: str) -> str:
        """Return the address at the provider."""
        return str(
            prepare_grant_uri(
                endpoint,
                config.client_id,
                "code",
                redirect_uri=redirect_uri,
                scope=" ".join(config.scopes),
                state=self.state,
                nonce=self.nonce,
                code_challenge=create_s256_code_challenge(self.verifier),
                code_challenge_method="S256",
            )
        )


@dataclass(frozen=True)
class Return:
    """What came back with the browser."""

    state: str
    code: str
    error: str
    issuer: str


def start(where: str, now: float) -> Attempt:
    """Begin a login; `where` is the path to end at, any other address counts as the first page."""
    return Attempt(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        next=local_path(where),
        started=now,
    )


def local_path(where: str) -> str:
    """Return a path of this site, "/" for anything that could lead elsewhere."""
    plain = all(" " < letter <= "~" and letter != "\\" for letter in where)
    return where if plain and where.startswith("/") and not where.startswith("//") else "/"


def resume(cookie: str, back: Return, issuer: str, now: float) -> Attempt:
    """Return the login that came back; raises OidcError unless it is this browser's own, and in time."""
    attempt = _read(cookie)
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), back.state.encode()):
        raise OidcError("attempt", "the answer belongs to no login that this browser began")
    if not 0 <= now - attempt.started <= SECONDS:
        raise OidcError("attempt", "the login took too long at the provider")
    if back.issuer not in {"", issuer}:
        # RFC 9207: another provider's answer, passed off as this one's.
        raise OidcError("attempt", f"the answer is of another provider: {back.issuer!r}")
    if back.error:
        raise OidcError("denied" if back.error == "access_denied" else "refused", f"the provider says {back.error!r}")
    if not back.code:
        raise OidcError("refused", "the provider sent neither a code nor an error")
    return attempt


def _read(cookie: str) -> Attempt | None:
    try:
        raw = base64.b64decode(cookie[:_MAX_COOKIE], altchars=b"-_", validate=True)
        return Attempt.model_validate_json(raw)
    except (binascii.Error, ValidationError, ValueError):
        return None
