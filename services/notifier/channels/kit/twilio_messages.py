"""SMS and WhatsApp by Twilio: sending, and short replies."""

from dataclasses import replace

from services.notifier.channels.base import Message, Surroundings
from services.notifier.channels.kit.inbound import Call, CallAnswer, CallRefusedError, acknowledgements
from services.notifier.channels.kit.tickets import KEEP, Numbers
from services.notifier.channels.kit.twilio import TwilioConfig, TwilioIntegration, twiml, verb


class TwilioMessages(TwilioIntegration):
    """One message a number; a reply `ACK` or `DISMISS` acknowledges."""

    how = ""
    """How an acknowledgement is said to have come."""
    prefix = ""
    """What Twilio puts before a number of this kind."""

    def __init__(self, config: TwilioConfig, around: Surroundings) -> None:
        super().__init__(config, around)
        self._numbers = Numbers(around.memory, self.key)

    async def _code(self, message: Message, title: str) -> int:
        return await self._numbers.code(message.recipient, message, title)

    async def receive(self, call: Call) -> CallAnswer:
        """Take a status callback or a reply; raises CallRefusedError."""
        if call.what == "status":
            return self._receipt(self._verified(call))
        if call.what == "reply":
            return await self._reply(self._verified(call), call.at)
        raise CallRefusedError("unknown_path", 404)

    async def _reply(self, fields: dict[str, str], at: float) -> CallAnswer:
        number, sid = fields.get("From", "").removeprefix(self.prefix), fields.get("MessageSid", "")
        if not number or not sid:
            raise CallRefusedError("unreadable", 400)
        # Twilio's signature has no time: each message is heard once, for longer than a reply means anything.
        if not await self._memory.claim(f"twilio-call:{sid}", KEEP):
            raise CallRefusedError("replayed", 409)
        heard = await self._numbers.hear(number, fields.get("Body", ""), at)
        known = heard is not None and (heard.meant or heard.others or number in self.recipients)
        if heard is None or not known:
            # Somebody else's message, or small talk: an answer would invite a loop of two machines.
            return twiml()
        if not heard.meant:
            return twiml(verb("Message", _open("Nothing to acknowledge.", heard.others)))
        alerts = dict.fromkeys(alert_id for one in heard.meant for alert_id in one["alerts"])
        titles = ", ".join(str(one["title"]) for one in heard.meant)
        answer = twiml(verb("Message", _open(f"Acknowledged: {titles}.", heard.others)))
        return replace(answer, actions=acknowledgements(alerts, by=number, channel=self.how, call_id=sid, at=at))


def _open(text: str, others: list[dict[str, object]]) -> str:
    if not others:
        return text
    return text + " Still open: " + "; ".join(f"ACK {one['code']} {one['title']}" for one in others[:5])
