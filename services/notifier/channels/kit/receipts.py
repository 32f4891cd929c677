"""Providers' receipts: what became of a message after the provider had taken it."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from services.notifier.attempt import Attempt, Result
from services.notifier.channels.base import Message
from services.notifier.channels.kit.inbound import Receipt
from services.notifier.channels.kit.memory import Memory
from services.notifier.channels.kit.tickets import KEEP


def receipt_key(provider_id: str) -> str:
    """Return where the memory keeps a message by its provider's id."""
    return f"receipt:{provider_id}"


async def expect_receipt(memory: Memory, channel: str, message: Message, provider_id: str) -> None:
    """Keep what a receipt for that message will have to say."""
    told = {
        "delivery_id": message.delivery_id, "alert_ids": [event.alert_id for event in message.alerts],
        "status": message.status, "cause": message.cause.value, "group_key": message.group_key,
        "receiver": message.receiver, "channel": channel, "recipient": message.recipient,
    }  # fmt: skip
    await memory.put(receipt_key(provider_id), {"message": told}, KEEP)


def as_attempt(told: Mapping[str, Any], receipt: Receipt, at: float) -> Attempt:
    """Return the receipt as a row of the log; the same receipt gives the same row."""
    text = f"{receipt.provider_id}:{receipt.status}"
    return Attempt.model_validate({
        **told,
        "attempt_id": uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16]),
        "at": at,
        "attempt": 1,
        "result": Result.PERMANENT_FAILURE if receipt.failed else Result.RECEIPT,
        "reason": f"provider_{receipt.status}".replace("-", "_"),
        "detail": receipt.detail,
        "provider_id": receipt.provider_id,
    })  # fmt: skip
