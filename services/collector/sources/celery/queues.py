"""Queues on a Redis broker: length with all priorities, and how long the oldest task has been waiting."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from services.collector.sheet import Sheet

SENT_AT = "tocsin_sent_at"
_SEPARATOR = "\x06\x16"
_UNACKED = "unacked"


def queue_keys(queue: str, steps: Sequence[int]) -> list[str]:
    """Return the lists of a queue: kombu keeps one for each priority step, the first step without a suffix."""
    return [queue if step == 0 else f"{queue}{_SEPARATOR}{step}" for step in steps]


def message_facts(raw: str) -> tuple[str, float | None]:
    """Return a message's id and when it was sent (seconds since the epoch), None where no sender stamped it."""
    try:
        message = json.loads(raw)
        headers = message.get("headers") or {}
        task_id = str(headers.get("id") or message.get("properties", {}).get("delivery_tag") or "")
        stamp = headers.get(SENT_AT)
    except (ValueError, AttributeError):
        return "", None
    return task_id, float(stamp) if isinstance(stamp, int | float) else None


@dataclass
class Age:
    """How old the oldest message is, in seconds, and how that is known."""

    seconds: float
    source: str


class Ages:
    """The age of the message at the tail of each list: from its stamp, else since it was first seen there."""

    def __init__(self) -> None:
        self._first_seen: dict[str, tuple[str, float]] = {}

    def of(self, key: str, raw: str | None, *, now: float, monotonic: float) -> Age | None:
        """Return the age, None for an empty list; without a stamp it is a lower bound."""
        if raw is None:
            self._first_seen.pop(key, None)
            return None
        task_id, sent_at = message_facts(raw)
        if sent_at is not None:
            self._first_seen.pop(key, None)
            return Age(max(now - sent_at, 0.0), "sent_at")
        known = self._first_seen.get(key)
        if known is None or known[0] != task_id:
            known = self._first_seen[key] = (task_id, monotonic)
        return Age(monotonic - known[1], "first_seen")


async def read_queues(client: Redis, queues: Sequence[str], steps: Sequence[int], prefix: str) -> list[Any]:
    """Return the broker's answers in one round trip: unacked, then for each queue and step its length and tail."""
    pipeline = client.pipeline(transaction=False)
    pipeline.hlen(prefix + _UNACKED)
    for queue in queues:
        for key in queue_keys(queue, steps):
            pipeline.llen(prefix + key)
            pipeline.lindex(prefix + key, -1)
    return await pipeline.execute(raise_on_error=True)


def write_queues(
    sheet: Sheet,
    answers: Sequence[Any],
    queues: Sequence[str],
    steps: Sequence[int],
    ages: Ages,
    *,
    now: float,
    monotonic: float,
) -> None:
    """Write lengths and ages from the answers of `read_queues`."""
    sheet.gauge("celery_queue_unacked", "Messages that workers hold and have not acknowledged.", answers[0])
    position = 1
    for queue in queues:
        length, oldest = 0, Age(0.0, "empty")
        for key in queue_keys(queue, steps):
            length += int(answers[position])
            age = ages.of(key, answers[position + 1], now=now, monotonic=monotonic)
            if age is not None and (oldest.source == "empty" or age.seconds > oldest.seconds):
                oldest = age
            position += 2
        sheet.gauge(
            "celery_queue_length", "The number of messages in the queue, of all priorities.", length, queue_name=queue
        )
        text = "Age of the oldest message that waits; celery_queue_age_source says how it is known."
        sheet.gauge("celery_queue_oldest_task_age_seconds", text, oldest.seconds, queue_name=queue)
        sheet.gauge("celery_queue_age_source", "How the age is known.", 1, queue_name=queue, source=oldest.source)
