import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.grouping import Cause
from services.notifier.outbox import Entry, back_off, claim, released
from services.notifier.queue import Queue
from tests.unit.notifier.builders import START, event


def entry(name: str = "m1", *, recipient: str = "a", group: str = "g", next_at: float = START, **more) -> Entry:
    return Entry(
        delivery_id=name, group_id=group, group_key=group, group_labels={}, receiver="r", integration="webhook/0",
        channel="webhook", recipient=recipient, status="firing", cause=Cause.NEW, alerts=(event(),),
        created_at=START, give_up_at=START + 100, next_at=next_at, **more,
    )  # fmt: skip


TARGET = ("r", "webhook/0")


def taken(queue: Queue, now: float = START, limit: int = 10) -> list[str]:
    return [found.delivery_id for found in queue.take(TARGET, limit, now=now)]


def test_only_the_oldest_of_a_lane_is_due():
    queue = Queue()
    for item in (entry("m1"), entry("m2"), entry("m3", recipient="b"), entry("m4", group="h")):
        queue.put(item)
    assert taken(queue) == ["m1", "m3", "m4"]
    queue.remove("m1")
    assert taken(queue) == ["m2"]
    assert queue.remove("m1") is None
    assert len(queue) == 3


def test_what_is_taken_comes_back_only_when_put_again():
    queue = Queue()
    queue.put(entry("m1"))
    assert taken(queue) == ["m1"]
    assert taken(queue) == []
    queue.put(released(claim(entry("m1")), next_at=START + 5))
    assert taken(queue, START + 4) == []
    assert queue.next_at() == START + 5
    assert taken(queue, START + 5) == ["m1"]


def test_what_is_being_sent_is_not_taken_though_an_old_time_comes_up():
    queue = Queue()
    queue.put(entry("m1"))
    queue.put(entry("m1"))
    assert taken(queue, limit=1) == ["m1"]
    queue.hold(claim(entry("m1")))
    assert taken(queue) == []
    queue.put(released(queue.entries["m1"], next_at=START + 1))
    assert taken(queue, START + 1) == ["m1"]
    assert queue.entries["m1"].attempts == 1


def test_places_are_kept_to():
    queue = Queue()
    for number in range(5):
        queue.put(entry(f"m{number}", recipient=str(number)))
    assert taken(queue, limit=2) == ["m0", "m1"]
    assert taken(queue, limit=0) == []
    assert queue.next_at(busy=frozenset({TARGET})) is None
    assert queue.targets() == [TARGET]
    assert queue.oldest() == START
    assert Queue().oldest() is None


@pytest.mark.parametrize(("attempts", "expected"), [(1, 1), (2, 2), (3, 4), (8, 100), (99, 100)])
def test_back_off_doubles_within_a_fifth(attempts, expected):
    wait = back_off(entry(attempts=attempts), base=1, longest=100, retry_after=None)
    assert 0.8 * expected <= wait <= 1.2 * expected
    assert back_off(entry(attempts=attempts), base=1, longest=100, retry_after=None) == wait
    assert back_off(entry(attempts=attempts), base=1, longest=100, retry_after=500) == 500


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["put", "take", "remove"])), max_size=60))
def test_lanes_keep_their_order_whatever_happens(steps):
    queue, made, lanes = Queue(), 0, {}
    for lane, kind in steps:
        if kind == "put":
            made += 1
            queue.put(entry(f"m{made}", recipient=lane))
            lanes.setdefault(lane, []).append(f"m{made}")
        elif kind == "remove" and lanes.get(lane):
            queue.remove(lanes[lane].pop(0))
        else:
            heads = {ids[0] for ids in lanes.values() if ids}
            found = queue.take(TARGET, 99, now=START)
            assert {item.delivery_id for item in found} <= heads
            for item in found:
                queue.put(item)
    heads = {ids[0] for ids in lanes.values() if ids}
    assert {item.delivery_id for item in queue.take(TARGET, 99, now=START)} == heads
