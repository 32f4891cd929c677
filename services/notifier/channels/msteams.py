"""Microsoft Teams by an Office 365 connector: a message card."""

import re
from pathlib import Path

from pydantic import SecretStr, model_validator

from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.http import refused
from services.notifier.channels.kit.integration import (
    HttpChannelConfig,
    HttpIntegration,
    check_texts,
    check_url,
    host_of,
    read_url,
    secret_parts,
)

_FAILED = re.compile(r"HTTP error (\d{3})")
_RED, _GREEN = "8C1A1A", "2DC72D"


class WebhookUrlConfig(HttpChannelConfig):
    """A channel whose address is its secret."""

    webhook_url: SecretStr | None = None
    webhook_url_file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "WebhookUrlConfig":
        if (self.webhook_url is None) == (self.webhook_url_file is None):
            raise ValueError("give either webhook_url or webhook_url_file")
        if self.webhook_url is not None:
            check_url(self.webhook_url.get_secret_value(), "webhook_url")
        return self


class MsteamsConfig(WebhookUrlConfig):
    """One of `msteams_configs`."""

    title: str = '{{ template "msteams.default.title" . }}'
    summary: str = '{{ template "msteams.default.summary" . }}'
    text: str = '{{ template "msteams.default.text" . }}'


class MsteamsIntegration(HttpIntegration):
    """Posts cards to one connector."""

    def __init__(self, config: MsteamsConfig, around: Surroundings, url: str) -> None:
        super().__init__(config, around, (host_of(url),), secret_parts(url))
        self._config, self._url = config, url

    async def send(self, message: Message) -> str:
        """See the port; the provider gives no id."""
        text, config = self._text(message), self._config
        card = {
            "@context": "http://schema.org/extensions",
            "@type": "MessageCard",
            "title": text(config.title).strip(),
            "summary": text(config.summary).strip() or "Alert",
            # Two line feeds are one in the card's Markdown.
            "text": text(config.text).strip().replace("\n", "\n\n"),
            "themeColor": _RED if message.status == "firing" else _GREEN,
        }
        answer = await self._json(self._url, card)
        # A connector answers 200 also when Teams itself has refused; the text says so.
        if isinstance(answer, str) and (found := _FAILED.search(answer)) is not None:
            raise refused(int(found[1]), self._client.scrub(answer), {}, self._clock.now())
        return ""


class MsteamsChannel:
    """`msteams_configs`."""

    key = "msteams"
    model = MsteamsConfig

    def build(self, config: MsteamsConfig, around: Surroundings) -> Integration:
        """See the port."""
        check_texts(around, {name: getattr(config, name) for name in ("title", "summary", "text")})
        url = read_url(config.webhook_url, config.webhook_url_file, around.base, "webhook_url")
        return MsteamsIntegration(config, around, url)
