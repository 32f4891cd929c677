"""A vector against a number goes a shorter way at the end of a query: it must come to the same as the long one."""

import math

import pytest

from services.evaluator.promql import Engine, EvaluationError
from services.evaluator.promql.storage import STALE
from tests.promql.memory import MemoryStorage

VALUES = {"low": -1.0, "zero": 0.0, "one": 1.0, "nan": math.nan, "inf": math.inf, "gone": STALE}
QUERIES = ("m", "m + 1", "rate(n_total[1m])", "sum by (x) (m)", "absent(m)", "absent(none)", "none", "-m")


@pytest.fixture(scope="module")
def storage():
    storage = MemoryStorage()
    for name, value in VALUES.items():
        earlier = [(t * 1000, float(t)) for t in range(0, 90, 10)]
        storage.load([({"__name__": "m", "x": name}, [*earlier, (90_000, value)])])
        storage.load([({"__name__": "n_total", "x": name}, earlier)])
        storage.load([({"__name__": "twin", "x": name}, earlier)])
    return storage


def told(result):
    values = {
        str(sorted(row.items())): value for row, value in zip(result.value.labels, result.value.values, strict=True)
    }
    return (
        {row: "nan" if math.isnan(value) else value for row, value in values.items()},
        result.samples,
        result.warnings,
    )


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("op", ["==", "!=", "<", "<=", ">", ">="])
def test_both_ways_agree(storage, query, op):
    for bound in ("0", "1", "NaN", "Inf"):
        short = Engine().instant(f"{query} {op} {bound}", storage, 100_000)
        long = Engine().instant(f"({query} {op} {bound})", storage, 100_000)
        assert told(short) == told(long)


@pytest.mark.parametrize("query", ["m > bool 0", "1 < m", "m > scalar(m)", "m > 1 or m"])
def test_others_go_the_long_way(storage, query):
    short, long = (Engine().instant(text, storage, 100_000) for text in (query, f"({query})"))
    assert told(short) == told(long)


def test_equal_label_sets_are_refused_and_nothing_is_counted_twice(storage):
    with pytest.raises(EvaluationError, match="same labelset"):
        Engine().instant('-{__name__=~"n_total|twin"} > -100', storage, 85_000)
    short, long = (
        Engine(delayed_names=True).instant(text, storage, 85_000)
        for text in ("rate(n_total[1m]) > 0", "(rate(n_total[1m]) > 0)")
    )
    assert told(short) == told(long)
    assert short.samples > 0


def test_rules_of_a_tick_share_what_is_compared(storage):
    tick = Engine().tick(storage, 100_000)
    results = [tick.instant(text) for text in ("m > 0", "m > 0", "(m > 0)", "m > 0", "m < 0")]
    assert [len(result.value.labels) for result in results] == [2, 2, 2, 2, 1]
    assert len({result.samples for result in results}) == 1
