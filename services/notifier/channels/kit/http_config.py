"""Alertmanager's `http_config`: who we are, whom we trust, by which proxy."""

import base64
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr, model_validator

from services.common.config import StrictModel, read_secret
from services.common.oauth2 import OAuth2
from services.common.tls_config import TlsConfig


class BasicAuth(StrictModel):
    """`basic_auth`."""

    username: str = ""
    username_file: Path | None = None
    password: SecretStr | None = None
    password_file: Path | None = None


class Authorization(StrictModel):
    """`authorization`."""

    type: str = "Bearer"
    credentials: SecretStr | None = None
    credentials_file: Path | None = None


class HeaderValues(StrictModel):
    """One of `http_headers`."""

    values: tuple[str, ...] = ()
    secrets: tuple[SecretStr, ...] = ()
    files: tuple[Path, ...] = ()


class HttpConfig(StrictModel):
    """`http_config` in Prometheus' common form."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    oauth2: OAuth2 | None = None
    tls_config: TlsConfig = TlsConfig()
    proxy_url: str | None = None
    proxy_from_environment: bool = False
    no_proxy: str = ""
    """Hosts, domains and networks, by commas, that are reached without `proxy_url`."""
    http_headers: dict[str, HeaderValues] = Field(default_factory=dict)
    follow_redirects: bool = True
    enable_http2: bool = Field(default=True, validation_alias=AliasChoices("enable_http2", "enable_http_2"))
    """Taken for compatibility; requests go by HTTP/1.1, which every server speaks."""

    @model_validator(mode="after")
    def _one_way(self) -> "HttpConfig":
        ways = [self.basic_auth, self.authorization, self.bearer_token or self.bearer_token_file, self.oauth2]
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give at most one of basic_auth, authorization, bearer_token and oauth2")
        if self.proxy_url and self.proxy_from_environment:
            raise ValueError("give either proxy_url or proxy_from_environment")
        return self


def _at(base: Path, file: Path | None) -> Path | None:
    return base / file if file is not None else None


def authorization(config: HttpConfig, base: Path) -> dict[str, str]:
    """Return the header that proves who we are; raises ConfigError for a file that can't be read."""
    if (auth := config.basic_auth) is not None:
        user = read_secret(None, _at(base, auth.username_file)) or auth.username
        password = read_secret(auth.password, _at(base, auth.password_file)) or ""
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    if (way := config.authorization) is not None:
        credentials = read_secret(way.credentials, _at(base, way.credentials_file)) or ""
        return {"Authorization": f"{way.type} {credentials}".strip()}
    token = read_secret(config.bearer_token, _at(base, config.bearer_token_file))
    return {"Authorization": f"Bearer {token}"} if token else {}


def own_headers(config: HttpConfig, base: Path) -> tuple[dict[str, str], list[str]]:
    """Return `http_headers`, and what of them is secret; raises ConfigError for a file that can't be read."""
    found, hidden = {}, []
    for name, given in config.http_headers.items():
        secrets = [one.get_secret_value() for one in given.secrets]
        secrets += [read_secret(None, base / file) or "" for file in given.files]
        found[name] = ", ".join((*given.values, *secrets))
        hidden += secrets
    return found, hidden
