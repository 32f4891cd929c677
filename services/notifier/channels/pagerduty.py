"""PagerDuty: Events API v2 (trigger, acknowledge, resolve), and v1 for a service key."""

import hashlib
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, SecretStr, model_validator

from services.common.config import ConfigError, StrictModel
from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.kit.integration import (
    HttpChannelConfig,
    HttpIntegration,
    at_most_one,
    check_texts,
    field,
    host_of,
    read_key,
    read_url,
)
from services.notifier.channels.kit.texts import Text, acknowledged_by, cut, deep
from services.notifier.grouping import Cause

V2_URL = "https://events.pagerduty.com/v2/enqueue"
V1_URL = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
_MOST_SUMMARY = 1024
_MOST_EVENT = 512_000
_SEVERITIES = frozenset({"critical", "error", "warning", "info"})
_DETAILS = {
    "firing": '{{ template "pagerduty.default.instances" .Alerts.Firing }}',
    "resolved": '{{ template "pagerduty.default.instances" .Alerts.Resolved }}',
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}


class PagerdutyGlobals(StrictModel):
    """PagerDuty's keys of `global`."""

    pagerduty_url: str = V2_URL


class PagerdutyLink(StrictModel):
    """One of `links`."""

    href: str = ""
    text: str = ""


class PagerdutyImage(StrictModel):
    """One of `images`."""

    src: str = ""
    alt: str = ""
    href: str = ""


class PagerdutyConfig(HttpChannelConfig):
    """One of `pagerduty_configs`; every text is a template."""

    routing_key: SecretStr | None = None
    routing_key_file: Path | None = None
    service_key: SecretStr | None = None
    service_key_file: Path | None = None
    url: str | None = None
    client: str = '{{ template "pagerduty.default.client" . }}'
    client_url: str = '{{ template "pagerduty.default.clientURL" . }}'
    description: str = '{{ template "pagerduty.default.description" . }}'
    details: dict[str, Any] = Field(default_factory=dict)
    images: tuple[PagerdutyImage, ...] = ()
    links: tuple[PagerdutyLink, ...] = ()
    source: str = ""
    severity: str = ""
    class_: str = Field(default="", alias="class")
    component: str = ""
    group: str = ""

    @model_validator(mode="after")
    def _one_key(self) -> "PagerdutyConfig":
        keys = ("routing_key", "routing_key_file", "service_key", "service_key_file")
        if all(getattr(self, name) is None for name in keys):
            raise ValueError("give routing_key (Events API v2) or service_key (v1), or one of them as _file")
        at_most_one(self, "routing_key", "routing_key_file")
        at_most_one(self, "service_key", "service_key_file")
        return self


class PagerdutyIntegration(HttpIntegration):
    """One incident a group of alerts, by its key."""

    follows = frozenset({Cause.ACKNOWLEDGED})

    def __init__(self, config: PagerdutyConfig, around: Surroundings, *, url: str, key: str, v1: bool) -> None:
        super().__init__(config, around, (host_of(url),), (key,))
        self._config, self._url, self._key, self._v1 = config, url, key, v1
        self._details = {**_DETAILS, **config.details}

    async def send(self, message: Message) -> str:
        """See the port; the id is the incident's key."""
        event = self._event_of(message)
        if event is None:
            return ""
        text = self._text(message)
        body = self._v1_body(event, message, text) if self._v1 else self._v2_body(event, message, text)
        answer = await self._json(self._url, body)
        key = field(answer, "incident_key" if self._v1 else "dedup_key")
        return key or incident_key(message)

    def _event_of(self, message: Message) -> str | None:
        if message.status == "resolved":
            return "resolve"
        if message.cause is not Cause.ACKNOWLEDGED:
            return "trigger"
        # The incident is about the whole group: it is taken on when all of it is.
        return "acknowledge" if acknowledged_by(message) else None

    def _v2_body(self, event: str, message: Message, text: Text) -> dict[str, Any]:
        config = self._config
        body: dict[str, Any] = {
            "routing_key": self._key, "event_action": event, "dedup_key": incident_key(message),
        }  # fmt: skip
        if event != "trigger":
            return body
        severity = text(config.severity) if config.severity else text("{{ .Lead.Severity }}")
        payload: dict[str, Any] = {
            "summary": cut(text(config.description).strip() or "Alert", _MOST_SUMMARY),
            "source": text(config.source or config.client) or "Tocsin",
            "severity": severity if severity in _SEVERITIES else "error",
            **text.all({"class": config.class_, "component": config.component, "group": config.group}),
            "custom_details": self._rendered(text),
        }
        body |= {
            **text.all({"client": config.client, "client_url": config.client_url}),
            "payload": payload,
        }
        images = [text.all(one.model_dump()) for one in config.images]
        links = [text.all(one.model_dump()) for one in config.links]
        body |= {"images": [one for one in images if "src" in one]} if images else {}
        body |= {"links": [one for one in links if "href" in one]} if links else {}
        if len(orjson.dumps(body)) > _MOST_EVENT:
            payload["custom_details"] = {"error": "Custom details are left out: the event would be over 512 KB."}
        return body

    def _v1_body(self, event: str, message: Message, text: Text) -> dict[str, Any]:
        config = self._config
        body: dict[str, Any] = {
            "service_key": self._key, "event_type": event, "incident_key": incident_key(message),
            "description": cut(text(config.description).strip(), _MOST_SUMMARY),
        }  # fmt: skip
        if event == "trigger":
            told = text.all({"client": config.client, "client_url": config.client_url})
            body |= {**told, "details": self._rendered(text)}
        return body

    def _rendered(self, text: Text) -> dict[str, Any]:
        return {name: deep(value, text) for name, value in self._details.items()}


def incident_key(message: Message) -> str:
    """Return the key of a group's incident, as Alertmanager makes it: at most 255 characters."""
    return hashlib.sha256(message.group_key.encode()).hexdigest()


class PagerdutyChannel:
    """`pagerduty_configs`."""

    key = "pagerduty"
    model = PagerdutyConfig
    global_model = PagerdutyGlobals

    def build(self, config: PagerdutyConfig, around: Surroundings) -> Integration:
        """See the port."""
        names = ("client", "client_url", "description", "source", "severity", "class_", "component", "group")
        check_texts(around, {name.rstrip("_"): getattr(config, name) for name in names})
        check_texts(around, {name: value for name, value in config.details.items() if isinstance(value, str)})
        routing = read_key(config.routing_key, config.routing_key_file, around.base)
        key = routing or read_key(config.service_key, config.service_key_file, around.base)
        if not key:
            raise ConfigError("the routing_key is empty")
        v1 = not routing
        preset = V1_URL if v1 and around.globals.pagerduty_url == V2_URL else around.globals.pagerduty_url
        url = read_url(config.url or preset, None, around.base, "url")
        return PagerdutyIntegration(config, around, url=url, key=key, v1=v1)
