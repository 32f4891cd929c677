"""How a scrape reaches its target: credentials, TLS, proxy, headers."""

import base64
import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.common.config import ConfigError, read_secret
from services.common.oauth2 import OAuth2
from services.evaluator.go_form import GoForm, as_text


class BasicAuth(GoForm):
    """User and password; either may stand in a file."""

    username: str = ""
    username_file: Path | None = None
    password: SecretStr | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "BasicAuth":
        if self.password is not None and self.password_file is not None:
            raise ValueError("give either password or password_file")
        if self.username and self.username_file is not None:
            raise ValueError("give either username or username_file")
        return self


class Authorization(GoForm):
    """A header `Authorization: <type> <credentials>`."""

    type: str = "Bearer"
    credentials: SecretStr | None = None
    credentials_file: Path | None = None

    @model_validator(mode="after")
    def _checked(self) -> "Authorization":
        if self.credentials is not None and self.credentials_file is not None:
            raise ValueError("give either credentials or credentials_file")
        if self.type.strip().lower() == "basic":
            raise ValueError('type "basic" is not for authorization; use basic_auth')
        return self


_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class TlsConfig(GoForm):
    """Whom to trust and what to show."""

    ca: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = None

    @model_validator(mode="after")
    def _pair(self) -> "TlsConfig":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are given together")
        return self

    def context(self, base: Path) -> ssl.SSLContext:
        """Return an SSL context; raises ConfigError for a file that can't be used."""
        try:
            context = ssl.create_default_context(cafile=base / self.ca_file if self.ca_file else None, cadata=self.ca)
            if self.cert_file and self.key_file:
                context.load_cert_chain(base / self.cert_file, base / self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls_config: {error}; check ca_file, cert_file and key_file") from error
        context.minimum_version = _VERSIONS[self.min_version]
        if self.max_version:
            context.maximum_version = _VERSIONS[self.max_version]
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class OAuth2Keys(OAuth2, GoForm):
    """A token by client credentials."""

    endpoint_params: dict[str, Annotated[str, BeforeValidator(as_text)]] = Field(default_factory=dict, repr=False)


class HeaderValues(GoForm):
    """Values of one header; secrets may stand apart."""

    values: list[str] = Field(default_factory=list)
    secrets: list[SecretStr] = Field(default_factory=list)
    files: list[Path] = Field(default_factory=list)


class HttpSettings(GoForm):
    """The HTTP client keys that stand directly in a scrape config."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    oauth2: OAuth2Keys | None = None
    tls_config: TlsConfig | None = None
    follow_redirects: bool = True
    enable_http2: bool = True
    proxy_url: str | None = None
    proxy_from_environment: bool = False
    no_proxy: str | None = None
    http_headers: dict[str, HeaderValues] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_credential(self) -> "HttpSettings":
        names = ("basic_auth", "authorization", "bearer_token", "bearer_token_file", "oauth2")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one")
        return self

    @property
    def server_name(self) -> str:
        """Whom a certificate must name, where it is not the target's host."""
        return self.tls_config.server_name if self.tls_config is not None else ""

    def tls_context(self, base: Path) -> ssl.SSLContext | None:
        """Return what `tls_config` asks for, None without it; raises ConfigError for a file that can't be used."""
        return self.tls_config.context(base) if self.tls_config is not None else None

    def headers(self, base: Path) -> dict[str, str]:
        """Return the headers that prove who we are, less a token; files are read now: a changed secret is used at once.

        Raises ConfigError when a file can't be read.
        """
        headers: dict[str, str] = {}
        for name, given in self.http_headers.items():
            values = [*given.values, *(item.get_secret_value() for item in given.secrets)]
            values += [read_secret(None, base / file) or "" for file in given.files]
            headers[name] = ", ".join(values)
        if self.basic_auth is not None:
            headers["Authorization"] = _basic(self.basic_auth, base)
        elif self.authorization is not None:
            secret = _secret(self.authorization.credentials, self.authorization.credentials_file, base)
            headers["Authorization"] = f"{self.authorization.type.strip()} {secret}".strip()
        elif self.bearer_token is not None or self.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {_secret(self.bearer_token, self.bearer_token_file, base)}"
        return headers


def _secret(value: SecretStr | None, file: Path | None, base: Path) -> str:
    return (read_secret(value, base / file if file is not None else None) or "").strip()


def _basic(auth: BasicAuth, base: Path) -> str:
    user = read_secret(None, base / auth.username_file) if auth.username_file else auth.username
    password = read_secret(auth.password, base / auth.password_file if auth.password_file else None) or ""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
