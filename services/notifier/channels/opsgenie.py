"""Opsgenie: one alert a group, created, acknowledged and closed by its alias."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

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
from services.notifier.channels.kit.texts import Text, acknowledged_by, cut
from services.notifier.channels.pagerduty import incident_key
from services.notifier.data import common
from services.notifier.grouping import Cause

_URL = "https://api.opsgenie.com/"
_MOST_MESSAGE = 130
_MOST_DESCRIPTION = 15_000
_TEXTS = ("message", "description", "source", "entity", "actions", "tags", "note", "priority")
_TYPES = frozenset({"team", "teams", "user", "escalation", "schedule"})


class OpsgenieGlobals(StrictModel):
    """Opsgenie's keys of `global`."""

    opsgenie_api_url: str = _URL
    opsgenie_api_key: SecretStr | None = None
    opsgenie_api_key_file: Path | None = None


class OpsgenieResponder(StrictModel):
    """One of `responders`."""

    id: str = ""
    name: str = ""
    username: str = ""
    type: str = ""

    @model_validator(mode="after")
    def _somebody(self) -> "OpsgenieResponder":
        if not (self.id or self.name or self.username):
            raise ValueError("a responder needs an id, a name or a username")
        if "{{" not in self.type and self.type.lower() not in _TYPES:
            raise ValueError(f"type {self.type!r} must be one of {', '.join(sorted(_TYPES))}")
        return self


class OpsgenieConfig(HttpChannelConfig):
    """One of `opsgenie_configs`; every text is a template."""

    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    api_url: str | None = None
    message: str = '{{ template "opsgenie.default.message" . }}'
    description: str = '{{ template "opsgenie.default.description" . }}'
    source: str = '{{ template "opsgenie.default.source" . }}'
    details: dict[str, str] = Field(default_factory=dict)
    entity: str = ""
    responders: tuple[OpsgenieResponder, ...] = ()
    actions: str = ""
    tags: str = ""
    note: str = ""
    priority: str = ""
    update_alerts: bool = False

    @model_validator(mode="after")
    def _one_key(self) -> "OpsgenieConfig":
        at_most_one(self, "api_key", "api_key_file")
        return self


class OpsgenieIntegration(HttpIntegration):
    """Requests to the Alert API."""

    follows = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED})

    def __init__(self, config: OpsgenieConfig, around: Surroundings, *, url: str, key: str) -> None:
        super().__init__(config, around, (host_of(url),), (key,))
        self._config, self._url, self._headers = config, url.rstrip("/"), {"Authorization": f"GenieKey {key}"}

    async def send(self, message: Message) -> str:
        """See the port; the id is the request's."""
        text = self._text(message)
        source = text.all({"source": self._config.source})
        if message.status == "resolved":
            return await self._post(self._about(message, "close"), source)
        if message.cause is Cause.ACKNOWLEDGED:
            by = acknowledged_by(message)
            # The alert is about the whole group: it is taken on when all of it is.
            return await self._post(self._about(message, "acknowledge"), {**source, "user": cut(by, 100)}) if by else ""
        if message.cause is Cause.UNACKNOWLEDGED:
            return await self._post(self._about(message, "unacknowledge"), source)
        created = await self._post(f"{self._url}/v2/alerts", self._alert(message, text))
        if self._config.update_alerts and message.cause is not Cause.NEW:
            told = self._alert(message, text)
            for name in ("message", "description"):
                if name in told:
                    await self._post(self._about(message, name), {name: told[name]}, method="PUT")
        return created

    async def _post(self, url: str, body: dict[str, Any], *, method: str = "POST") -> str:
        return field(await self._json(url, body, method=method, headers=self._headers), "requestId")

    def _about(self, message: Message, verb: str) -> str:
        return f"{self._url}/v2/alerts/{quote(incident_key(message), safe='')}/{verb}?identifierType=alias"

    def _alert(self, message: Message, text: Text) -> dict[str, Any]:
        config = self._config
        told = text.all({name: getattr(config, name) for name in _TEXTS})
        alert: dict[str, Any] = {
            "alias": incident_key(message),
            "message": cut(told.pop("message", "Alert"), _MOST_MESSAGE),
            "details": {**common([event.labels for event in message.alerts]), **text.all(config.details)},
        }
        if "description" in told:
            alert["description"] = cut(told.pop("description"), _MOST_DESCRIPTION)
        for name in ("tags", "actions"):
            if name in told:
                alert[name] = [part.strip() for part in told.pop(name).split(",") if part.strip()]
        responders = [one for responder in config.responders for one in _responders(responder, text)]
        return {**alert, **told, **({"responders": responders} if responders else {})}


def _responders(responder: OpsgenieResponder, text: Text) -> list[dict[str, str]]:
    found = text.all(responder.model_dump())
    kind = found.get("type", "").lower()
    if kind == "teams":
        return [{"type": "team", "name": name.strip()} for name in found.get("name", "").split(",") if name.strip()]
    found["type"] = kind
    return [found] if any(name in found for name in ("id", "name", "username")) else []


class OpsgenieChannel:
    """`opsgenie_configs`."""

    key = "opsgenie"
    model = OpsgenieConfig
    global_model = OpsgenieGlobals

    def build(self, config: OpsgenieConfig, around: Surroundings) -> Integration:
        """See the port."""
        shared, base = around.globals, around.base
        check_texts(around, {**{name: getattr(config, name) for name in _TEXTS}, **config.details})
        key = read_key(config.api_key, config.api_key_file, base) or read_key(
            shared.opsgenie_api_key, shared.opsgenie_api_key_file, base
        )
        if not key:
            raise ConfigError("no key; set api_key, or api_key_file, here or as global.opsgenie_api_key")
        url = read_url(config.api_url or shared.opsgenie_api_url, None, base, "api_url")
        return OpsgenieIntegration(config, around, url=url, key=key)
