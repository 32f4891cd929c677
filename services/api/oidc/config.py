"""The `api.oidc:` section of the configuration."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from services.api.roles import Role
from services.common.config import StrictModel

# Signatures by a key that only the provider has. Never `none`, nor HS256: there a public key could pass for a secret.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _check_issuer(issuer: str) -> str:
    parts = urlsplit(issuer)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return issuer
    raise ValueError(f"{issuer!r} is no issuer; write its https:// address exactly as the provider names itself")


def _check_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in scopes:
        raise ValueError("scopes need openid; write [openid, profile, email]")
    return scopes


class OidcConfig(StrictModel):
    """The provider, what Tocsin is to it, and who gets which role."""

    issuer: Annotated[str, AfterValidator(_check_issuer)]
    """Exactly as the provider names itself in `/.well-known/openid-configuration`."""
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    """Neither of the two: a public client, which PKCE protects."""
    title: str = Field(default="single sign-on", min_length=1, max_length=60)
    """What the button of the login page names."""
    scopes: Annotated[tuple[str, ...], AfterValidator(_check_scopes)] = ("openid", "profile", "email")
    username_claim: str = "preferred_username"
    role_claim: str = "groups"
    """A claim with one name or a list; dots go deeper, as in `realm_access.roles`."""
    roles: dict[str, Role] = Field(default={})
    """From the claim's names to roles; who has several gets the highest."""
    default_role: Role | None = None
    """For those without any of these names; left out, they are refused."""
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256", "PS256", "ES256", "Ed25519", "EdDSA"), min_length=1)
    """What an ID token may be signed by."""
    ca_file: Path | None = None
    """Certificates that the provider's is checked by, where the system's do not know it."""
    logout_at_provider: bool = False
    """Log out there too; `<external_url>/` must then be registered as a place to return to."""

    @model_validator(mode="after")
    def _check(self) -> "OidcConfig":
        if self.client_secret is not None and self.client_secret_file is not None:
            raise ValueError("give client_secret or client_secret_file, not both")
        if not self.roles and self.default_role is None:
            raise ValueError("nobody would get in: give `roles: {group: role}` or `default_role`")
        return self
