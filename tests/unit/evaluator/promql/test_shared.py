"""What rules compute together, and carry from tick to tick, is what each query gives by itself."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluator.head import Head, Layout
from services.evaluator.promql import ABSENT, STALE, Engine, shared
from services.evaluator.promql.running import RunningSums

START = 1_700_000_000_000
QUERIES = (
    "sum_over_time(m[30s])",
    "avg_over_time(m[47s])",
    "count_over_time(m[30s])",
    "changes(m[30s])",
    "resets(m[30s])",
    "rate(m[30s])",
    "increase(m[1m])",
    "max_over_time(m[30s])",
    "stddev_over_time(m[30s])",
    "quantile_over_time(0.5, m[30s])",
    "predict_linear(m[30s], 60)",
    "sum_over_time(m[30s] offset 10s)",
    'avg_over_time(m{x=~"[02]"}[30s])',
    'changes(m{x="1"}[30s])',
    "last_over_time(m[30s])",
    'rate(m{x="3"}[30s])',
)


class Samples:
    """Two targets of three series each; the test says what they bring."""

    def __init__(self, retention=120):
        self.head = Head(retention_s=retention)
        self.layouts = {}
        self.t_ms = START

    def put(self, target, values, *, at=None):
        labels = tuple({"__name__": "m", "target": str(target), "x": str(x)} for x in values)
        layout = self.layouts.setdefault(tuple(map(str, labels)), Layout(labels))
        numbers = np.array(list(values.values()), np.float64)
        self.head.target(f"t{target}", interval_s=5.0).append(self.t_ms if at is None else at, layout, numbers)


def rows(result):
    """Return the result's values by labels."""
    vector = result.value
    return {tuple(sorted(one.items())): value for one, value in zip(vector.labels, vector.values.tolist(), strict=True)}


def same(left, right):
    """Compare as far as another order of addition may differ."""
    assert left.keys() == right.keys()
    for key, one in left.items():
        assert one == pytest.approx(right[key], rel=1e-11, abs=1e-12, nan_ok=True), key


def compare(engine, samples, queries=QUERIES):
    tick = engine.tick(samples.head, samples.t_ms, "scope")
    for query in queries:
        same(rows(tick.instant(query)), rows(Engine().instant(query, samples.head, samples.t_ms)))


values = st.one_of(
    st.integers(-5, 100).map(float),
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, 1e16, -1e16, 1e-9, math.inf, -math.inf, math.nan, STALE, ABSENT, 1e100]),
)
pages = st.dictionaries(st.integers(0, 3), values, min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), pages, pages, st.booleans()), min_size=3, max_size=25))
def test_together_is_as_alone_whatever_comes(rounds):
    engine, samples = Engine(), Samples(retention=60)
    for seconds, first, second, late in rounds:
        samples.t_ms += seconds * 1000
        samples.put(0, first)
        if not late:
            samples.put(1, second)
        compare(engine, samples, QUERIES)
        if late:
            samples.put(1, second, at=samples.t_ms - 500)


def test_a_long_run_over_a_sliding_matrix():
    engine, samples = Engine(), Samples(retention=60)
    random = np.random.default_rng(7)
    for number in range(200):
        samples.t_ms += 5000
        counts = np.cumsum(random.integers(0, 9, 3)) + (0 if number % 40 else -100)
        samples.put(0, dict(enumerate(counts.tolist())))
        if number % 23:
            samples.put(1, dict(enumerate(random.normal(size=3).tolist())), at=samples.t_ms - 100)
        compare(engine, samples)


def test_large_samples_leave_nothing_behind():
    samples, engine = Samples(), Engine()
    seen = []
    for value in [1e16, 1.5, 2.5, 1e16, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]:
        samples.t_ms += 5000
        samples.put(0, {0: value})
        seen.append(value)
        tick = engine.tick(samples.head, samples.t_ms, "scope")
        (total,) = rows(tick.instant("sum_over_time(m[15s])")).values()
        assert total == math.fsum(seen[-3:])


def test_a_window_is_read_once_and_then_its_edges_only(monkeypatch):
    samples, engine = Samples(retention=3600), Engine()
    read = []
    step = RunningSums._pass
    monkeypatch.setattr(
        RunningSums, "_pass", lambda self, columns, lo, hi, *rest: (
            read.append(int(np.maximum(hi - lo, 0).max(initial=0))), step(self, columns, lo, hi, *rest)
        )[1],
    )  # fmt: skip
    for number in range(300):
        samples.t_ms += 5000
        samples.put(0, {0: float(number), 1: 2.0})
        if number > 200:
            read.clear()
            engine.tick(samples.head, samples.t_ms, "scope").instant("avg_over_time(m[15m])")
            if number > 203:
                assert sum(read) == 2


def test_rules_over_parts_of_a_metric_are_one_computation(monkeypatch):
    samples, engine = Samples(), Engine()
    calls = []
    move = RunningSums.move
    monkeypatch.setattr(RunningSums, "move", lambda self, *args: calls.append(1) or move(self, *args))
    for _ in range(4):
        samples.t_ms += 5000
        samples.put(0, {0: 1.0, 1: 2.0, 2: 3.0})
        calls.clear()
        tick = engine.tick(samples.head, samples.t_ms, "scope")
        found = [rows(tick.instant(f'sum_over_time(m{{x="{x}"}}[10s])')) for x in range(3)]
        assert [len(one) for one in found] == [1, 1, 1]
    assert len(calls) == 1


def test_what_nobody_asks_any_more_leaves():
    samples, engine = Samples(), Engine()
    for number in range(60):
        samples.t_ms += 5000
        samples.put(0, {0: 1.0, 1: 2.0, 2: 3.0})
        tick = engine.tick(samples.head, samples.t_ms, "scope")
        for x in range(3 if number < 10 else 1):
            tick.instant(f'sum_over_time(m{{x="{x}"}}[10s])')
    (union,) = (one for unions in engine.unions._by_matrix.values() for one in unions.values())
    assert len(union.rows) == len(union.members) == 1


def test_scopes_compute_for_themselves():
    samples, engine = Samples(), Engine()
    for _ in range(3):
        samples.t_ms += 5000
        samples.put(0, {0: 1.0, 1: 2.0})
        tick = engine.tick(samples.head, samples.t_ms)
        tick.scoped(15).instant('sum_over_time(m{x="0"}[10s])')
        tick.scoped(60).instant('sum_over_time(m{x="1"}[10s])')
    (unions,) = engine.unions._by_matrix.values()
    assert [len(one.rows) for one in unions.values()] == [1, 1]


def test_a_query_by_itself_leaves_no_trace():
    samples, engine = Samples(), Engine()
    samples.put(0, {0: 1.0})
    engine.instant("sum_over_time(m[10s])", samples.head, samples.t_ms)
    engine.tick(samples.head, samples.t_ms).instant("sum_over_time(m[10s])")
    assert not engine.unions._by_matrix


def test_the_limit_of_samples_counts_what_was_shared():
    samples, engine = Samples(), Engine(max_samples=7)
    for _ in range(3):
        samples.t_ms += 5000
        samples.put(0, {0: 1.0, 1: 2.0})
    tick = engine.tick(samples.head, samples.t_ms, "scope")
    counts = [tick.instant(query).samples for query in ("sum_over_time(m[15s])", "sum_over_time(m[15s]) > 1")]
    assert counts == [6, 6]
    assert tick.instant("m").samples == 2


def test_many_computations_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(shared, "_MOST_UNIONS", 5)
    samples, engine = Samples(), Engine()
    samples.put(0, {0: 1.0})
    tick = engine.tick(samples.head, samples.t_ms, "scope")
    for seconds in range(1, 30):
        tick.instant(f"sum_over_time(m[{seconds}s])")
    assert max(len(unions) for unions in engine.unions._by_matrix.values()) <= 5


@given(st.lists(st.floats(-1e12, 1e12), min_size=4, max_size=60))
def test_carried_sums_are_right_to_the_last_digits(numbers):
    samples, engine = Samples(retention=600), Engine()
    for place, number in enumerate(numbers):
        samples.t_ms += 5000
        samples.put(0, {0: number})
        (total,) = rows(engine.tick(samples.head, samples.t_ms, 1).instant("sum_over_time(m[20s])")).values()
        window = numbers[max(0, place - 3) : place + 1]
        assert total == pytest.approx(math.fsum(window), rel=1e-12, abs=1e-300)


def test_changes_are_counted_between_samples_of_the_window_only():
    samples, engine, seen = Samples(), Engine(), []
    for value in [1, 2, 2, 3, 1, 1, 1, 1, 1, 5, math.nan, math.nan, 4]:
        samples.t_ms += 5000
        samples.put(0, {0: float(value)})
        seen.append(value)
        tick = engine.tick(samples.head, samples.t_ms, 1)
        (changed,) = rows(tick.instant("changes(m[20s])")).values()
        (fallen,) = rows(tick.instant("resets(m[20s])")).values()
        pairs = list(pairwise(seen[-4:]))
        assert changed == sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairs)
        assert fallen == sum(b < a for a, b in pairs)


def test_a_sum_beyond_all_numbers_is_endless_and_over_when_its_samples_leave():
    samples, engine, sums = Samples(), Engine(), []
    for value in [1.7e308, 1.7e308, 1.0, 1.0, 1.0]:
        samples.t_ms += 5000
        samples.put(0, {0: value})
        sums += rows(engine.tick(samples.head, samples.t_ms, 1).instant("sum_over_time(m[10s])")).values()
    assert sums == [1.7e308, math.inf, 1.7e308, 2.0, 2.0]
