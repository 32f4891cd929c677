"""However a storage lays out its samples, the result is the same."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluator.promql import Engine
from services.evaluator.promql.storage import ABSENT, STALE, Block, absent_cells
from tests.promql.memory import MemoryStorage

STEP = 10_000
LABELS = [{"__name__": "m_total", "i": str(number)} for number in range(5)]
CELLS = st.one_of(st.integers(0, 30).map(float), st.none(), st.just("stale"))
DATA = st.lists(st.lists(CELLS, max_size=12), min_size=len(LABELS), max_size=len(LABELS))
QUERIES = [
    "m_total",
    "timestamp(m_total)",
    "sum(m_total)",
    "rate(m_total[1m])",
    "increase(m_total[25s] smoothed)",
    "changes(m_total[45s] anchored)",
    "avg_over_time(m_total[35s] offset 10s)",
    "quantile_over_time(0.3, m_total[1m])",
    "predict_linear(m_total[1m], 60)",
    "max_over_time(m_total[1m:15s])",
    "absent_over_time(m_total[20s])",
    "ts_of_max_over_time(m_total[1m])",
    "resets(m_total[1m])",
    "m_total smoothed",
]
WITH_STARTS = ["rate(m_total[1m])", "irate(m_total[1m])", "resets(m_total[1m])", "start_timestamp(m_total)"]


class OneBlockEach:
    """Every series has a block of its own, without holes."""

    def __init__(self, inner):
        self.inner = inner

    def select(self, matchers, start_ms, end_ms):
        for block in self.inner.select(matchers, start_ms, end_ms):
            for row, labels in enumerate(block.labels):
                here = ~absent_cells(block.values[row])
                yield Block(
                    [labels],
                    block.times[here],
                    block.values[row : row + 1, here],
                    ("one", tuple(labels.items())),
                    starts=None if block.starts is None else block.starts[row : row + 1, here],
                )


class PickedRows:
    """All series are rows, in another order, of a larger matrix in which each has a time axis of its own."""

    def __init__(self, inner):
        self.inner = inner

    def select(self, matchers, start_ms, end_ms):
        for block in self.inner.select(matchers, start_ms, end_ms):
            size, width = block.values.shape
            rows = np.arange(size)[::-1] * 2 + 1
            values = np.full((2 * size + 1, width), 99.0)
            values[rows] = block.values
            starts = None if block.starts is None else np.full(values.shape, 7)
            if starts is not None:
                starts[rows] = block.starts
            times = np.broadcast_to(block.times, (size, width))
            axes = np.arange(size)[::-1]
            yield Block(block.labels, times, values, ("picked", block.layout), axes=axes, rows=rows, starts=starts)


class TwoBlocks:
    """The first series apart from the others, the one with start times and the other without."""

    def __init__(self, inner):
        self.inner = inner

    def select(self, matchers, start_ms, end_ms):
        for block in self.inner.select(matchers, start_ms, end_ms):
            for part in (slice(0, 1), slice(1, None)):
                if block.labels[part]:
                    yield Block(
                        block.labels[part],
                        block.times,
                        block.values[part],
                        (part.start, block.layout),
                        starts=None if block.starts is None else block.starts[part],
                    )


SHAPES = [OneBlockEach, PickedRows, TwoBlocks]


def stored(data):
    storage = MemoryStorage()
    storage.load(
        (labels, [(place * STEP, value) for place, value in enumerate(cells) if value is not None])
        for labels, cells in zip(LABELS, data, strict=True)
    )
    return storage


def table(result):
    value = result.value
    rows = zip(value.labels, value.values.tolist(), value.present.tolist(), strict=True)
    return {
        frozenset(labels.items()): [cell if here else None for cell, here in zip(cells, present, strict=True)]
        for labels, cells, present in rows
    }


def equal(one, other):
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9) or (math.isnan(one) and math.isnan(other))


def same(one, other):
    if one.keys() != other.keys():
        return False
    return all(equal(a, b) for key in one for a, b in zip(one[key], other[key], strict=True))


@settings(max_examples=60, deadline=None)
@given(DATA, st.sampled_from(SHAPES))
def test_results_do_not_depend_on_the_shape(data, shape):
    plain = stored(data)
    for expr in QUERIES:
        wanted = table(Engine().range(expr, plain, 0, 120_000, 7_000))
        found = table(Engine().range(expr, shape(plain), 0, 120_000, 7_000))
        assert same(found, wanted), (expr, found, wanted)


@settings(max_examples=40, deadline=None)
@given(DATA, st.lists(st.integers(0, 130_000), min_size=12, max_size=12), st.sampled_from(SHAPES))
def test_nor_with_start_times(data, starts, shape):
    plain = stored(data)
    for labels in LABELS[:3]:
        plain.start(labels, [(place * STEP, start) for place, start in enumerate(starts)])
    for expr in WITH_STARTS:
        wanted = table(Engine().range(expr, plain, 0, 120_000, 7_000))
        found = table(Engine().range(expr, shape(plain), 0, 120_000, 7_000))
        assert same(found, wanted), (expr, found, wanted)


def test_blocks_with_and_without_start_times_go_together():
    class Mixed:
        def select(self, matchers, start_ms, end_ms):
            times = np.array([60_000, 120_000, 180_000])
            cells = np.array([[5.0, 6.0, 7.0]])
            yield Block([{"__name__": "c_total", "k": "plain"}], times, cells, "plain")
            starts = np.array([[1, 1, 150_000]])
            yield Block([{"__name__": "c_total", "k": "started"}], times, cells, "started", starts=starts)

    result = Engine().instant("resets(c_total[5m])", Mixed(), 180_000)
    assert {labels["k"]: value for labels, value in zip(result.value.labels, result.value.values, strict=True)} == {
        "plain": 0.0,
        "started": 1.0,
    }
    result = Engine().instant("start_timestamp(c_total)", Mixed(), 180_000)
    assert [dict(labels) for labels in result.value.labels] == [{"k": "started"}]
    assert result.value.values.tolist() == [150.0]


@pytest.mark.parametrize("cell", [ABSENT, STALE])
def test_start_times_stay_with_their_samples_where_a_hole_is_closed(cell):
    class Holed:
        def select(self, matchers, start_ms, end_ms):
            times = np.array([60_000, 120_000, 180_000, 240_000])
            starts = np.array([[1, 70_000, 1, 200_000]])
            cells = np.array([[5.0, cell, 7.0, 8.0]])
            yield Block([{"__name__": "c_total"}], times, cells, "holed", starts=starts)

    # The second sample is none, so its start counts for nothing; the last one started anew.
    assert Engine().instant("resets(c_total[5m])", Holed(), 240_000).value.values.tolist() == [1.0]
