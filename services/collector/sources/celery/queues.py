"""Queues: length with all priorities, and how long the oldest task has been waiting; no input or output."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson

from services.collector.sheet import Sheet

SENT_AT = "tocsin_sent_at"
SEPARATOR = "\x06\x16"


def queue_keys(queue: str, steps: Sequence[int], separator: str = SEPARATOR) -> list[str]:
    """Return the lists of a queue: kombu keeps one for each priority step, the first step without a suffix."""
    return [queue if step == 0 else f"{queue}{separator}{step}" for step in steps]


def message_facts(raw: str | bytes) -> tuple[str, float | None]:
    """Return a message's id and when it was sent (seconds since the epoch), None where no sender stamped it."""
    try:
        message = orjson.loads(raw)
        headers = message.get("headers") or {}
        task_id = str(headers.get("id") or message.get("properties", {}).get("delivery_tag") or "")
        stamp = headers.get(SENT_AT)
    except (ValueError, AttributeError):
        return "", None
    return task_id, float(stamp) if isinstance(stamp, int | float) else None


@dataclass(frozen=True)
class QueueFacts:
    """What the broker says of one queue; None where this broker does not say it."""

    name: str
    length: int
    tails: tuple[tuple[str, str | bytes | None], ...] = ()
    """The next message of each of the queue's lists (Redis): (key, message or None)."""
    unacked: int | None = None
    consumers: int | None = None
    exists: bool | None = None
    head_sent_at: float | None = None
    """RabbitMQ's `head_message_timestamp`: seconds since the epoch, where messages carry one."""


@dataclass(frozen=True)
class BrokerFacts:
    """One broker's answer; `unacked` is of all queues together (Redis)."""

    queues: tuple[QueueFacts, ...]
    unacked: int | None = None
    management_up: bool | None = None


@dataclass
class Age:
    """How old the oldest message is, in seconds, and how that is known."""

    seconds: float
    source: str


class Ages:
    """The age of a queue's oldest message.

    From its own stamp, else from the sender's event, else since the message was first seen there (a lower bound).
    `sent_at(task id)` and `oldest_waiting(queue, length)` tell what events said, None where they did not.
    """

    def __init__(
        self,
        sent_at: Callable[[str], float | None] = lambda _: None,
        oldest_waiting: Callable[[str, int], float | None] = lambda _queue, _length: None,
    ) -> None:
        self._sent_at, self._oldest_waiting = sent_at, oldest_waiting
        self._first_seen: dict[str, tuple[str, float]] = {}

    def of(self, key: str, raw: str | bytes | None, *, now: float, monotonic: float) -> Age | None:
        """Return the age of the message at the tail of a list, None for an empty list."""
        if raw is None:
            self._first_seen.pop(key, None)
            return None
        task_id, sent_at = message_facts(raw)
        source = "sent_at"
        if sent_at is None:
            sent_at, source = self._sent_at(task_id), "sent_event"
        if sent_at is not None:
            self._first_seen.pop(key, None)
            return Age(max(now - sent_at, 0.0), source)
        known = self._first_seen.get(key)
        if known is None or known[0] != task_id:
            known = self._first_seen[key] = (task_id, monotonic)
        return Age(monotonic - known[1], "first_seen")

    def of_queue(self, queue: QueueFacts, *, now: float, monotonic: float) -> Age:
        """Return the age of a queue's oldest message, 0 for an empty queue; its source may be `unknown`."""
        if queue.tails:
            found = [self.of(key, raw, now=now, monotonic=monotonic) for key, raw in queue.tails]
            ages = [age for age in found if age is not None]
            return max(ages, key=lambda age: age.seconds, default=Age(0.0, "empty"))
        if not queue.length:
            return Age(0.0, "empty")
        if queue.head_sent_at is not None:
            return Age(max(now - queue.head_sent_at, 0.0), "head_message")
        sent_at = self._oldest_waiting(queue.name, queue.length)
        return Age(max(now - sent_at, 0.0), "sent_event") if sent_at is not None else Age(0.0, "unknown")


def write_queues(sheet: Sheet, facts: BrokerFacts, ages: Ages, *, now: float, monotonic: float) -> None:
    """Write lengths and ages."""
    held = "Messages that workers hold and have not acknowledged."
    sheet.gauge("celery_queue_unacked", held, facts.unacked)
    text = "1 when the management API answered, 0 when not."
    sheet.gauge("celery_management_up", text, facts.management_up)
    for queue in facts.queues:
        where = {"queue_name": queue.name}
        sheet.gauge(
            "celery_queue_length", "The number of messages in the queue, of all priorities.", queue.length, **where
        )
        sheet.gauge("celery_queue_unacked", held, queue.unacked, **where)
        sheet.gauge("celery_active_consumer_count", "Consumers of the queue.", queue.consumers, **where)
        sheet.gauge("celery_queue_exists", "1 when the broker has the queue, 0 when not.", queue.exists, **where)
        _write_age(sheet, ages.of_queue(queue, now=now, monotonic=monotonic), where)


def _write_age(sheet: Sheet, age: Age, where: dict[str, str]) -> None:
    if age.source != "unknown":
        text = "Age of the oldest message that waits; celery_queue_age_source says how it is known."
        sheet.gauge("celery_queue_oldest_task_age_seconds", text, age.seconds, **where)
    sheet.gauge("celery_queue_age_source", "How the age is known.", 1, **where, source=age.source)


def all_queues(configured: Iterable[str], listened: Iterable[str]) -> list[str]:
    """Return the configured queues, then those that workers listen to besides, each once."""
    first = list(dict.fromkeys(configured))
    return [*first, *sorted(set(listened) - set(first))]
