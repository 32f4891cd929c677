"""Functions of windows and aggregations against the standard library's statistics, on random samples."""

import math
import statistics
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.evaluator.promql import Engine
from tests.promql.memory import HeadStorage, MemoryStorage

STEP = 5_000
VALUE = st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e6, 1e6)).map(lambda value: value + 0.0)  # no -0
WINDOW = st.lists(VALUE, min_size=1, max_size=30)


def stored(rows, storage=MemoryStorage):
    held = storage()
    held.load(
        ({"__name__": "m", "i": str(number)}, [((place + 1) * STEP, value) for place, value in enumerate(values)])
        for number, values in enumerate(rows)
    )
    return held


def window_value(function, values, *args):
    """Evaluate a function over exactly the given samples, on both storages."""
    t_ms = len(values) * STEP
    before, after = (", ".join(map(str, args[:1])) + ", ", "") if function == "quantile_over_time" else ("", "")
    if function != "quantile_over_time" and args:
        after = ", " + ", ".join(map(str, args))
    expr = f"{function}({before}m[{t_ms}ms]{after})"
    found = {
        storage: Engine().instant(expr, stored([values], storage), t_ms).value.values.tolist()
        for storage in (MemoryStorage, HeadStorage)
    }
    one, other = found.values()
    assert np.array_equal(one, other, equal_nan=True), expr
    assert len(one) == 1, expr
    return one[0]


def quantile(values, q):
    ordered = sorted(values)
    rank = q * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


def mad(values):
    middle = quantile(values, 0.5)
    return quantile([abs(value - middle) for value in values], 0.5)


def exact_mean(values):
    return float(sum(map(Fraction, values)) / len(values))


ORACLES = {
    "sum_over_time": lambda values: float(sum(map(Fraction, values))),
    "avg_over_time": exact_mean,
    "min_over_time": min,
    "max_over_time": max,
    "count_over_time": len,
    "first_over_time": lambda values: values[0],
    "last_over_time": lambda values: values[-1],
    "stdvar_over_time": lambda values: float(statistics.pvariance(list(map(Fraction, values)))),
    "stddev_over_time": lambda values: math.sqrt(statistics.pvariance(list(map(Fraction, values)))),
    "mad_over_time": mad,
    "present_over_time": lambda _: 1,
    "changes": lambda values: sum(a != b for a, b in pairwise(values)),
    "resets": lambda values: sum(b < a for a, b in pairwise(values)),
    "ts_of_first_over_time": lambda _: STEP / 1000,
    "ts_of_last_over_time": lambda values: len(values) * STEP / 1000,
    "ts_of_max_over_time": lambda values: (len(values) - values[::-1].index(max(values))) * STEP / 1000,
    "ts_of_min_over_time": lambda values: (len(values) - values[::-1].index(min(values))) * STEP / 1000,
}


@pytest.mark.parametrize("function", ORACLES)
@settings(max_examples=25, deadline=None)
@given(values=WINDOW)
def test_windows(function, values):
    wanted = ORACLES[function](values)
    scale = max(abs(value) for value in values)
    assert math.isclose(window_value(function, values), wanted, rel_tol=1e-12, abs_tol=1e-12 * scale + 1e-12)


@settings(max_examples=40, deadline=None)
@given(WINDOW, st.floats(0, 1))
def test_quantiles(values, q):
    scale = max(abs(value) for value in values)
    found = window_value("quantile_over_time", values, q)
    assert math.isclose(found, quantile(values, q), rel_tol=1e-9, abs_tol=1e-9 * scale)


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUE, min_size=2, max_size=30), st.sampled_from([0, 60, -30]))
def test_lines(values, ahead):
    times = [(place + 1) * STEP / 1000 for place in range(len(values))]
    line = statistics.linear_regression(times, values)
    scale = max(abs(value) for value in values)
    assume(scale == 0 or scale > 1e-6)
    assert math.isclose(window_value("deriv", values), line.slope, rel_tol=1e-8, abs_tol=1e-9 * scale)
    wanted = line.intercept + line.slope * (times[-1] + ahead)
    assert math.isclose(window_value("predict_linear", values, ahead), wanted, rel_tol=1e-7, abs_tol=1e-7 * scale)


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUE, min_size=2, max_size=20), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_smoothing(values, smoothing, trend):
    before, level, slope = 0.0, values[0], values[1] - values[0]
    for place in range(1, len(values)):
        if place > 1:
            slope = trend * (level - before) + (1 - trend) * slope
        before, level = level, smoothing * values[place] + (1 - smoothing) * (level + slope)
    scale = max(abs(value) for value in values) + 1
    found = window_value("double_exponential_smoothing", values, smoothing, trend)
    assert math.isclose(found, level, rel_tol=1e-6, abs_tol=1e-6 * scale)


GROUPED = {
    "sum": lambda values: float(sum(map(Fraction, values))),
    "avg": exact_mean,
    "min": min,
    "max": max,
    "count": len,
    "group": lambda _: 1,
    "stdvar": lambda values: float(statistics.pvariance(list(map(Fraction, values)))),
    "stddev": lambda values: math.sqrt(statistics.pvariance(list(map(Fraction, values)))),
}


@pytest.mark.parametrize("name", GROUPED)
@settings(max_examples=25, deadline=None)
@given(values=WINDOW)
def test_aggregations(name, values):
    storage = stored([[value] for value in values])
    found = Engine().instant(f"{name}(m)", storage, STEP).value.values.tolist()
    scale = max(abs(value) for value in values)
    assert math.isclose(found[0], GROUPED[name](values), rel_tol=1e-12, abs_tol=1e-12 * scale + 1e-12)


@settings(max_examples=40, deadline=None)
@given(WINDOW, st.integers(0, 12), st.floats(0, 1))
def test_picking_aggregations(values, k, q):
    storage = stored([[value] for value in values])
    engine = Engine()

    def found(expr):
        return engine.instant(expr, storage, STEP).value.values.tolist()

    assert found(f"topk({k}, m)") == sorted(values, reverse=True)[:k]
    assert found(f"bottomk({k}, m)") == sorted(values)[:k]
    assert len(found(f"limitk({k}, m)")) == min(k, len(values))
    scale = max(abs(value) for value in values)
    assert math.isclose(found(f"quantile({q}, m)")[0], quantile(values, q), rel_tol=1e-9, abs_tol=1e-9 * scale)
    counts = engine.instant('count_values("v", m)', storage, STEP).value
    assert sum(counts.values.tolist()) == len(values)
    wanted = {float(labels["v"]): count for labels, count in zip(counts.labels, counts.values.tolist(), strict=True)}
    assert wanted == {value: values.count(value) for value in values}


@settings(max_examples=40, deadline=None)
@given(WINDOW, st.floats(-1, 1))
def test_a_ratio_and_its_rest_are_the_whole(values, ratio):
    assume(ratio != 0)
    storage = stored([[value] for value in values])
    engine = Engine()
    some = engine.instant(f"limit_ratio({ratio}, m)", storage, STEP).value.labels
    rest = engine.instant(f"limit_ratio({math.copysign(1 - abs(ratio), -ratio)}, m)", storage, STEP).value.labels
    names = [labels["i"] for labels in (*some, *rest)]
    assert sorted(names) == sorted(str(number) for number in range(len(values)))


@pytest.mark.parametrize("lost", [1e100, 1e16, -3e20])
def test_small_samples_are_not_lost_beside_large_ones(lost):
    assert window_value("sum_over_time", [1.0, lost, 1.0, -lost]) == 2.0
    assert window_value("avg_over_time", [1.0, lost, 1.0, -lost]) == 0.5
    storage = stored([[1.0], [lost], [1.0], [-lost]])
    assert Engine().instant("sum(m)", storage, STEP).value.values.tolist() == [2.0]
    assert Engine().instant("avg(m)", storage, STEP).value.values.tolist() == [0.5]


def test_a_mean_of_huge_samples_does_not_overflow():
    assert window_value("avg_over_time", [1.5e308, 1.5e308, 1.5e308]) == 1.5e308
    assert window_value("sum_over_time", [1.5e308, 1.5e308]) == math.inf
