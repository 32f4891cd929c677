"""The keys of `oauth2`."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator
from yarl import URL

from services.common.config import StrictModel, read_secret
from services.common.proxies import proxy_for
from services.common.tls_config import TlsConfig


class OAuth2(StrictModel):
    """`oauth2`: a token by client credentials (RFC 6749, 4.4)."""

    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    token_url: str
    scopes: tuple[str, ...] = ()
    endpoint_params: dict[str, str] = Field(default_factory=dict, repr=False)
    tls_config: TlsConfig = TlsConfig()
    """For the token's server."""
    proxy_url: str | None = None
    proxy_from_environment: bool = False
    no_proxy: str = ""
    proxy_connect_header: dict[str, tuple[SecretStr, ...]] = Field(default_factory=dict)

    @field_validator("token_url")
    @classmethod
    def _url(cls, url: str) -> str:
        parts = URL(url)
        if parts.scheme not in {"http", "https"} or not parts.host:
            raise ValueError("token_url must begin with http:// or https:// and name a host")
        return url

    @model_validator(mode="after")
    def _one_of_each(self) -> "OAuth2":
        if self.client_secret is not None and self.client_secret_file is not None:
            raise ValueError("give either client_secret or client_secret_file")
        if self.proxy_url and self.proxy_from_environment:
            raise ValueError("give either proxy_url or proxy_from_environment")
        return self

    def __hash__(self) -> int:
        # The model's own would need hashable parameters; what is equal has the same of these.
        return hash((self.client_id, self.token_url, self.scopes))

    def secret(self, base: Path) -> str:
        """Return the client's secret; raises ConfigError for a file that can't be read."""
        file = None if self.client_secret_file is None else base / self.client_secret_file
        return read_secret(self.client_secret, file) or ""

    def check(self, base: Path) -> None:
        """Raise ConfigError where a file of `tls_config` can't be used."""
        self.tls_config.context(base)

    def proxy(self) -> str | None:
        """Return the proxy by which the token's server is reached."""
        url = URL(self.token_url)
        return proxy_for(url, self.proxy_url, self.no_proxy, from_environment=self.proxy_from_environment)
