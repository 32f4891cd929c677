"""Microsoft Teams by a workflow ("When a Teams webhook request is received"): an adaptive card."""

from typing import Any

from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.kit.integration import HttpIntegration, check_texts, host_of, read_url, secret_parts
from services.notifier.channels.msteams import WebhookUrlConfig


class Msteamsv2Config(WebhookUrlConfig):
    """One of `msteamsv2_configs`."""

    title: str = '{{ template "msteamsv2.default.title" . }}'
    text: str = '{{ template "msteamsv2.default.text" . }}'


class Msteamsv2Integration(HttpIntegration):
    """Posts cards to one workflow."""

    def __init__(self, config: Msteamsv2Config, around: Surroundings, url: str) -> None:
        # The address of a workflow bears its signature as a parameter.
        hidden = (
            *secret_parts(url),
            *(part.partition("=")[2] for part in url.partition("?")[2].split("&") if part[:4] == "sig="),
        )
        super().__init__(config, around, (host_of(url),), hidden)
        self._config, self._url = config, url

    async def send(self, message: Message) -> str:
        """See the port; the provider gives no id."""
        text, config = self._text(message), self._config
        title: dict[str, Any] = {
            "type": "TextBlock", "text": text(config.title).strip(), "weight": "Bolder", "size": "Medium",
            "wrap": True, "style": "heading", "color": "Attention" if message.status == "firing" else "Good",
        }  # fmt: skip
        # Two line feeds are one in the card's Markdown.
        body = {"type": "TextBlock", "text": text(config.text).strip().replace("\n", "\n\n"), "wrap": True}
        card: dict[str, Any] = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.2",
            "body": [title, body],
            "msteams": {"width": "full"},
        }
        if message.status == "firing":
            page = text("{{ .Lead.AcknowledgeURL }}")
            card["actions"] = [{"type": "Action.OpenUrl", "title": "Open and acknowledge", "url": page}]
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        await self._json(self._url, {"type": "message", "attachments": [attachment]})
        return ""


class Msteamsv2Channel:
    """`msteamsv2_configs`."""

    key = "msteamsv2"
    model = Msteamsv2Config

    def build(self, config: Msteamsv2Config, around: Surroundings) -> Integration:
        """See the port."""
        check_texts(around, {"title": config.title, "text": config.text})
        url = read_url(config.webhook_url, config.webhook_url_file, around.base, "webhook_url")
        return Msteamsv2Integration(config, around, url)
