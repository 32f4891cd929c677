"""HTTP for channels: Alertmanager's `http_config`, and how answers are told apart."""

import email.utils
import ssl
from pathlib import Path
from typing import Any

import httpx
from pydantic import AliasChoices, Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel, read_secret
from services.notifier.channels.base import DeliveryError

_TOO_MANY = 429
_REQUEST_TIMEOUT = 408
_MAX_DETAIL = 200
_MAX_RETRY_AFTER = 3600.0


class TlsConfig(StrictModel):
    """`tls_config`: which authorities to trust, and our own certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False

    def context(self, base: Path) -> ssl.SSLContext:
        """Return the context; raises ConfigError that names the file that can't be used."""
        try:
            context = ssl.create_default_context(cafile=base / self.ca_file if self.ca_file else None)
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
    password: SecretStr | None = None
    password_file: Path | None = None


class Authorization(StrictModel):
    """`authorization`."""

    type: str = "Bearer"
    credentials: SecretStr | None = None
    credentials_file: Path | None = None


class HttpConfig(StrictModel):
    """`http_config`: the part of Prometheus' that needs no other service."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    tls_config: TlsConfig = TlsConfig()
    proxy_url: str | None = None
    follow_redirects: bool = True
    enable_http2: bool = Field(default=True, validation_alias=AliasChoices("enable_http2", "enable_http_2"))
    """Taken for compatibility; requests go by HTTP/1.1, which every server speaks."""

    @model_validator(mode="after")
    def _one_way(self) -> "HttpConfig":
        ways = [self.basic_auth, self.authorization, self.bearer_token or self.bearer_token_file]
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give at most one of basic_auth, authorization and bearer_token")
        return self


def build_client(config: HttpConfig, base: Path, *, timeout: float, connections: int) -> httpx.AsyncClient:
    """Return a client of its own pool; raises ConfigError for files that can't be read."""
    return httpx.AsyncClient(
        headers={"User-Agent": "Tocsin", **_authorization(config, base)},
        auth=_basic(config, base),
        verify=config.tls_config.context(base),
        proxy=config.proxy_url,
        follow_redirects=config.follow_redirects,
        timeout=timeout,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        trust_env=False,
    )


def _at(base: Path, file: Path | None) -> Path | None:
    return base / file if file is not None else None


def _basic(config: HttpConfig, base: Path) -> httpx.BasicAuth | None:
    if (auth := config.basic_auth) is None:
        return None
    return httpx.BasicAuth(auth.username, read_secret(auth.password, _at(base, auth.password_file)) or "")


def _authorization(config: HttpConfig, base: Path) -> dict[str, str]:
    if (way := config.authorization) is not None:
        credentials = read_secret(way.credentials, _at(base, way.credentials_file)) or ""
        return {"Authorization": f"{way.type} {credentials}".strip()}
    token = read_secret(config.bearer_token, _at(base, config.bearer_token_file))
    return {"Authorization": f"Bearer {token}"} if token else {}


async def post(
    client: httpx.AsyncClient, url: str, *, headers: dict[str, str], content: bytes, server_name: str, now: float
) -> httpx.Response:
    """POST and return a 2xx answer; raises DeliveryError for all else. `now` reads a Retry-After that is a date."""
    extensions: dict[str, Any] = {"sni_hostname": server_name} if server_name else {}
    try:
        response = await client.post(url, headers=headers, content=content, extensions=extensions)
    except httpx.TimeoutException as error:
        raise DeliveryError("timeout", type(error).__name__) from error
    except httpx.ConnectError as error:
        raise DeliveryError("connection_failed", _plain(error)) from error
    except httpx.InvalidURL as error:
        raise DeliveryError("invalid_url", permanent=True) from error
    except (httpx.TransportError, httpx.TooManyRedirects) as error:
        raise DeliveryError("connection_broken", _plain(error)) from error
    if not response.is_success:
        raise refused(response, now)
    return response


def _plain(error: Exception) -> str:
    return str(error)[:_MAX_DETAIL] or type(error).__name__


def refused(response: httpx.Response, now: float) -> DeliveryError:
    """Return the error for an answer that is not 2xx: 408, 429 and 5xx are temporary, the rest is permanent."""
    code = response.status_code
    detail = f"HTTP {code}: {response.text[:_MAX_DETAIL]}".strip()
    retry_after = _retry_after(response.headers.get("Retry-After", ""), now)
    if code == _TOO_MANY:
        return DeliveryError("rate_limited", detail, retry_after=retry_after)
    if code == _REQUEST_TIMEOUT or response.is_server_error:
        return DeliveryError("server_error", detail, retry_after=retry_after)
    return DeliveryError("refused", detail, permanent=True)


def _retry_after(text: str, now: float) -> float | None:
    if text.isdigit():
        return min(float(text), _MAX_RETRY_AFTER)
    try:
        at = email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return min(max(0.0, at - now), _MAX_RETRY_AFTER)
