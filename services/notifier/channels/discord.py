"""Discord by a channel's webhook; the message is changed in place."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.http import RefusedError
from services.notifier.channels.kit.integration import (
    HttpIntegration,
    check_texts,
    field,
    host_of,
    read_url,
    secret_parts,
)
from services.notifier.channels.kit.texts import acknowledged_by, cut, is_update
from services.notifier.channels.kit.tickets import KEEP
from services.notifier.channels.msteams import WebhookUrlConfig
from services.notifier.grouping import Cause

_RED, _GREEN = 0x8C1A1A, 0x2DC72D
_MOST_TITLE, _MOST_MESSAGE, _MOST_CONTENT = 256, 4096, 2000
_NOT_FOUND = 404


class DiscordConfig(WebhookUrlConfig):
    """One of `discord_configs`."""

    title: str = '{{ template "discord.default.title" . }}'
    message: str = '{{ template "discord.default.message" . }}'
    content: str = ""
    username: str = ""
    avatar_url: str = ""


class DiscordIntegration(HttpIntegration):
    """Executes one webhook."""

    follows = frozenset({Cause.ACKNOWLEDGED, Cause.UNACKNOWLEDGED})

    def __init__(self, config: DiscordConfig, around: Surroundings, url: str) -> None:
        super().__init__(config, around, (host_of(url),), secret_parts(url))
        self._config, self._url = config, url

    async def send(self, message: Message) -> str:
        """See the port; the id is the message's."""
        body = self._body(message)
        known = await self._memory.get(f"discord:{message.thread}")
        # Discord tells nobody of a change in place: what fires anew is a message of its own.
        if known is not None and is_update(message):
            changed = {name: body[name] for name in ("content", "embeds") if name in body}
            try:
                await self._json(self._at("/messages/" + str(known["id"])), changed, method="PATCH")
            except RefusedError as error:
                if error.status != _NOT_FOUND:
                    raise
            else:
                return str(known["id"])
        message_id = field(await self._json(self._at("", wait="true"), body), "id")
        if message_id:
            await self._memory.put(f"discord:{message.thread}", {"id": message_id}, KEEP)
        return message_id

    def _at(self, more: str, **query: str) -> str:
        parts = urlsplit(self._url)
        asked = urlencode([*parse_qsl(parts.query), *query.items()])
        return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + more, asked, ""))

    def _body(self, message: Message) -> dict[str, Any]:
        text, config = self._text(message), self._config
        embed: dict[str, Any] = {
            "title": cut(text(config.title).strip(), _MOST_TITLE),
            "description": cut(text(config.message).strip(), _MOST_MESSAGE),
            "color": _RED if message.status == "firing" else _GREEN,
        }
        if by := acknowledged_by(message):
            embed["footer"] = {"text": cut(f"Acknowledged by {by}", 200)}
        told = text.all({"content": config.content, "username": config.username, "avatar_url": config.avatar_url})
        if "content" in told:
            told["content"] = cut(told["content"], _MOST_CONTENT)
        return {**told, "embeds": [embed]}


class DiscordChannel:
    """`discord_configs`."""

    key = "discord"
    model = DiscordConfig

    def build(self, config: DiscordConfig, around: Surroundings) -> Integration:
        """See the port."""
        names = ("title", "message", "content", "username", "avatar_url")
        check_texts(around, {name: getattr(config, name) for name in names})
        url = read_url(config.webhook_url, config.webhook_url_file, around.base, "webhook_url")
        return DiscordIntegration(config, around, url)
