"""A call by Twilio: reads the alert out; key 1 acknowledges."""

from dataclasses import replace

from pydantic import Field

from services.common.config import ConfigError
from services.notifier.channels.base import Integration, Message, Surroundings
from services.notifier.channels.kit.inbound import Call, CallAnswer, CallRefusedError, acknowledgements
from services.notifier.channels.kit.integration import check_texts
from services.notifier.channels.kit.texts import cut
from services.notifier.channels.kit.tickets import Tickets
from services.notifier.channels.kit.twilio import (
    Number,
    TwilioConfig,
    TwilioGlobals,
    TwilioIntegration,
    is_public,
    twiml,
    verb,
)
from services.notifier.shown import OWN

_MOST_SPOKEN = 1000
_ACKNOWLEDGE = "1"


class TwilioVoiceConfig(TwilioConfig):
    """One of `twilio_voice_configs`."""

    send_resolved: bool = False
    """Nobody is to be called because something is over, unless asked for."""
    from_: Number = Field(alias="from")
    text: str = '{{ template "voice.default.text" . }}'
    language: str = "en-US"
    voice: str = ""
    ring: int = Field(default=40, ge=5, le=600, json_schema_extra=OWN)
    """Seconds to let it ring."""
    repeat: int = Field(default=3, ge=1, le=10)
    """How often the text is read out while no key is pressed."""


class TwilioVoiceIntegration(TwilioIntegration):
    """Calls by the Calls resource; what is said, Twilio fetches from us by a signed call."""

    key = "twilio_voice"

    def __init__(self, config: TwilioVoiceConfig, around: Surroundings) -> None:
        super().__init__(config, around)
        self._config, self._tickets = config, Tickets(around.memory)

    async def send(self, message: Message) -> str:
        """See the port; the id is the call's sid."""
        spoken = " ".join(self._text(message)(self._config.text).split())
        ticket = await self._tickets.issue(message, text=cut(spoken, _MOST_SPOKEN), number=message.recipient)
        here = self._around.hook_url(self.key, "say") + f"?ticket={ticket}"
        fields = [
            ("To", message.recipient), ("From", self._config.from_), ("Url", here), ("Method", "POST"),
            ("Timeout", str(self._config.ring)), *self._callback(), ("StatusCallbackMethod", "POST"),
            ("StatusCallbackEvent", "completed"),
        ]  # fmt: skip
        return await self._create("Calls", fields, message)

    async def receive(self, call: Call) -> CallAnswer:
        """Say the text, take a key or a status callback; raises CallRefusedError."""
        fields = self._verified(call)
        if call.what == "status":
            return self._receipt(fields)
        if call.what not in {"say", "key"}:
            raise CallRefusedError("unknown_path", 404)
        ticket = call.query.get("ticket", "")
        found = await self._tickets.show(ticket)
        if call.what == "key" and fields.get("Digits") == _ACKNOWLEDGE and found["alerts"]:
            number = str(found.get("number", ""))
            actions = acknowledgements(
                found["alerts"], by=number, channel="phone", call_id=fields.get("CallSid", ticket), at=call.at
            )
            return replace(twiml(self._say("Acknowledged. Goodbye."), verb("Hangup")), actions=actions)
        return self._ask(ticket, str(found.get("text", "")), asks=bool(found["alerts"]))

    def _ask(self, ticket: str, text: str, *, asks: bool) -> CallAnswer:
        if not asks:
            return twiml(self._say(text), verb("Hangup"))
        said = self._say(f"{text} Press 1 to acknowledge.")
        action = self._around.hook_url(self.key, "key") + f"?ticket={ticket}"
        gather = verb("Gather", inner=said, numDigits=1, timeout=5, action=action, method="POST")
        return twiml(*[gather] * self._config.repeat, self._say("No key was pressed. Goodbye."))

    def _say(self, text: str) -> str:
        voice = {"voice": self._config.voice} if self._config.voice else {}
        return verb("Say", text, language=self._config.language, **voice)


class TwilioVoiceChannel:
    """`twilio_voice_configs`."""

    key = "twilio_voice"
    model = TwilioVoiceConfig
    global_model = TwilioGlobals
    own = True

    def build(self, config: TwilioVoiceConfig, around: Surroundings) -> Integration:
        """See the port."""
        check_texts(around, {"text": config.text})
        built = TwilioVoiceIntegration(config, around)
        if not is_public(around.messages.external_url):
            raise ConfigError("Twilio fetches what to say from us: set external_url to an address that it can reach")
        if not built.signed:
            raise ConfigError("no auth_token; Twilio signs with it what it asks us during a call")
        return built
