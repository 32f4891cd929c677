"""Slack's interactivity: the button below a message, and the signed request when it is pressed."""

import hashlib
import hmac
import json
from typing import Any

from services.notifier.channels.base import Message
from services.notifier.channels.kit.inbound import Call, CallAnswer, CallRefusedError, acknowledgements
from services.notifier.channels.kit.memory import Memory
from services.notifier.channels.kit.texts import acknowledged_by
from services.notifier.channels.kit.tickets import Tickets

_OLDEST = 300.0
_ACTION = "tocsin_acknowledge"
WHAT = "actions"


def state(message: Message, ticket: str) -> dict[str, Any]:
    """Return the attachment that shows who has acknowledged, or the button to do so."""
    by = acknowledged_by(message)
    if message.status != "firing":
        text = "Resolved."
    elif by:
        text = f"Acknowledged by {_escaped(by)}."
    else:
        button = {
            "type": "button", "action_id": _ACTION, "value": ticket, "style": "primary",
            "text": {"type": "plain_text", "text": "Acknowledge"},
        }  # fmt: skip
        return {
            "fallback": "Acknowledge on the alert's page.",
            "blocks": [{"type": "actions", "block_id": "tocsin", "elements": [button]}],
        }
    return {
        "fallback": text,
        "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}],
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def verify(call: Call, signing_secret: str) -> None:
    """Check Slack's signature, version 0; raises CallRefusedError. Source: docs.slack.dev, Verifying requests."""
    sent_at = call.headers.get("x-slack-request-timestamp", "")
    given = call.headers.get("x-slack-signature", "")
    if not signing_secret or not sent_at.isdigit() or not given:
        raise CallRefusedError("unsigned")
    text = b"v0:" + sent_at.encode() + b":" + call.body
    expected = "v0=" + hmac.new(signing_secret.encode(), text, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise CallRefusedError("bad_signature")
    if abs(call.at - int(sent_at)) > _OLDEST:
        raise CallRefusedError("too_old")


async def pressed(call: Call, signing_secret: str, memory: Memory, tickets: Tickets) -> CallAnswer:
    """Return what follows from a press of the button; raises CallRefusedError."""
    if call.what != WHAT:
        raise CallRefusedError("unknown_path", 404)
    verify(call, signing_secret)
    event = _payload(call)
    pressed_ones = [
        one for one in event.get("actions", ()) if isinstance(one, dict) and one.get("action_id") == _ACTION
    ]
    if event.get("type") != "block_actions" or not pressed_ones:
        # A link or another app's button: Slack tells of it, and wants an answer only.
        return CallAnswer()
    signature = call.headers["x-slack-signature"]
    found = await tickets.show(str(pressed_ones[0].get("value", "")))
    if not await memory.claim(f"slack-call:{signature}", 4 * _OLDEST):
        raise CallRefusedError("replayed", 409)
    user = event.get("user")
    user = user if isinstance(user, dict) else {}
    who = str(user.get("username") or user.get("name") or user.get("id") or "somebody")
    return CallAnswer(
        actions=acknowledgements(found["alerts"], by=who, channel="Slack", call_id=signature, at=call.at),
    )


def _payload(call: Call) -> dict[str, Any]:
    try:
        found = json.loads(dict(call.form()).get("payload", ""))
    except ValueError as error:
        raise CallRefusedError("unreadable", 400) from error
    if not isinstance(found, dict):
        raise CallRefusedError("unreadable", 400)
    return found
