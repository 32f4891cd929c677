"""Webhook: Alertmanager's JSON, version 4."""

import hashlib
import hmac
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.common.clock import Clock
from services.common.config import ConfigError, StrictModel, read_secret
from services.common.durations import Duration
from services.common.yaml_source import Written
from services.notifier.channels import http
from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.kit.integration import at_most_one, check_url, host_of, read_key, secret_parts
from services.notifier.channels.kit.texts import Text, deep
from services.notifier.data import ZERO_TIME, AlertData, notification_data, quote_meta, rfc3339
from services.notifier.messages import Messages
from services.notifier.shown import OWN

_TIMEOUT = 10.0


def _typed(value: Any) -> Any:
    """Return JSON as YAML means it: here, and only here, a number is no text."""
    match value:
        case Written():
            return value.typed()
        case dict():
            return {name: _typed(one) for name, one in value.items()}
        case list():
            return [_typed(one) for one in value]
    return value


class WebhookConfig(StrictModel):
    """One of `webhook_configs`."""

    url: SecretStr | None = None
    url_file: Path | None = None
    send_resolved: bool = True
    http_config: http.HttpConfig | None = None
    max_alerts: int = Field(default=0, ge=0)
    """At most so many alerts in one message, the rest is counted in `truncatedAlerts`; 0 is all."""
    payload: Annotated[Any, BeforeValidator(_typed)] = None
    """Another JSON in place of Alertmanager's: each text in it is a template."""
    timeout: Duration = Field(default=0.0, json_schema_extra=OWN)
    """0: the default of 10 s."""
    hmac_secret: SecretStr | None = Field(default=None, json_schema_extra=OWN)
    hmac_secret_file: Path | None = Field(default=None, json_schema_extra=OWN)
    """Sign each message: `X-Tocsin-Signature: t=<unix time>,v1=<hex>`, HMAC-SHA256 of `<t>.<body>`."""
    max_concurrency: int = Field(default=16, ge=1, le=256, json_schema_extra=OWN)

    @model_validator(mode="after")
    def _one_source(self) -> "WebhookConfig":
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        if self.url is not None:
            check_url(self.url.get_secret_value())
        at_most_one(self, "hmac_secret", "hmac_secret_file")
        return self


class WebhookIntegration:
    """Posts to one URL."""

    def __init__(
        self,
        config: WebhookConfig,
        url: str,
        client: http.Client,
        *,
        messages: Messages,
        clock: Clock,
        hmac_secret: str = "",
    ) -> None:
        self.send_resolved, self.concurrency = config.send_resolved, config.max_concurrency
        self.timeout = config.timeout or _TIMEOUT
        self._max_alerts, self._url, self._client = config.max_alerts, url, client
        self._messages, self._clock, self._own = messages, clock, config.payload
        self._hmac_secret = hmac_secret
        # Scheme and host only: the rest of a webhook's URL is often its secret.
        self.recipients = (host_of(url),)

    async def send(self, message: Message) -> str:
        """See the port; the delivery id goes along as Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.delivery_id}
        content = orjson.dumps(self.payload(message) if self._own is None else deep(self._own, self._text(message)))
        now = self._clock.now()
        if self._hmac_secret:
            headers["X-Tocsin-Signature"] = signature(self._hmac_secret, content, now)
        url = self._text(message)(self._url).strip() if "{{" in self._url else self._url
        await self._client.post(url, headers=headers, content=content, now=now)
        return ""

    def _text(self, message: Message) -> Text:
        return Text(self._messages, self._clock, message)

    def payload(self, message: Message) -> dict[str, object]:
        """Return Alertmanager's webhook message."""
        limit = self._max_alerts or len(message.alerts)
        data = notification_data(
            receiver=message.receiver,
            cause=message.cause,
            alerts=message.alerts[:limit],
            group_labels=message.group_labels,
            external_url=self._messages.external_url,
        )
        return {
            "receiver": quote_meta(data.receiver),
            "status": data.status,
            "alerts": [_alert(alert) for alert in data.alerts],
            "groupLabels": data.group_labels,
            "commonLabels": data.common_labels,
            "commonAnnotations": data.common_annotations,
            "externalURL": data.external_url,
            "version": "4",
            "groupKey": message.group_key,
            "truncatedAlerts": max(0, len(message.alerts) - limit),
        }


def signature(secret: str, content: bytes, now: float) -> str:
    """Return the header's value; with the time in it a receiver can refuse what is old."""
    digest = hmac.new(secret.encode(), f"{int(now)}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={int(now)},v1={digest}"


def _alert(alert: AlertData) -> dict[str, object]:
    event = alert.event
    ends = rfc3339(event.ends_at) if alert.status == "resolved" and event.ends_at is not None else ZERO_TIME
    return {
        "status": alert.status,
        "labels": event.labels,
        "annotations": event.annotations,
        "startsAt": rfc3339(event.starts_at),
        "endsAt": ends,
        "generatorURL": event.generator_url,
        "fingerprint": event.fingerprint,
    }


def _check_payload(around: Surroundings, value: Any) -> None:
    match value:
        case str():
            around.messages.check("payload", value)
        case dict() | list():
            for one in value.values() if isinstance(value, dict) else value:
                _check_payload(around, one)


class WebhookChannel:
    """`webhook_configs`."""

    key = "webhook"
    model = WebhookConfig

    def build(self, config: WebhookConfig, around: Surroundings) -> Integration:
        """See the port."""
        url = read_secret(config.url, around.base / config.url_file if config.url_file else None) or ""
        try:
            check_url(url)
        except ValueError as error:
            raise ConfigError(f"{config.url_file}: {error}") from error
        around.messages.check("url", url)
        _check_payload(around, config.payload)
        http_config = config.http_config or around.globals.http_config
        timeout = config.timeout or _TIMEOUT
        key = read_key(config.hmac_secret, config.hmac_secret_file, around.base)
        client = http.Client(
            http_config, around.base, timeout=timeout, connections=config.max_concurrency,
            hide=(key, *secret_parts(url)),
        )  # fmt: skip
        around.stack.push_async_callback(client.aclose)
        return WebhookIntegration(config, url, client, messages=around.messages, clock=around.clock, hmac_secret=key)
