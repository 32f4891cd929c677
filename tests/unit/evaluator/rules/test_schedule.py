from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.rules.schedule import Slot, min_gap
from services.evaluator.scrape.arrival import Arrival


def arrival(*names, interval=5.0, at=0.0, through=()):
    return Arrival(frozenset(names), interval, at, frozenset(through))


def slot(interval=5.0, reads=("m",), last=None):
    made = Slot("g", interval, None if reads is None else frozenset(reads))
    made.start(100.0)
    if last is not None:
        made.done(last, 0.001)
    return made


@pytest.mark.parametrize(
    ("interval", "seconds", "gap"), [(5, 0, 0.25), (5, 0.05, 0.5), (5, 10, 1.25), (60, 0.001, 3), (1, 0, 0.05)]
)
def test_gap(interval, seconds, gap):
    assert min_gap(interval, seconds) == pytest.approx(gap)


def test_only_what_the_group_reads_concerns_it():
    assert slot().concerns(arrival("m", "x"))
    assert not slot().concerns(arrival("x"))
    assert slot(reads=None).concerns(arrival("x"))
    assert not slot().concerns(arrival("m", through=["g"]))


def test_samples_make_it_due_at_once():
    one = slot(last=10.0)
    assert (one.due, one.cause) == (15.5, "interval")
    one.arrive(arrival("m", at=1000.0), 14.9, not_before=0.0)
    assert (one.due, one.cause, one.at) == (14.9, "samples", 1000.0)


def test_arrivals_close_together_are_answered_together():
    one = slot(last=10.0)
    one.arrive(arrival("m"), 10.1, not_before=0.0)
    one.arrive(arrival("m"), 10.2, not_before=0.0)
    assert one.due == pytest.approx(10.25)
    assert one.arrived == 10.1


def test_a_source_that_is_faster_than_the_group_does_not_hurry_it():
    one = slot(interval=60.0, last=10.0)
    one.arrive(arrival("m", interval=5.0), 14.0, not_before=0.0)
    assert one.due == pytest.approx(70.0)


def test_the_first_round_waits_for_all_targets():
    one = slot()
    one.arrive(arrival("m"), 50.0, not_before=100.0)
    assert one.due == 100.0
    one.arrive(arrival("m"), 60.0, not_before=60.0)
    assert one.due == 60.0


@pytest.mark.parametrize(
    ("cause", "at", "now", "last", "moment"),
    [
        ("samples", 1000.0, 1000.1, 995.0, 1000.0),
        ("samples", 990.0, 1000.0, 985.0, 1000.0),
        ("samples", 1000.0, 1000.1, 1000.0, 1000.1),
        ("samples", 1000.0, 999.0, None, 999.0),
        ("interval", 1000.0, 1000.1, None, 1000.1),
    ],
)
def test_the_moment_is_that_of_fresh_samples(cause, at, now, last, moment):
    one = slot()
    one.cause, one.at = cause, at
    assert one.moment(now, last) == moment


def test_missed_intervals_are_counted():
    one = slot(last=10.0)
    assert [one.missed(now) for now in (15.0, 19.9, 20.0, 36.0)] == [0, 0, 1, 4]
    assert slot().missed(50.0) == 0


@given(st.lists(st.tuples(st.floats(0.001, 8), st.booleans()), min_size=1, max_size=60))
def test_never_twice_within_the_gap_and_never_later_than_the_deadline(events):
    one, now, ran = slot(last=0.0), 0.0, [0.0]
    for pause, concerns in events:
        target = now + pause
        while one.due <= target:
            now = max(now, one.due)
            one.done(now, 0.001)
            ran.append(now)
        now = target
        if concerns:
            one.arrive(arrival("m"), now, not_before=0.0)
            if one.due <= now:
                one.done(now, 0.001)
                ran.append(now)
    for before, after in pairwise(ran):
        assert min_gap(5.0, 0.001) - 1e-9 <= after - before <= 5.5 + 1e-9
