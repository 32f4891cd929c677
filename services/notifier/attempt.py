"""The record of one attempt to tell somebody."""

import hashlib
import uuid
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.notifier.decisions import Decision
from services.notifier.grouping import Cause
from services.notifier.outbox import Entry

_MAX_DETAIL = 500


class Result(StrEnum):
    """What became of an attempt."""

    DELIVERED = "delivered"
    TEMPORARY_FAILURE = "temporary_failure"
    PERMANENT_FAILURE = "permanent_failure"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    """No attempt was made: a step of the pipeline held the message back."""
    NOTED = "noted"
    """No attempt either: a decision about who is told next."""
    RECEIPT = "receipt"
    """No attempt either: what a provider says became of a message that it had taken."""


class Attempt(BaseModel):
    """One row of `notifications`; times in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    attempt_id: uuid.UUID
    delivery_id: str
    at: float
    alert_ids: tuple[str, ...]
    status: Literal["firing", "resolved", "test"]
    cause: Cause
    group_key: str
    receiver: str
    channel: str
    recipient: str
    attempt: int
    result: Result
    reason: str = ""
    detail: str = ""
    provider_id: str = ""
    duration_seconds: float = 0.0


def record(
    entry: Entry,
    result: Result,
    *,
    at: float,
    reason: str = "",
    detail: str = "",
    provider_id: str = "",
    duration: float = 0.0,
) -> Attempt:
    """Return the attempt's record; its id follows from entry, number and result, so that writing it twice is once."""
    number = max(1, entry.attempts)
    digest = hashlib.sha256(f"{entry.delivery_id}:{number}:{result.value}".encode()).digest()
    return Attempt(
        attempt_id=uuid.UUID(bytes=digest[:16]),
        delivery_id=entry.delivery_id,
        at=at,
        alert_ids=entry.alert_ids,
        status=entry.status,
        cause=entry.cause,
        group_key=entry.group_key,
        receiver=entry.receiver,
        channel=entry.channel,
        recipient=entry.recipient,
        attempt=number,
        result=result,
        reason=reason,
        detail=detail[:_MAX_DETAIL],
        provider_id=provider_id,
        duration_seconds=duration,
    )


def suppressed(
    decision: Decision, *, alert_ids: tuple[str, ...], group_key: str, receiver: str, cause: Cause, at: float
) -> Attempt:
    """Return the record that nobody at a receiver was told of these alerts, and why."""
    text = "\0".join((receiver, group_key, str(decision), str(round(at * 1000)), *alert_ids))
    digest = hashlib.sha256(text.encode()).digest()
    return Attempt(
        attempt_id=uuid.UUID(bytes=digest[:16]),
        delivery_id=digest.hex()[:32],
        at=at,
        alert_ids=alert_ids,
        status="firing",
        cause=cause,
        group_key=group_key,
        receiver=receiver,
        channel="",
        recipient="",
        attempt=1,
        result=Result.SUPPRESSED,
        reason=decision.reason.value,
        detail=decision.detail[:_MAX_DETAIL],
    )


def noted(decision: Decision, like: Entry, *, at: float, held: bool) -> Attempt:
    """Return the record of a decision about a message to a person: `held` back, or what it led to."""
    text = "\0".join((like.delivery_id, decision.reason.value, str(round(at * 1000))))
    digest = hashlib.sha256(text.encode()).digest()
    return Attempt(
        attempt_id=uuid.UUID(bytes=digest[:16]),
        delivery_id=like.delivery_id,
        at=at,
        alert_ids=like.alert_ids,
        status=like.status,
        cause=like.cause,
        group_key=like.group_key,
        receiver=like.receiver,
        channel=like.channel,
        recipient=like.recipient,
        attempt=1,
        result=Result.SUPPRESSED if held else Result.NOTED,
        reason=decision.reason.value,
        detail=decision.detail[:_MAX_DETAIL],
    )
