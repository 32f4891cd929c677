"""SMS by Twilio; a reply `ACK` acknowledges."""

from pydantic import Field, model_validator

from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.kit.integration import check_texts
from services.notifier.channels.kit.segments import fit
from services.notifier.channels.kit.twilio import Number, TwilioConfig, TwilioGlobals
from services.notifier.channels.kit.twilio_messages import TwilioMessages


class TwilioSmsConfig(TwilioConfig):
    """One of `twilio_sms_configs`."""

    from_: Number | None = Field(default=None, alias="from")
    messaging_service_sid: str = ""
    text: str = '{{ template "sms.default.text" . }}'
    max_segments: int = Field(default=2, ge=1, le=10)
    """A longer text is cut at a word; the line that says where to look stays."""

    @model_validator(mode="after")
    def _a_sender(self) -> "TwilioSmsConfig":
        if (self.from_ is None) == (not self.messaging_service_sid):
            raise ValueError("give either from, a number of yours at Twilio, or messaging_service_sid")
        return self


class TwilioSmsIntegration(TwilioMessages):
    """Sends by the Messages resource."""

    key, how = "twilio_sms", "SMS"

    def __init__(self, config: TwilioSmsConfig, around: Surroundings) -> None:
        super().__init__(config, around)
        self._config = config

    async def send(self, message: Message) -> str:
        """See the port; the id is the message's sid."""
        text, config = self._text(message), self._config
        body = fit(text(config.text), config.max_segments)
        await self._code(message, text("{{ .Lead.Title }}"))
        sender = ("From", config.from_) if config.from_ else ("MessagingServiceSid", config.messaging_service_sid)
        return await self._create(
            "Messages", [("To", message.recipient), sender, ("Body", body), *self._callback()], message
        )


class TwilioSmsChannel:
    """`twilio_sms_configs`."""

    key = "twilio_sms"
    model = TwilioSmsConfig
    global_model = TwilioGlobals
    own = True

    def build(self, config: TwilioSmsConfig, around: Surroundings) -> Integration:
        """See the port."""
        check_texts(around, {"text": config.text})
        return TwilioSmsIntegration(config, around)
