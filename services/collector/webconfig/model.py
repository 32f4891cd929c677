"""The keys of the file."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel, validate
from services.common.durations import Duration
from services.common.yaml_source import YamlError, read_yaml

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
ClientAuthType = Literal[
    "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
]
_HASH = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
_HEADERS = {
    "Content-Security-Policy": None,
    "Strict-Transport-Security": None,
    "X-Content-Type-Options": {"nosniff"},
    "X-Frame-Options": {"deny", "sameorigin"},
    "X-XSS-Protection": None,
}


class TlsServerConfig(StrictModel):
    """`tls_server_config`; relative paths start at the file's folder."""

    cert: str | None = None
    cert_file: Path | None = None
    key: SecretStr | None = Field(default=None, repr=False)
    key_file: Path | None = None
    client_ca: str | None = None
    client_ca_file: Path | None = None
    client_auth_type: ClientAuthType = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: TlsVersion = "TLS12"
    max_version: TlsVersion = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "TlsServerConfig":
        for name in ("cert", "key", "client_ca"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"give either {name} or {name}_file")
        if self.cert is None and self.cert_file is None:
            raise ValueError("missing cert or cert_file")
        if self.key is None and self.key_file is None:
            raise ValueError("missing key or key_file")
        has_ca = self.client_ca is not None or self.client_ca_file is not None
        if has_ca and self.client_auth_type in {"NoClientCert", "RequestClientCert", "RequireAnyClientCert"}:
            raise ValueError("a client CA has an effect with client_auth_type: RequireAndVerifyClientCert only; set it")
        if not has_ca and self.client_auth_type in {"RequireAndVerifyClientCert", "VerifyClientCertIfGiven"}:
            raise ValueError(f"client_auth_type {self.client_auth_type} needs client_ca_file")
        if self.client_auth_type in {"RequestClientCert", "RequireAnyClientCert"}:
            raise ValueError(
                f"client_auth_type {self.client_auth_type} takes any certificate and proves nothing; "
                "use RequireAndVerifyClientCert"
            )
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError("client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert")
        if len(self.curve_preferences) > 1:
            raise ValueError("more than one curve can't be set; name one or leave curve_preferences out")
        return self


class HttpServerConfig(StrictModel):
    """`http_server_config`."""

    http2: bool = True
    """Taken without effect: pages are served by HTTP/1.1."""
    headers: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> "HttpServerConfig":
        for name, value in self.headers.items():
            if name not in _HEADERS:
                raise ValueError(f"header {name} can't be set; known here: {', '.join(_HEADERS)}")
            allowed = _HEADERS[name]
            if allowed is not None and value and value not in allowed:
                raise ValueError(f"header {name} can't be {value!r}; it may be {' or '.join(sorted(allowed))}")
        return self


class RateLimit(StrictModel):
    """`rate_limit`: a token bucket over all requests."""

    interval: Duration = Field(default=0.0, ge=0)
    """Seconds in which one more request is allowed; 0 turns the limit off."""
    burst: int = Field(default=0, ge=0)


class WebConfig(StrictModel):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[str, SecretStr] = Field(default_factory=dict, repr=False)
    rate_limit: RateLimit = RateLimit()

    @model_validator(mode="before")
    @classmethod
    def _empty_tls(cls, data: Any) -> Any:
        # The toolkit's sample file has the section with nothing in it.
        if isinstance(data, dict) and not data.get("tls_server_config", True):
            return {key: value for key, value in data.items() if key != "tls_server_config"}
        return data

    @model_validator(mode="after")
    def _hashes(self) -> "WebConfig":
        for user, value in self.basic_auth_users.items():
            if not _HASH.fullmatch(value.get_secret_value()):
                raise ValueError(f"the password of {user!r} is not a bcrypt hash; make one with `htpasswd -nBC 10 ''`")
        return self


def read_web_config(path: Path) -> WebConfig:
    """Return the file's content; raises ConfigError with file and line of each mistake."""
    try:
        source = read_yaml(path)
    except YamlError as error:
        raise ConfigError(str(error)) from error
    return validate(WebConfig, source.data or {}, source, ())
