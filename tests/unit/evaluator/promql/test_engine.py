import math

import numpy as np
import pytest

from services.evaluator.promql import (
    Engine,
    EvaluationError,
    MatrixResult,
    PromqlError,
    QueryTimeoutError,
    SampleLimitError,
    parse,
)
from services.evaluator.promql.context import Tables
from services.evaluator.promql.storage import ABSENT, STALE, Block
from tests.promql.memory import HeadStorage, MemoryStorage


class CountingStorage(MemoryStorage):
    def __init__(self):
        super().__init__()
        self.reads = []

    def select(self, matchers, start_ms, end_ms):
        self.reads.append((matchers[0].value, start_ms, end_ms))
        return super().select(matchers, start_ms, end_ms)


@pytest.fixture
def storage():
    storage = CountingStorage()
    storage.load(
        [
            ({"__name__": "a_total", "x": "1"}, [(t * 1000, float(t)) for t in range(0, 600, 10)]),
            ({"__name__": "a_total", "x": "2"}, [(t * 1000, 2.0 * t) for t in range(0, 600, 10)]),
            ({"__name__": "b", "x": "1"}, [(t * 1000, 1.0) for t in range(0, 600, 10)]),
        ]
    )
    return storage


def test_kinds_of_results(storage):
    engine = Engine()
    vector = engine.instant('a_total{x="1"}', storage, 100_000)
    assert (vector.type, vector.value.t_ms) == ("vector", 100_000)
    assert vector.value.labels == [{"__name__": "a_total", "x": "1"}]
    assert vector.value.values.tolist() == [100.0]
    scalar = engine.instant("1 + 1", storage, 100_000)
    assert (scalar.type, scalar.value.value, scalar.value.t_ms) == ("scalar", 2.0, 100_000)
    text = engine.instant("'x'", storage, 100_000)
    assert (text.type, text.value.value) == ("string", "x")
    matrix = engine.instant("a_total[20s]", storage, 100_000)
    assert matrix.type == "matrix"
    assert matrix.value.times.tolist() == [90_000, 100_000]
    assert matrix.value.values.tolist() == [[90.0, 100.0], [180.0, 200.0]]
    empty = engine.instant("nothing[1m]", storage, 100_000)
    assert (empty.type, empty.value.labels) == ("matrix", [])


def test_range_results_are_sorted_by_labels_and_merge_equal_ones():
    storage = MemoryStorage()
    storage.load([({"__name__": "m", "k": "1"}, [(0, 1.0), (10_000, STALE)])])
    storage.load([({"__name__": "n", "k": "1"}, [(10_000, 2.0)]), ({"__name__": "n", "k": "0"}, [(0, 3.0)])])
    result = Engine().range('-{__name__=~"m|n"}', storage, 0, 10_000, 10_000).value
    assert isinstance(result, MatrixResult)
    assert result.labels == [{"k": "0"}, {"k": "1"}]
    assert result.values[1].tolist() == [-1.0, -2.0]
    assert result.present.all()


def test_range_of_a_scalar_is_one_series(storage):
    result = Engine().range("time()", storage, 0, 20_000, 10_000).value
    assert result.labels == [{}]
    assert result.values.tolist() == [[0.0, 10.0, 20.0]]


@pytest.mark.parametrize(
    ("span", "part"),
    [((0, 10, 0), "positive step"), ((10, 0, 1), "positive step"), ((0, 11_000_000, 1000), "maximum resolution")],
)
def test_bad_ranges(storage, span, part):
    with pytest.raises(EvaluationError, match=part):
        Engine().range("b", storage, *span)


@pytest.mark.parametrize("text", ["b[5m]", "'x'"])
def test_a_range_query_takes_no_windows_and_no_text(storage, text):
    with pytest.raises(PromqlError, match="invalid expression type"):
        Engine().range(text, storage, 0, 10, 1)


def test_a_tick_reads_and_computes_equal_parts_once(storage):
    tick = Engine().tick(storage, 300_000)
    first = tick.instant("sum(rate(a_total[1m])) > 1")
    assert len(storage.reads) == 1
    again = tick.instant("sum(rate(a_total[1m])) > 2")
    other = tick.instant("count(rate(a_total[1m]))")
    assert len(storage.reads) == 1
    tick.instant("a_total")
    assert len(storage.reads) == 2
    assert first.value.values.tolist() == [3.0]
    assert again.value.values.tolist() == [3.0]
    assert other.value.values.tolist() == [2.0]


def test_annotations_come_with_every_query_of_a_tick(storage):
    tick = Engine().tick(storage, 300_000)
    for _ in range(2):
        result = tick.instant("rate(b[1m]) + quantile(2, b)")
        assert len(result.infos) == 1
        assert 'name does not end in _total/_sum/_count/_bucket: "b" (1:6)' in result.infos[0]
        assert result.warnings == ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:24)"]


def test_the_sample_limit_is_per_query(storage):
    engine = Engine(max_samples=100)
    with pytest.raises(SampleLimitError, match="more than 100 samples"):
        engine.instant("a_total[10m]", storage, 600_000)
    assert engine.instant("count(b)", storage, 100_000).value.values.tolist() == [1.0]
    with pytest.raises(SampleLimitError):
        engine.instant("sum_over_time(vector(1)[1h:1s])", storage, 600_000)


def test_the_time_limit(storage):
    now = [0.0]

    def monotonic():
        now[0] += 1.0
        return now[0]

    with pytest.raises(QueryTimeoutError, match="timed out"):
        Engine(timeout_s=3, monotonic=monotonic).instant("a_total + a_total + b + b + a_total", storage, 0)
    assert Engine(timeout_s=1e6, monotonic=monotonic).instant("1", storage, 0).value.value == 1.0


def test_look_back_and_step_of_sub_queries_are_settings(storage):
    engine = Engine(lookback_s=15, subquery_step_s=20)
    assert len(engine.instant("b", storage, 604_999).value.labels) == 1
    assert len(engine.instant("b", storage, 605_000).value.labels) == 0
    assert engine.instant("count_over_time(b[1m:])", storage, 300_000).value.values.tolist() == [3.0]


def test_delayed_names_change_what_may_collide():
    storage = MemoryStorage()
    storage.load([({"__name__": "a", "x": "1"}, [(0, 1.0)]), ({"__name__": "b", "x": "1"}, [(0, 2.0)])])
    expr = 'sum by (x) (-{x="1"})'
    with pytest.raises(EvaluationError, match="same labelset"):
        Engine().instant(expr, storage, 0)
    assert Engine(delayed_names=True).instant(expr, storage, 0).value.values.tolist() == [-3.0]
    kept = Engine(delayed_names=True).instant('label_replace(-a, "__name__", "c", "", "")', storage, 0)
    assert kept.value.labels == [{"__name__": "c", "x": "1"}]
    both = Engine(delayed_names=True).range("-a or b", storage, 0, 0, 1)
    assert both.value.labels == [{"x": "1"}]
    with pytest.raises(EvaluationError, match="same labelset"):
        Engine(delayed_names=True).instant("-{x='1'}", storage, 0)
    paired = Engine(delayed_names=True).instant("-a == on (x) -a", storage, 0)
    assert paired.value.labels == [{"x": "1"}]


def test_results_do_not_share_memory_with_the_storage():
    storage = HeadStorage()
    storage.load([({"__name__": "a"}, [(0, 1.0), (10_000, 2.0)])])
    result = Engine().instant("a", storage, 10_000)
    matrix = Engine().range("a", storage, 0, 10_000, 10_000)
    for pool in storage.head._pools:
        pool.values[:] = 9.0
    assert result.value.values.tolist() == [2.0]
    assert matrix.value.values.tolist() == [[1.0, 2.0]]


def test_tables_are_kept_by_layout_and_bounded():
    tables = Tables(max_rows=3)
    blocks = [
        Block([{"__name__": "m", "k": str(k)} for k in range(2)], np.array([0]), np.zeros((2, 1)), key) for key in "ab"
    ]
    first = tables.of(blocks[:1])
    assert tables.of(blocks[:1]) is first
    tables.of(blocks[1:])
    assert tables.of(blocks[:1]) is not first


def test_blocks_with_several_axes_and_picked_rows():
    times = np.array([[0, 10_000, 20_000], [3_000, 13_000, 23_000]])
    values = np.array([[0.0, 0, 0], [1, 2, 3], [10, 20, 30], [5, ABSENT, 7]])
    block = Block(
        [{"__name__": "m", "k": "1"}, {"__name__": "m", "k": "2"}, {"__name__": "m", "k": "3"}],
        times,
        values,
        "layout",
        axes=np.array([0, 1, 1]),
        rows=np.array([1, 2, 3]),
    )

    class Fixed:
        def select(self, matchers, start_ms, end_ms):
            return [block]

    engine = Engine()
    assert engine.instant("m", Fixed(), 21_000).value.values.tolist() == [3.0, 20.0, 5.0]
    assert engine.instant("timestamp(m)", Fixed(), 21_000).value.values.tolist() == [20.0, 13.0, 3.0]
    assert engine.instant("sum_over_time(m[15s])", Fixed(), 23_000).value.values.tolist() == [5.0, 50.0, 7.0]
    assert engine.instant("count_over_time(m[30s])", Fixed(), 23_000).value.values.tolist() == [3.0, 3.0, 2.0]
    ranged = engine.range("m", Fixed(), 1_000, 21_000, 10_000).value
    assert ranged.present.tolist() == [[True] * 3, [False, True, True], [False, True, True]]
    assert ranged.values[0].tolist() == [1.0, 2.0, 3.0]
    assert ranged.values[1].tolist()[1:] == [10.0, 20.0]
    counts = engine.range("count_over_time(m[15s])", Fixed(), 3_000, 23_000, 10_000).value
    assert counts.values.tolist() == [[1.0, 2.0, 2.0], [1.0, 2.0, 2.0], [1.0, 1.0, 1.0]]
    assert math.isclose(engine.instant("sum(rate(m[1m]))", Fixed(), 24_000).value.values[0], 0.6, rel_tol=0.5)


def test_a_block_without_columns():
    class Empty:
        def select(self, matchers, start_ms, end_ms):
            return [Block([{"__name__": "m"}], np.empty(0, np.int64), np.empty((1, 0)), "empty")]

    over_time = [f"{name}_over_time" for name in ("min", "max", "last", "ts_of_max", "mad")]
    names = [*over_time, "changes", "deriv", "rate"]
    for expr in ("m", "timestamp(m)", *(f"{name}(m[5m])" for name in names), "predict_linear(m[5m], 1)"):
        assert Engine().instant(expr, Empty(), 0).value.labels == [], expr
    assert Engine().instant("absent_over_time(m[5m])", Empty(), 0).value.values.tolist() == [1.0]


@pytest.mark.parametrize(
    ("expr", "part"),
    [
        ("foo[step()]", "greater than 0"),
        ("foo[1 / 0]", "division by zero"),
        ("foo[1 % (1 - 1)]", "modulo by zero"),
        ("foo[1e9 ^ 9]", "out of range"),
        ("foo[10 ^ 999]", "out of range"),
        ("info(foo, foo + foo)", "label selector"),
        ("deriv(foo[5m] anchored)", "changes, delta, increase, rate, resets - not with deriv"),
        ("foo anchored", "only be used with range vectors"),
    ],
)
def test_what_only_evaluation_can_refuse(storage, expr, part):
    with pytest.raises(EvaluationError, match=part):
        Engine().instant(expr, storage, 0)


def test_durations_are_worked_out_with_the_query(storage):
    engine = Engine()
    counts = engine.range("count_over_time(b[step() * 3 + min_of(1s, 5s) - 1])", storage, 100_000, 140_000, 20_000)
    assert counts.value.values.tolist() == [[6.0, 6.0, 6.0]]
    whole = engine.range("count_over_time(b[range()])", storage, 100_000, 140_000, 20_000)
    assert whole.value.values.tolist() == [[4.0, 4.0, 4.0]]
    moved = engine.instant("a_total{x='1'} offset -(10 * 2) + 0 * max_of(1, 2)", storage, 100_000)
    assert moved.value.values.tolist() == [120.0]
    for text, value in (("2 ^ 3", 8), ("7 % 4", 3), ("-(-8)", 8), ("+16 / 2", 8)):
        assert engine.instant(f"count_over_time(b[10 * ({text})])", storage, 300_000).value.values.tolist() == [value]


def test_queries_take_trees_too(storage):
    assert Engine().instant(parse("count(b)"), storage, 0).value.values.tolist() == [1.0]
    assert Engine().range(parse("count(b)"), storage, 0, 0, 1).value.values.tolist() == [[1.0]]
