"""Alertmanager's `http_config`: who we are, whom we trust, by which proxy."""

import base64
import ipaddress
import ssl
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator

from services.common.config import ConfigError, StrictModel, read_secret

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1, "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip


class TlsConfig(StrictModel):
    """`tls_config`: which authorities to trust, and our own certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    ca: str = ""
    """The authorities themselves, in PEM."""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion | None = None

    def context(self, base: Path) -> ssl.SSLContext:
        """Return the context; raises ConfigError that names the file that can't be used."""
        try:
            cafile = base / self.ca_file if self.ca_file else None
            context = ssl.create_default_context(cafile=cafile, cadata=self.ca or None)
            context.minimum_version = _VERSIONS[self.min_version]
            if self.max_version is not None:
                context.maximum_version = _VERSIONS[self.max_version]
            if self.cert_file:
                context.load_cert_chain(base / self.cert_file, base / self.key_file if self.key_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls_config: {self.ca_file or ''} {self.cert_file or ''}: {error}") from error
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


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


class OAuth2(StrictModel):
    """`oauth2`: a token by client credentials (RFC 6749, 4.4)."""

    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    token_url: str
    scopes: tuple[str, ...] = ()
    endpoint_params: dict[str, str] = Field(default_factory=dict)
    tls_config: TlsConfig = TlsConfig()
    proxy_url: str | None = None
    proxy_from_environment: bool = False
    no_proxy: str = ""

    @field_validator("token_url")
    @classmethod
    def _url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("token_url must begin with http:// or https:// and name a host")
        return url

    @model_validator(mode="after")
    def _one_secret(self) -> "OAuth2":
        if self.client_secret is not None and self.client_secret_file is not None:
            raise ValueError("give either client_secret or client_secret_file")
        return self

    def secret(self, base: Path) -> str:
        """Return the client's secret; raises ConfigError for a file that can't be read."""
        return read_secret(self.client_secret, _at(base, self.client_secret_file)) or ""

    def way(self) -> "HttpConfig":
        """Return how the token's own server is reached."""
        return HttpConfig(
            tls_config=self.tls_config, proxy_url=self.proxy_url, proxy_from_environment=self.proxy_from_environment,
            no_proxy=self.no_proxy,
        )  # fmt: skip


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


def without_proxy(host: str, rules: str) -> bool:
    """Tell whether `no_proxy` names a host: itself, a domain above it, its network, or `*`."""
    for rule in filter(None, (one.strip().lower().rpartition("://")[2] for one in rules.split(","))):
        if rule in {"*", host} or host.endswith("." + rule.lstrip(".")):
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False):
                return True
        except ValueError:
            continue
    return False
