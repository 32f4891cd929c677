"""Keys that Prometheus' programs share for HTTP clients: tls_config, basic_auth, authorization, http_headers."""

from base64 import b64encode
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from services.collector.probes.unsupported import UnsupportedError
from services.common.config import StrictModel, read_secret
from services.common.oauth2 import OAuth2

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]


class TlsConfig(StrictModel):
    """`tls_config`: what to trust, and the own certificate. Relative paths start at the folder of tocsin.yml."""

    insecure_skip_verify: bool = False
    ca: str | None = None
    ca_file: Path | None = None
    cert: str | None = None
    cert_file: Path | None = None
    key: SecretStr | None = Field(default=None, repr=False)
    key_file: Path | None = None
    server_name: str | None = None
    min_version: TlsVersion | None = None
    max_version: TlsVersion | None = None

    @model_validator(mode="after")
    def _pairs(self) -> "TlsConfig":
        for name in ("ca", "cert", "key"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give either {name} or {name}_file")
        if (self.cert_file is None) != (self.key_file is None) or (self.cert is None) != (self.key is None):
            raise ValueError("a certificate and its key go together: cert_file with key_file, cert with key")
        return self

    def files(self, base: Path) -> list[Path]:
        """Return the files that are read, so that a change of one is noticed."""
        return [base / path for path in (self.ca_file, self.cert_file, self.key_file) if path is not None]


class BasicAuth(StrictModel):
    """`basic_auth`."""

    username: str = ""
    username_file: Path | None = None
    password: SecretStr | None = Field(default=None, repr=False)
    password_file: Path | None = None

    def header(self, base: Path) -> str:
        """Return the Authorization header's value; raises ConfigError when a file can't be read."""
        user = self.username
        if self.username_file is not None:
            user = read_secret(None, base / self.username_file) or ""
        password = read_secret(self.password, None if self.password_file is None else base / self.password_file)
        return "Basic " + b64encode(f"{user}:{password or ''}".encode()).decode()


class Authorization(StrictModel):
    """`authorization`."""

    type: str = "Bearer"
    credentials: SecretStr | None = Field(default=None, repr=False)
    credentials_file: Path | None = None

    def header(self, base: Path) -> str:
        """Return the Authorization header's value; raises ConfigError when the file can't be read."""
        file = None if self.credentials_file is None else base / self.credentials_file
        return f"{self.type} {read_secret(self.credentials, file) or ''}"


class HeaderValues(StrictModel):
    """One header of `http_headers`: values as written, secret ones, and ones read from files."""

    values: tuple[str, ...] = ()
    secrets: tuple[SecretStr, ...] = Field(default=(), repr=False)
    files: tuple[Path, ...] = ()

    def read(self, base: Path) -> list[str]:
        """Return all values; raises ConfigError when a file can't be read."""
        secret = [value.get_secret_value() for value in self.secrets]
        return [*self.values, *secret, *(read_secret(None, base / file) or "" for file in self.files)]


_NOT_DONE = {
    "proxy_from_environment": "write the proxy's address as proxy_url",
    "no_proxy": "give proxy_url only to the modules whose targets need it",
}


_SIGNED = ("client_certificate_key", "client_certificate_key_file")


class ClientAuth(StrictModel):
    """Who the probe says it is: one of basic_auth, authorization, bearer_token(_file), oauth2; and more headers."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: SecretStr | None = Field(default=None, repr=False)
    bearer_token_file: Path | None = None
    oauth2: OAuth2 | None = None
    http_headers: dict[str, HeaderValues] = Field(default_factory=dict)
    tls_config: TlsConfig = TlsConfig()

    @model_validator(mode="before")
    @classmethod
    def _not_done(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for key, mend in _NOT_DONE.items():
            if data.get(key):
                raise UnsupportedError(f"{key} is not supported: {mend}")
        if isinstance(oauth2 := data.get("oauth2"), dict) and any(oauth2.get(key) for key in _SIGNED):
            raise UnsupportedError("oauth2 with a signed assertion is not supported: use client_secret_file")
        data = {key: value for key, value in data.items() if key not in _NOT_DONE}
        tls = dict(data.get("tls_config") or {}) if isinstance(data.get("tls_config") or {}, dict) else None
        if tls is not None and {"verify_tls", "ca_file"} & data.keys():
            # The short forms of both keys, from before tls_config was read.
            tls.setdefault("insecure_skip_verify", not data.pop("verify_tls", True))
            if (file := data.pop("ca_file", None)) is not None:
                tls.setdefault("ca_file", file)
            data["tls_config"] = tls
        return data

    @model_validator(mode="after")
    def _one(self) -> "ClientAuth":
        given = [
            name
            for name in ("basic_auth", "authorization", "bearer_token", "bearer_token_file", "oauth2")
            if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise ValueError(f"give only one of {', '.join(given)}")
        return self

    def auth_headers(self, base: Path) -> list[tuple[str, str]]:
        """Return Authorization, less a token, and `http_headers`; raises ConfigError when a file can't be read."""
        found = [(name, value) for name, values in self.http_headers.items() for value in values.read(base)]
        if self.basic_auth is not None:
            found.append(("Authorization", self.basic_auth.header(base)))
        elif self.authorization is not None:
            found.append(("Authorization", self.authorization.header(base)))
        elif self.bearer_token is not None or self.bearer_token_file is not None:
            file = None if self.bearer_token_file is None else base / self.bearer_token_file
            found.append(("Authorization", f"Bearer {read_secret(self.bearer_token, file) or ''}"))
        return found
