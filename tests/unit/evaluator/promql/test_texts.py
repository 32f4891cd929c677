"""How numbers and durations are written, and each kind of annotation."""

import math

import pytest

from services.evaluator.promql import Engine, parse
from services.evaluator.promql.printer import format_duration, format_number, plain_number
from tests.promql.memory import MemoryStorage


@pytest.mark.parametrize(
    ("value", "plain", "general"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (-2.5, "-2.5", "-2.5"),
        (0.1, "0.1", "0.1"),
        (1 / 3, "0.3333333333333333", "0.3333333333333333"),
        (123456789.0, "123456789", "123456789"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (1e21, "1000000000000000000000", "1e+21"),
        (1.5e300, "15" + "0" * 299, "1.5e+300"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "0.00001", "1e-05"),
        (1.25e-7, "0.000000125", "1.25e-07"),
        (5e-324, "0." + "0" * 323 + "5", "5e-324"),
        (math.inf, "+Inf", "+Inf"),
        (-math.inf, "-Inf", "-Inf"),
        (math.nan, "NaN", "NaN"),
    ],
)
def test_numbers(value, plain, general):
    assert plain_number(value) == plain
    assert format_number(value) == general
    assert math.isnan(value) or parse(plain).value == value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.001, "1ms"),
        (1.5, "1s500ms"),
        (60.0, "1m"),
        (3661.0, "1h1m1s"),
        (86_400.0, "1d"),
        (604_800.0, "1w"),
        (691_200.0, "8d"),
        (31_536_000.0, "1y"),
        (31_536_060.0, "365d1m"),
        (-90.0, "-1m30s"),
    ],
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text
    assert format_duration(parse(f"m offset {text}").offset) == text


@pytest.fixture
def storage():
    held = MemoryStorage()
    held.load(
        [
            ({"__name__": "c_total"}, [(step * 10_000, float(step)) for step in range(7)]),
            ({"__name__": "gauge"}, [(step * 10_000, float(step % 3)) for step in range(7)]),
            ({"__name__": "h_bucket", "le": "1"}, [(60_000, 5.0)]),
            ({"__name__": "h_bucket", "le": "2"}, [(60_000, 4.0)]),
            ({"__name__": "h_bucket", "le": "+Inf"}, [(60_000, 9.0)]),
            ({"__name__": "bad_bucket", "le": "one"}, [(60_000, 9.0)]),
        ]
    )
    return held


@pytest.mark.parametrize(
    ("expr", "warning"),
    [
        ("quantile(1.5, gauge)", "quantile value should be between 0 and 1, got 1.5 (1:10)"),
        ("quantile(NaN, gauge)", "quantile value should be between 0 and 1, got NaN (1:10)"),
        ("quantile_over_time(-1, gauge[1m])", "quantile value should be between 0 and 1, got -1 (1:20)"),
        ("histogram_quantile(2, h_bucket)", "quantile value should be between 0 and 1, got 2 (1:20)"),
        (
            "histogram_quantile(0.5, bad_bucket)",
            'bucket label "le" is missing or has a malformed value of "one" for metric name "bad_bucket" (1:25)',
        ),
        (
            "histogram_quantile(0.5, gauge)",
            'bucket label "le" is missing or has a malformed value of "" for metric name "gauge" (1:25)',
        ),
        ("limit_ratio(2, gauge)", "ratio value should be between -1 and 1, got 2, capping to 1 (1:13)"),
        ("limit_ratio(-3, gauge)", "ratio value should be between -1 and 1, got -3, capping to -1 (1:13)"),
        (
            "1 + \n  histogram_avg(gauge)",
            "native histograms are not supported, so histogram_avg() gives nothing (2:3)",
        ),
    ],
)
def test_warnings(storage, expr, warning):
    result = Engine().instant(expr, storage, 60_000)
    assert result.warnings == [f"PromQL warning: {warning}"]
    again = Engine().range(expr, storage, 60_000, 60_000, 1000)
    assert again.warnings == result.warnings


@pytest.mark.parametrize("name", ["rate", "increase"])
def test_rates_of_gauges_are_suspicious(storage, name):
    result = Engine().instant(f"sum({name}(gauge[1m]))", storage, 60_000)
    assert result.warnings == []
    assert result.infos == [
        (
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            f'"gauge" (1:{6 + len(name)})'
        )
    ]
    assert Engine().instant(f"{name}(c_total[1m])", storage, 60_000).infos == []
    assert Engine().instant("delta(gauge[1m])", storage, 60_000).infos == []


def test_buckets_that_fall_are_mended_and_named(storage):
    result = Engine().instant("histogram_quantile(0.5, h_bucket)", storage, 60_000)
    assert len(result.infos) == 1
    assert "needed to be fixed for monotonicity" in result.infos[0]
    assert result.infos[0].endswith('for metric name "h_bucket" (1:25)')


def test_an_annotation_stands_once_however_often_it_comes_up(storage):
    result = Engine().instant("quantile(2, gauge) + quantile(2, gauge)", storage, 60_000)
    assert len(result.warnings) == 2  # two places
    result = Engine().range("quantile(2, gauge)", storage, 0, 60_000, 10_000)
    assert len(result.warnings) == 1  # one place, seven steps


def test_a_tick_gives_each_query_its_own_annotations(storage):
    engine = Engine()
    tick = engine.tick(storage, 60_000)
    first = tick.instant("sum(rate(gauge[1m]))")
    assert tick.instant("sum(rate(c_total[1m]))").infos == []
    assert tick.instant("sum(rate(gauge[1m]))").infos == first.infos != []
    assert tick.instant("1 + sum(rate(gauge[1m]))").infos != []
