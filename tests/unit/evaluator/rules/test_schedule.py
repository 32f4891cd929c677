import heapq
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.rules.schedule import Slot, Source, end_of_tick
from services.evaluator.scrape.arrival import Arrival


def arrival(*names, interval=5.0, at=0.0, source="t"):
    return Arrival(frozenset(names), interval, at, source)


def slot(interval=5.0, reads=("m",), last=None, sources=()):
    made = Slot("g", interval, None if reads is None else frozenset(reads))
    made.start(100.0)
    made.sources = {key: Source(at, every) for key, at, every in sources}
    if last is not None:
        made.done(last, 0.001)
    return made


def test_only_what_the_group_reads_concerns_it():
    assert slot().concerns(arrival("m", "x"))
    assert not slot().concerns(arrival("x"))
    assert slot(reads=None).concerns(arrival("x"))


@pytest.mark.parametrize(
    ("lasts", "end"),
    [
        ([], None),
        ([10.0], 15.0),
        ([9.0], 14.0),
        ([6.0, 9.9, 10.0], 11.0),  # 9.9, 10.0 and, a second later, 6.0 are one burst
        ([7.0, 7.1, 9.9], 12.1),  # of two long pauses the longer one
        ([7.5, 10.0], 15.0),  # two equal pauses: it stays where it is
    ],
)
def test_a_tick_ends_where_the_sources_rest_longest(lasts, end):
    assert end_of_tick([Source(last, 5.0) for last in lasts], 10.0, 5.0, 10.0) == pytest.approx(end)


def test_who_is_off_the_beat_has_no_say():
    assert end_of_tick([Source(9.0, 7.0)], 10.0, 5.0, 10.0) is None
    assert end_of_tick([Source(9.0, 7.0), Source(9.5, 2.5)], 10.0, 5.0, 10.0) == pytest.approx(14.5)
    assert end_of_tick([Source(9.0, 10.0), Source(9.5, 5.0)], 10.0, 5.0, 10.0) == pytest.approx(14.5)
    assert end_of_tick([Source(9.0, 10.0)], 10.0, 5.0, 10.0) == pytest.approx(14.0)


def test_the_only_source_makes_it_due_at_once():
    one = slot(last=10.0, sources=[("t", 9.99, 5.0)])
    assert (one.due, one.cause) == (pytest.approx(15.49), "interval")
    one.arrive(arrival("m", at=1000.0), 14.9, not_before=0.0)
    assert (one.due, one.cause, one.at) == (14.9, "samples", 1000.0)


def test_it_waits_for_the_last_of_a_burst():
    one = slot(last=10.0, sources=[("a", 9.8, 5.0), ("b", 9.9, 5.0)])
    one.arrive(arrival("m", source="a"), 14.8, not_before=0.0)
    assert one.due > 14.9
    one.arrive(arrival("m", source="b"), 14.9, not_before=0.0)
    assert (one.due, one.arrived) == (14.9, 14.8)


def test_a_late_scrape_is_waited_for_only_so_long():
    one = slot(last=10.0, sources=[("a", 9.8, 5.0), ("b", 9.9, 5.0)])
    one.arrive(arrival("m", source="a"), 14.8, not_before=0.0)
    assert one.due == pytest.approx(14.9 + one.grace)
    one.done(one.due, 0.0)
    one.arrive(arrival("m", source="b"), 15.6, not_before=0.0)
    assert one.due > 19.0


def test_a_source_that_is_gone_is_forgotten():
    one = slot(last=10.0, sources=[("a", 9.9, 5.0), ("b", 9.9, 5.0)])
    for now in (14.9, 19.9, 24.9):
        one.arrive(arrival("m", source="a"), now, not_before=0.0)
        one.done(now, 0.0)
    assert (set(one.sources), set(one.awaited)) == ({"a"}, {"a"})


def test_a_source_that_is_faster_than_the_group_does_not_hurry_it():
    one = slot(interval=60.0, last=10.0, sources=[("t", 10.0, 5.0)])
    for now in range(15, 70, 5):
        one.arrive(arrival("m"), float(now), not_before=0.0)
        assert one.due > 69
    one.arrive(arrival("m"), 70.0, not_before=0.0)
    assert one.due == 70.0


def test_a_slower_source_is_awaited_in_its_own_ticks_only():
    one = slot(interval=15.0, last=10.0, sources=[("slow", 10.0, 60.0), ("t", 10.0, 15.0)])
    for now in (25.0, 40.0, 55.0):
        assert set(one.awaited) == {"t"}
        one.arrive(arrival("m", interval=15.0), now, not_before=0.0)
        assert one.due == now
        one.done(now, 0.0)
    assert set(one.awaited) == {"t", "slow"}


def test_first_samples_after_none_are_evaluated_at_once():
    one = slot(last=10.0)
    assert one.due == 15.0
    one.arrive(arrival("m"), 12.0, not_before=0.0)
    assert one.due == 12.0


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


def simulate(one, phases, intervals, seconds, late=()):
    """Scrape at phases; return the times of evaluations and, by source, the delays until one followed."""
    arrivals = [(phase, place, interval) for place, (phase, interval) in enumerate(zip(phases, intervals, strict=True))]
    heapq.heapify(arrivals)
    ran, waiting, delays, number = [], {}, {}, 0

    def evaluate(now):
        one.done(now, 0.001)
        ran.append(now)
        for place, at in waiting.items():
            delays.setdefault(place, []).append(now - at)
        waiting.clear()

    one.start(max(phases) + 0.01)
    while arrivals[0][0] < seconds:
        at, place, interval = heapq.heappop(arrivals)
        while one.due <= at:
            evaluate(one.due)
        heapq.heappush(arrivals, (at + interval, place, interval))
        number += 1
        if number % 17 in late:
            continue
        waiting.setdefault(place, at)
        one.arrive(arrival("m", interval=interval, source=str(place)), at, not_before=max(phases))
        if one.due <= at:
            evaluate(at)
    return ran, delays


def test_eight_phases_cost_one_evaluation_per_interval():
    ran, delays = simulate(slot(), [0.625 * n for n in range(8)], [5.0] * 8, 100)
    assert 18 <= len(ran) <= 21
    assert min(max(one[3:]) for one in delays.values()) < 0.001


def test_one_target_is_evaluated_with_its_scrape():
    ran, delays = simulate(slot(), [3.2], [5.0], 100)
    assert len(ran) in {19, 20, 21}
    assert max(delays[0]) < 0.011


def test_what_is_scraped_around_the_turn_of_an_interval_is_one_burst():
    _, delays = simulate(slot(), [4.8, 0.1, 0.2], [5.0] * 3, 200)
    assert max(delay for one in delays.values() for delay in one[3:]) <= 0.41


@given(
    st.lists(st.tuples(st.floats(0.0, 9.9), st.sampled_from([1.0, 2.5, 5.0, 10.0])), min_size=1, max_size=8),
    st.sampled_from([1.0, 5.0, 7.0]),
    st.sets(st.integers(0, 16), max_size=3),
)
def test_once_per_interval_whatever_the_sources_do(sources, interval, late):
    ran, _ = simulate(slot(interval), [one for one, _ in sources], [one for _, one in sources], 120.0, late)
    pauses = [after - before for before, after in pairwise(ran)]
    assert max(pauses, default=0.0) <= interval * 1.1 + slot(interval).grace + 1e-6
    assert min(pauses, default=9.0) >= interval / 20 - 1e-6
    assert len(ran) <= 120.0 / interval * 1.3 + 8
