"""Which alerts an answer means: a button's ticket, or a short reply to the last messages at a number."""

import re
from dataclasses import dataclass
from typing import Any

from services.notifier.channels.base import Message
from services.notifier.channels.kit.inbound import CallRefusedError
from services.notifier.channels.kit.memory import Memory

KEEP = 30 * 86_400.0
_REPLY = re.compile(r"\s*(ACK|ACKNOWLEDGE|DISMISS)\s*[.!]?\s*(?:#?\s*(\d{1,3})|(ALL))?\s*[.!]?\s*", re.IGNORECASE)
_MOST_OPEN = 99
_REPLY_WITHIN = 86_400.0


def firing_ids(message: Message) -> list[str]:
    """Return the episodes that an acknowledgement of the message means."""
    return [event.alert_id for event in message.alerts if event.status.value == "firing"]


class Tickets:
    """A ticket is the message's delivery id: whoever shows it, by a provider's signed call, means its alerts."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def issue(self, message: Message, **more: str) -> str:
        """Keep what the message tells of; return the ticket."""
        await self._memory.put(f"ticket:{message.delivery_id}", {"alerts": firing_ids(message), **more}, KEEP)
        return message.delivery_id

    async def show(self, ticket: str) -> dict[str, Any]:
        """Return what was kept with `alerts`; raises CallRefusedError when the ticket is unknown."""
        found = await self._memory.get(f"ticket:{ticket}") if re.fullmatch(r"[0-9A-Za-z]{1,64}", ticket) else None
        if found is None:
            raise CallRefusedError("unknown_message", 404)
        return found


@dataclass(frozen=True)
class Heard:
    """What a short reply means: the messages, newest first, and what else is open at that number."""

    meant: list[dict[str, Any]]
    others: list[dict[str, Any]]


class Numbers:
    """The messages of the last day at each number, each with a code: `ACK` means the last one, `ACK 2` the second."""

    def __init__(self, memory: Memory, channel: str) -> None:
        self._memory, self._channel = memory, channel

    async def code(self, number: str, message: Message, title: str) -> int:
        """Return the message's code at that number, the same at each attempt."""
        async with self._memory.lock:
            open_ones = await self._open(number, message.created_at)
            for one in open_ones:
                if one["delivery"] == message.delivery_id:
                    return int(one["code"])
            # A message about the same group takes the place of the earlier one.
            open_ones = [one for one in open_ones if one["thread"] != message.thread]
            used = {one["code"] for one in open_ones}
            code = next(n for n in range(1, _MOST_OPEN + 2) if n not in used)
            if message.status == "firing":
                one = {
                    "code": code, "delivery": message.delivery_id, "thread": message.thread, "title": title,
                    "at": message.created_at, "alerts": firing_ids(message),
                }  # fmt: skip
                open_ones = [one, *open_ones][:_MOST_OPEN]
            await self._save(number, open_ones)
        return code

    async def hear(self, number: str, text: str, now: float) -> Heard | None:
        """Return what a reply means, None when it is no acknowledgement; what is meant is open no more."""
        match = _REPLY.fullmatch(text)
        if match is None:
            return None
        async with self._memory.lock:
            open_ones = await self._open(number, now)
            if match[3]:
                meant = open_ones
            elif match[2]:
                meant = [one for one in open_ones if one["code"] == int(match[2])]
            else:
                meant = open_ones[:1]
            others = [one for one in open_ones if one not in meant]
            if meant:
                await self._save(number, others)
        return Heard(meant, others)

    async def _open(self, number: str, now: float) -> list[dict[str, Any]]:
        found = await self._memory.get(f"number:{self._channel}:{number}") or {}
        return [one for one in found.get("open", ()) if one["at"] > now - _REPLY_WITHIN]

    async def _save(self, number: str, open_ones: list[dict[str, Any]]) -> None:
        await self._memory.put(f"number:{self._channel}:{number}", {"open": open_ones}, _REPLY_WITHIN)
