"""Token buckets: bursts, refilling, waiting, forgetting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api import rate
from services.api.rate import Buckets


def test_a_burst_then_as_many_as_come_back():
    buckets = Buckets(2.0, 3)
    assert [buckets.take(b"a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take(b"a", 0.25) == 0.25
    assert buckets.take(b"a", 0.5) == 0
    assert buckets.take(b"a", 0.5) == 0.5


def test_another_client_is_not_counted_with_it():
    buckets = Buckets(1.0, 1)
    assert buckets.take(b"a", 0.0) == 0
    assert buckets.take(b"b", 0.0) == 0
    assert buckets.take(b"a", 0.0) == 1


def test_who_waited_long_has_the_burst_and_no_more():
    buckets = Buckets(10.0, 2)
    for _ in range(3):
        buckets.take(b"a", 0.0)
    assert [buckets.take(b"a", 1e6) for _ in range(3)] == [0, 0, 0.1]


def test_asking_counts_nothing():
    buckets = Buckets(1.0, 1)
    assert [buckets.wait(b"a", 0.0) for _ in range(3)] == [0, 0, 0]
    buckets.take(b"a", 0.0)
    assert buckets.wait(b"a", 0.25) == 0.75


def test_a_rate_of_zero_is_no_limit():
    buckets = Buckets(0.0, 1)
    assert {buckets.take(b"a", 0.0) for _ in range(100)} == {0.0}
    assert buckets.wait(b"a", 0.0) == 0


def test_a_clock_that_went_back_gives_nothing_away():
    buckets = Buckets(1.0, 1)
    buckets.take(b"a", 10.0)
    assert buckets.take(b"a", 5.0) == 1.0


def test_memory_is_bounded_and_the_busy_are_kept(monkeypatch):
    monkeypatch.setattr(rate, "_KEYS", 3)
    buckets = Buckets(1.0, 1)
    for key in (b"a", b"b", b"c"):
        buckets.take(key, 0.0)
    buckets.take(b"a", 2.0)
    buckets.take(b"d", 2.0)
    assert set(buckets._buckets) == {b"c", b"a", b"d"}


@given(
    st.floats(0.1, 100),
    st.integers(1, 20),
    st.lists(st.floats(0, 5), max_size=60),
)
def test_never_more_than_the_burst_and_the_rate_allow(per_second, burst, pauses):
    buckets, now, passed = Buckets(per_second, burst), 0.0, 0
    for pause in pauses:
        now += pause
        wait = buckets.take(b"a", now)
        passed += wait == 0
        assert 0 <= wait <= 1 / per_second + 1e-6
    assert passed <= burst + now * per_second + 1e-3


@pytest.mark.parametrize("per_second", [0.5, 3.0])
def test_who_waits_as_told_gets_in(per_second):
    buckets, now = Buckets(per_second, 1), 0.0
    for _ in range(20):
        now += buckets.take(b"a", now)
        if buckets.wait(b"a", now) == 0:
            assert buckets.take(b"a", now) == 0
