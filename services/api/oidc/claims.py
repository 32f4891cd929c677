"""From an ID token to a person with a role. Pure: keys and time are arguments (OpenID Connect Core 1.0, 3.1.3.7)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from services.api.oidc.config import OidcConfig
from services.api.oidc.error import OidcError
from services.api.roles import ROLES, Role

LEEWAY = 60
"""Seconds that the provider's clock may differ from ours."""
_USERNAME = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")


class UnknownKeyError(Exception):
    """The token is signed by a key that is not among those known: the provider may have changed them."""


@dataclass(frozen=True)
class Person:
    """Somebody whom the provider vouches for."""

    issuer: str
    subject: str
    """The provider's own name for the person; it never changes, unlike the username."""
    username: str
    role: Role


def check_id_token(
    token: str, keys: KeySet, config: OidcConfig, *, nonce: str, access_token: str, now: float
) -> dict[str, Any]:
    """Return the token's claims; raises OidcError for one that is not ours, now, and UnknownKeyError."""
    try:
        decoded = jwt.decode(token, keys, algorithms=list(config.algorithms))
    except InvalidKeyIdError as error:
        raise UnknownKeyError(str(error)) from error
    except (JoseError, ValueError) as error:
        raise OidcError("token", f"the ID token can't be trusted: {error}") from error
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={
            "iss": {"essential": True, "value": config.issuer},
            "aud": {"essential": True, "value": config.client_id},
            "exp": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        },
        params={"nonce": nonce, "client_id": config.client_id, "access_token": access_token},
    )
    try:
        claims.validate(now=int(now), leeway=LEEWAY)
    except JoseError as error:
        raise OidcError("token", f"the ID token does not hold: {error}") from error
    return dict(claims)


def lacks(claims: Mapping[str, Any], config: OidcConfig) -> bool:
    """Tell whether the userinfo endpoint must be asked for what the ID token leaves out."""
    return any(_at(claims, path) is None for path in (config.username_claim, config.role_claim))


def person_of(claims: Mapping[str, Any], config: OidcConfig) -> Person:
    """Return who the claims tell of; raises OidcError for no usable username or no role."""
    username = _at(claims, config.username_claim)
    if not isinstance(username, str) or not _USERNAME.fullmatch(username):
        raise OidcError(
            "username",
            f"the claim {config.username_claim} is {username!r}, no username (letters, digits, _ . @ + -, up to 64);"
            " set api.oidc.username_claim to another, such as email",
        )
    given = _at(claims, config.role_claim)
    names = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    held = [config.roles[name] for name in names if isinstance(name, str) and name in config.roles]
    role = max(held, key=ROLES.index) if held else config.default_role
    if role is None:
        raise OidcError(
            "no_role", f"{username} has none of the names in api.oidc.roles; the claim {config.role_claim} is {given!r}"
        )
    return Person(config.issuer, str(claims["sub"]), username, role)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    if path in claims:
        # A claim may have dots in its own name, as those that are addresses.
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found
