"""The base of integrations that speak HTTP, and of their configuration."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
from pydantic import Field, SecretStr

from services.common.config import ConfigError, StrictModel, read_secret
from services.common.durations import Duration
from services.notifier.channels import http
from services.notifier.channels.base import DeliveryError, Message, Surroundings
from services.notifier.channels.kit.texts import Text
from services.notifier.grouping import Cause
from services.notifier.shown import OWN

_TIMEOUT = 10.0
# A shorter end of a path is a word, and is no secret.
_LEAST_SECRET = 8


class HttpChannelConfig(StrictModel):
    """What each of these channels may say."""

    send_resolved: bool = True
    """Here for every channel: whoever was told that it fires is told that it is over."""
    http_config: http.HttpConfig | None = None
    timeout: Duration = Field(default=0.0, ge=0, json_schema_extra=OWN)
    """0: the default of 10 s."""
    max_concurrency: int = Field(default=4, ge=1, le=64, json_schema_extra=OWN)


class HttpIntegration:
    """Requests with a pool of its own, JSON answers, texts."""

    follows: frozenset[Cause] = frozenset()

    def __init__(
        self, config: HttpChannelConfig, around: Surroundings, recipients: tuple[str, ...], hide: Collection[str] = ()
    ) -> None:
        self.send_resolved, self.concurrency = config.send_resolved, config.max_concurrency
        self.timeout = config.timeout or _TIMEOUT
        self.recipients = recipients
        self._around, self._clock, self._memory = around, around.clock, around.memory
        self._client = http.Client(
            config.http_config or around.globals.http_config,
            around.base,
            timeout=self.timeout,
            connections=config.max_concurrency,
            hide=hide,
        )
        around.stack.push_async_callback(self._client.aclose)

    def _text(self, message: Message) -> Text:
        return Text(self._around.messages, self._clock, message)

    async def _json(
        self, url: str, payload: Any = None, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send JSON; return the answer's JSON, or its text where it is none."""
        sent = {"Content-Type": "application/json", **(headers or {})} if payload is not None else dict(headers or {})
        content = None if payload is None else orjson.dumps(payload)
        return _parsed(await self._client.request(method, url, headers=sent, content=content, now=self._clock.now()))

    async def _form(
        self, url: str, fields: Mapping[str, str] | list[tuple[str, str]], headers: Mapping[str, str]
    ) -> Any:
        """Send a form; return the answer's JSON."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        content = urlencode(fields).encode()
        return _parsed(await self._client.request("POST", url, headers=sent, content=content, now=self._clock.now()))

    def _failure(self, reason: str, detail: str, *, permanent: bool, retry_after: float | None = None) -> DeliveryError:
        """Return an error whose detail is a provider's text."""
        return DeliveryError(reason, self._client.scrub(detail)[:200], permanent=permanent, retry_after=retry_after)


def _parsed(answer: http.Answer) -> Any:
    try:
        return orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        return answer.text


def field(answer: Any, *path: str) -> str:
    """Return a text or number below a JSON answer, "" where it is none."""
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return str(answer) if isinstance(answer, str | int) and not isinstance(answer, bool) else ""


def check_url(url: str, what: str = "the url") -> str:
    """Return the URL; raises ValueError when it is none."""
    parts = urlsplit(url)
    # Reading the port checks it too.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError(f"{what} must begin with http:// or https:// and name a host")
    return url


def read_url(value: SecretStr | str | None, file: Path | None, base: Path, name: str) -> str:
    """Return a URL from its key or file; raises ConfigError when it is missing or none."""
    url = read_key(value, file, base)
    if not url:
        raise ConfigError(f"no {name}; set {name} or {name}_file")
    try:
        return check_url(url, name)
    except ValueError as error:
        raise ConfigError(f"{file or name}: {error}") from error


def read_key(value: SecretStr | str | None, file: Path | None, base: Path) -> str:
    """Return a secret from its key or file, "" where neither is given."""
    secret = SecretStr(value) if isinstance(value, str) else value
    return (read_secret(secret, base / file if file else None) or "").strip()


def host_of(url: str) -> str:
    """Return scheme and host of a URL: the rest may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def secret_parts(url: str) -> tuple[str, ...]:
    """Return what of a secret URL an answer might repeat: all of it, and the end of its path."""
    end = urlsplit(url).path.rpartition("/")[2]
    return (url, end) if len(end) >= _LEAST_SECRET else (url,)


def at_most_one(model: StrictModel, *names: str) -> None:
    """Raise ValueError when several of these keys are given."""
    if sum(getattr(model, name) not in (None, "") for name in names) > 1:
        raise ValueError(f"give at most one of {', '.join(names)}")


def check_texts(around: Surroundings, texts: Mapping[str, str], *, html: bool = False) -> None:
    """Raise ConfigError that names the key whose template is broken."""
    for name, text in texts.items():
        around.messages.check(name, text, html=html)
