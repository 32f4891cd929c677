"""Events as brokers deliver them, read without kombu's message objects, which take most of an event's time."""

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

import orjson

_IDLE = 1.0
_GATHER = 0.05
_PING_AFTER, _LOST_AFTER = 20, 40
_KINDS = frozenset({"message", "pmessage"})


class Fanout:
    """Reads a subscription that kombu has made; `wait(seconds)` lets messages gather, so that one read takes many."""

    def __init__(self, subscription: Any, wait: Callable[[float], object]) -> None:
        self._subscription, self._wait = subscription, wait
        self._quiet = 0

    def batch(self) -> list[dict[str, Any]]:
        """Return the events that have come, none after about a second of silence.

        Raises TimeoutError when the broker does not even answer a ping, and redis-py's errors.
        """
        first = self._subscription.parse_response(block=False, timeout=_IDLE)
        if first is None:
            self._silent()
            return []
        self._quiet = 0
        self._wait(_GATHER)
        return list(self._events(first))

    def _events(self, answer: Any) -> Iterator[dict[str, Any]]:
        while answer is not None:
            yield from read_events(answer)
            answer = self._subscription.parse_response(block=False, timeout=0)

    def _silent(self) -> None:
        self._quiet += 1
        if self._quiet >= _LOST_AFTER:
            raise TimeoutError("the broker says nothing and answers no ping")
        if self._quiet == _PING_AFTER:
            self._subscription.ping()


def read_events(answer: Any) -> list[dict[str, Any]]:
    """Return the events in one answer of the server, none in what is no message of Celery's in JSON."""
    if not isinstance(answer, list | tuple) or not answer or _text(answer[0]) not in _KINDS:
        return []
    try:
        message = orjson.loads(answer[-1])
        body = message["body"]
        if not _readable(message.get("content-type"), message.get("headers")):
            return []
        if message.get("properties", {}).get("body_encoding") == "base64":
            body = base64.b64decode(body)
        return _dicts(orjson.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        # Anybody may publish on a channel; what is no event is none.
        return []


def read_delivery(message: Any) -> list[dict[str, Any]]:
    """Return the events in a message as py-amqp delivers it, none in what is no JSON."""
    properties = message.properties
    if not _readable(properties.get("content_type"), properties.get("application_headers")):
        return []
    try:
        return _dicts(orjson.loads(message.body))
    except (ValueError, TypeError):
        return []


def _readable(content_type: Any, headers: Any) -> bool:
    return content_type == "application/json" and "compression" not in (headers or {})


def _dicts(events: Any) -> list[dict[str, Any]]:
    return [event for event in (events if isinstance(events, list) else [events]) if isinstance(event, dict)]


def _text(word: Any) -> str:
    return word.decode("ascii", "replace") if isinstance(word, bytes) else str(word)
