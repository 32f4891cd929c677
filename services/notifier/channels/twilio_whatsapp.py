"""WhatsApp by Twilio; a reply `DISMISS` or `ACK` acknowledges."""

import orjson
from pydantic import Field, model_validator

from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.kit.integration import check_texts
from services.notifier.channels.kit.texts import Text, cut
from services.notifier.channels.kit.twilio import Number, TwilioConfig, TwilioGlobals
from services.notifier.channels.kit.twilio_messages import TwilioMessages

_PREFIX = "whatsapp:"
_MOST = 1600


class TwilioWhatsappConfig(TwilioConfig):
    """One of `twilio_whatsapp_configs`."""

    from_: Number | None = Field(default=None, alias="from")
    messaging_service_sid: str = ""
    text: str = '{{ template "whatsapp.default.text" . }}'
    content_sid: str = ""
    """An approved template: WhatsApp takes free text only within 24 hours of the person's last message."""
    content_variables: dict[str, str] = Field(default_factory=dict)
    """The template's variables by number, each a Go template."""

    @model_validator(mode="after")
    def _a_sender(self) -> "TwilioWhatsappConfig":
        if (self.from_ is None) == (not self.messaging_service_sid):
            raise ValueError("give either from, your WhatsApp number at Twilio, or messaging_service_sid")
        if self.content_variables and not self.content_sid:
            raise ValueError("content_variables belong to a content_sid")
        return self


class TwilioWhatsappIntegration(TwilioMessages):
    """Sends by the Messages resource with `whatsapp:` addresses."""

    key, how, prefix = "twilio_whatsapp", "WhatsApp", _PREFIX

    def __init__(self, config: TwilioWhatsappConfig, around: Surroundings) -> None:
        super().__init__(config, around)
        self._config = config

    async def send(self, message: Message) -> str:
        """See the port; the id is the message's sid."""
        text, config = self._text(message), self._config
        code = await self._code(message, text("{{ .Lead.Title }}"))
        sender = (
            ("From", _PREFIX + config.from_) if config.from_ else ("MessagingServiceSid", config.messaging_service_sid)
        )
        content = self._template(text) if config.content_sid else [("Body", self._body(text, message, code))]
        fields = [("To", _PREFIX + message.recipient), sender, *content, *self._callback()]
        return await self._create("Messages", fields, message)

    def _template(self, text: Text) -> list[tuple[str, str]]:
        values = {name: text(value) for name, value in self._config.content_variables.items()}
        return [("ContentSid", self._config.content_sid), ("ContentVariables", orjson.dumps(values).decode())]

    def _body(self, text: Text, message: Message, code: int) -> str:
        body = text(self._config.text).strip()
        if message.status != "firing" or not self._reachable():
            return cut(body, _MOST)
        # The number is named only where "the last one" might be another.
        ask = f"\nReply DISMISS{'' if code == 1 else f' {code}'} to dismiss this alert"
        return cut(body, _MOST - len(ask)) + ask


class TwilioWhatsappChannel:
    """`twilio_whatsapp_configs`."""

    key = "twilio_whatsapp"
    model = TwilioWhatsappConfig
    global_model = TwilioGlobals
    own = True

    def build(self, config: TwilioWhatsappConfig, around: Surroundings) -> Integration:
        """See the port."""
        check_texts(around, {"text": config.text, **config.content_variables})
        return TwilioWhatsappIntegration(config, around)
