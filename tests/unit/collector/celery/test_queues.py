import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sheet import Sheet
from services.collector.sources.celery.queues import (
    Age,
    Ages,
    BrokerFacts,
    QueueFacts,
    all_queues,
    message_facts,
    queue_keys,
    write_queues,
)


def message(task_id: str = "a", **headers: Any) -> str:
    return json.dumps({"headers": {"id": task_id, **headers}, "properties": {"delivery_tag": "tag"}})


@pytest.mark.parametrize(
    ("raw", "facts"),
    [
        (message(tocsin_sent_at=12.5), ("a", 12.5)),
        (message(), ("a", None)),
        (message(tocsin_sent_at="soon"), ("a", None)),
        ('{"properties": {"delivery_tag": "tag"}}', ("tag", None)),
        ("not json", ("", None)),
        ("[]", ("", None)),
    ],
)
def test_message_facts(raw: str, facts: tuple[str, float | None]) -> None:
    assert message_facts(raw) == facts


@given(st.text())
def test_no_message_breaks_the_scrape(raw: str) -> None:
    assert isinstance(message_facts(raw)[0], str)


def test_ages() -> None:
    ages = Ages()
    assert ages.of("q", None, now=0, monotonic=0) is None
    first = ages.of("q", message("a"), now=0, monotonic=10)
    assert (first.seconds, first.source) == (0, "first_seen")
    assert ages.of("q", message("a"), now=0, monotonic=25).seconds == 15
    assert ages.of("q", message("b"), now=0, monotonic=30).seconds == 0
    stamped = ages.of("q", message("b", tocsin_sent_at=100.0), now=130, monotonic=30)
    assert (stamped.seconds, stamped.source) == (30, "sent_at")
    assert ages.of("q", message("b", tocsin_sent_at=100.0), now=90, monotonic=30).seconds == 0, "clocks differ"


def test_an_age_by_the_senders_event_where_the_message_has_no_stamp() -> None:
    ages = Ages({"a": 100.0}.get, lambda _queue, length: 50.0 if length == 3 else None)
    known = ages.of("q", message("a"), now=130.0, monotonic=0)
    assert (known.seconds, known.source) == (30.0, "sent_event")
    found = ages.of_queue(QueueFacts("q", 3), now=130.0, monotonic=0)
    assert (found.seconds, found.source) == (80.0, "sent_event")
    assert ages.of_queue(QueueFacts("q", 4), now=130.0, monotonic=0).source == "unknown"
    found = ages.of_queue(QueueFacts("q", 4, head_sent_at=90.0), now=130.0, monotonic=0)
    assert (found.seconds, found.source) == (40.0, "head_message")
    assert ages.of_queue(QueueFacts("q", 0), now=130.0, monotonic=0) == Age(0.0, "empty")


def test_all_priorities_make_the_length_and_the_oldest_the_age() -> None:
    assert queue_keys("q", (0, 3, 6, 9)) == ["q", "q\x06\x163", "q\x06\x166", "q\x06\x169"]
    assert queue_keys("q", (0, 5), ":") == ["q", "q:5"]
    tails = (("q", message("a", tocsin_sent_at=95.0)), ("q3", message("b", tocsin_sent_at=50.0)), ("q6", None))
    sheet = Sheet()
    write_queues(sheet, BrokerFacts((QueueFacts("q", 3, tails),), unacked=4), Ages(), now=100.0, monotonic=0.0)
    assert sheet.value("celery_queue_unacked") == 4
    assert sheet.value("celery_queue_length", queue_name="q") == 3
    assert sheet.value("celery_queue_oldest_task_age_seconds", queue_name="q") == 50
    empty = Sheet()
    facts = BrokerFacts((QueueFacts("q", 0, (("q", None),)),), unacked=0)
    write_queues(empty, facts, Ages(), now=100.0, monotonic=0.0)
    assert empty.value("celery_queue_oldest_task_age_seconds", queue_name="q") == 0
    assert empty.value("celery_queue_age_source", queue_name="q", source="empty") == 1


def test_what_only_rabbitmq_says() -> None:
    sheet = Sheet()
    facts = BrokerFacts((QueueFacts("q", 3, unacked=2, consumers=1, exists=True),), management_up=False)
    write_queues(sheet, facts, Ages(), now=100.0, monotonic=0.0)
    assert sheet.value("celery_active_consumer_count", queue_name="q") == 1
    assert sheet.value("celery_queue_unacked", queue_name="q") == 2
    assert sheet.value("celery_queue_exists", queue_name="q") == 1
    assert sheet.value("celery_management_up") == 0
    assert sheet.value("celery_queue_oldest_task_age_seconds", queue_name="q") is None, "not known is not 0"


def test_queues_that_workers_listen_to_are_added_once() -> None:
    assert all_queues(["b", "a", "b"], {"c", "a"}) == ["b", "a", "c"]
