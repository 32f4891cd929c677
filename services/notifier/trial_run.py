"""`notify test`: a real message to one contact or receiver, sent at once, and what became of each way."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from services.common.clock import Clock
from services.common.events import ActionEvent
from services.notifier.channels.base import DeliveryError, Integration, Message
from services.notifier.grouping import Cause
from services.notifier.people.contacts import receiver_of
from services.notifier.receivers import Generation
from services.notifier.trial import trial_event


class UnknownNameError(LookupError):
    """No contact or receiver has that name; `str()` names those that there are."""


@dataclass(frozen=True)
class Tried:
    """One way, and what became of it."""

    receiver: str
    """Whose it is: a receiver's name, or `contact:anna`."""
    integration: str
    recipient: str
    seconds: float
    provider_id: str = ""
    problem: str = ""


async def try_out(
    generation: Generation,
    clock: Clock,
    *,
    contact: str = "",
    receiver: str = "",
    by: str,
    comment: str = "Sent by tocsin notify test.",
) -> list[Tried]:
    """Send a test message by every way of a contact or receiver; raises UnknownNameError."""
    names = _names(generation, contact, receiver, clock.now())
    action = ActionEvent(action_id=str(uuid4()), kind="test", at=clock.now(), by=by, comment=comment)
    ways = [
        (name, integration, built, recipient)
        for (name, integration), built in generation.integrations.items()
        if name in names
        for recipient in built.recipients
    ]
    messages = [(one, kind, _message(action, name, kind, who)) for name, kind, one, who in ways]
    return list(await asyncio.gather(*(_send(one, kind, message, clock) for one, kind, message in messages)))


def _names(generation: Generation, contact: str, receiver: str, now: float) -> list[str]:
    directory = generation.directory
    if contact:
        if contact not in directory.contacts:
            raise UnknownNameError(f"no contact {contact!r}; there are: {', '.join(directory.contacts) or 'none'}")
        return [receiver_of(contact)]
    if receiver not in generation.receivers:
        raise UnknownNameError(f"no receiver {receiver!r}; there are: {', '.join(generation.receivers)}")
    reached = directory.reached.get(receiver)
    people = directory.addressees(directory.all_targets(reached), now) if reached is not None else ()
    others = [receiver_of(one.name) if one.kind == "contact" else one.name for one in people]
    return list(dict.fromkeys([receiver, *others]))


def _message(action: ActionEvent, receiver: str, integration: str, recipient: str) -> Message:
    own = action.action_id.replace("-", "")
    return Message(
        delivery_id=own, recipient=recipient, receiver=receiver, status="test", cause=Cause.TEST,
        group_key=f"test:{integration}", group_labels={"alertname": "TocsinTest"}, alerts=(trial_event(action),),
        created_at=action.at, thread=own,
    )  # fmt: skip


async def _send(built: Integration, integration: str, message: Message, clock: Clock) -> Tried:
    began, provider_id, problem = clock.monotonic(), "", ""
    try:
        async with asyncio.timeout(built.timeout):
            provider_id = await built.send(message)
    except DeliveryError as error:
        problem = str(error)
    except TimeoutError:
        problem = f"timeout: no answer within {built.timeout:g} s"
    return Tried(message.receiver, integration, message.recipient, clock.monotonic() - began, provider_id, problem)
