import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sources.celery.fanout import Fanout, read_delivery, read_events

EVENT = {"type": "task-started", "uuid": "1"}


def message(content: Any, *, encode: bool = True, **more: Any) -> bytes:
    text = json.dumps(content).encode()
    whole = {
        "body": base64.b64encode(text).decode() if encode else text.decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {},
        "properties": {"body_encoding": "base64"} if encode else {},
        **more,
    }
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("answer", "events"),
    [
        ([b"pmessage", b"/0.celeryev/*", b"/0.celeryev/task", message([EVENT, EVENT])], 2),
        (["message", "/0.celeryev", message(EVENT)], 1),
        ([b"message", b"/0.celeryev", message(EVENT, encode=False)], 1),
        ([b"message", b"/0.celeryev", message([EVENT, "odd", 3])], 1),
        ([b"message", b"x", message(EVENT, **{"content-type": "application/x-python-serialize"})], 0),
        ([b"message", b"x", message(EVENT, headers={"compression": "application/x-gzip"})], 0),
        ([b"psubscribe", b"/0.celeryev/*", 1], 0),
        ([b"pong", b""], 0),
        ([b"message", b"x", b"not json"], 0),
        ([b"message", b"x", b"[]"], 0),
        ([b"message", b"x", b'{"content-type": "application/json"}'], 0),
        ([b"message", b"x", message(EVENT, body="%")], 0),
        ([], 0),
        (None, 0),
        (1, 0),
    ],
)  # fmt: skip
def test_what_counts_as_an_event(answer: Any, events: int) -> None:
    assert read_events(answer) == [EVENT] * events


class Delivery:
    def __init__(self, body: bytes, content_type: str = "application/json", **headers: str) -> None:
        self.body = body
        self.properties = {"content_type": content_type, "application_headers": headers}


@pytest.mark.parametrize(
    ("delivery", "events"),
    [
        (Delivery(json.dumps([EVENT, "odd"]).encode()), 1),
        (Delivery(json.dumps(EVENT).encode()), 1),
        (Delivery(b"no json"), 0),
        (Delivery(json.dumps(EVENT).encode(), "application/x-python-serialize"), 0),
        (Delivery(json.dumps(EVENT).encode(), compression="application/x-gzip"), 0),
    ],
)
def test_what_counts_as_an_event_on_rabbitmq(delivery: Delivery, events: int) -> None:
    assert read_delivery(delivery) == [EVENT] * events


@given(st.binary())
def test_no_message_breaks_the_listening(data: bytes) -> None:
    assert read_events([b"message", b"x", data]) == [] or data


class Subscription:
    """Gives the answers it was made with, None when there are none."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.pings = 0

    def parse_response(self, *, block: bool, timeout: float) -> Any:
        assert not block
        return self.answers.pop(0) if self.answers else None

    def ping(self) -> None:
        self.pings += 1


def test_what_has_gathered_comes_at_once() -> None:
    waited: list[float] = []
    one = [b"message", b"x", message(EVENT)]
    fanout = Fanout(Subscription([b"psubscribe", b"x", 1], one, one, None, one), waited.append)
    assert fanout.batch() == [EVENT] * 2
    assert waited == [0.05], "the messages of a twentieth of a second are read together"
    assert fanout.batch() == [EVENT]
    assert fanout.batch() == []


def test_a_silent_broker_is_pinged_and_then_given_up() -> None:
    subscription = Subscription()
    fanout = Fanout(subscription, lambda _: None)
    for _ in range(30):
        assert fanout.batch() == []
    assert subscription.pings == 1
    subscription.answers = [[b"pong", b""]]
    for _ in range(40):
        assert fanout.batch() == []
    assert subscription.pings == 2, "an answered ping begins the time anew"
    with pytest.raises(TimeoutError, match="answers no ping"):
        fanout.batch()
