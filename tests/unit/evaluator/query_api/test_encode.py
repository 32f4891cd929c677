import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from services.evaluator.query_api.encode import go_float, go_scientific, seconds
from services.evaluator.query_api.params import ApiError, Params, label_name, parse_matchers, parse_time


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (1e15, "1000000000000000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1.5e-5, "0.000015"),
        (1e-7, "1e-07"),
        (2.5e-10, "2.5e-10"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (123456789.123, "123456789.123"),
    ],
)
def test_sample_values(value, text):
    assert go_float(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0e+00"), (1.0, "1e+00"), (20.0, "2e+01"), (56.25, "5.625e+01"), (-0.001, "-1e-03"), (1e100, "1e+100"),
     (math.nan, "NaN"), (math.inf, "+Inf")],
)  # fmt: skip
def test_alert_values(value, text):
    assert go_scientific(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_digit_is_lost(value):
    assert float(go_float(value)) == value
    assert float(go_scientific(value)) == value


def test_times_are_whole_where_they_can_be():
    assert (seconds(1000), seconds(1500), seconds(-500)) == (1, 1.5, -0.5)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1.5", 1500),
        ("-3", -3000),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:00.25+01:00", 250),
        ("1e3", 1_000_000),
    ],
)
def test_times(text, ms):
    assert parse_time(text, "time") == ms


@pytest.mark.parametrize("text", ["", "soon", "NaN", "Inf", "1e30", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z"])
def test_bad_times(text):
    with pytest.raises(ApiError, match='invalid parameter "time": cannot parse'):
        parse_time(text, "time")


def params(**values):
    return Params(MultiDict(values))


def test_durations_and_counts():
    given = params(a="5", b="1m30s", c="x", d="inf", n="3", neg="-1", word="w")
    assert (given.seconds("a"), given.seconds("b"), given.seconds("none", 7.0)) == (5, 90, 7)
    assert (given.count("n"), given.count("none")) == (3, 0)
    for name in ("c", "d", "none"):
        with pytest.raises(ApiError, match="valid duration"):
            given.seconds(name)
    for name in ("neg", "word"):
        with pytest.raises(ApiError, match=name):
            given.count(name)


def test_selectors():
    ((one, two),) = parse_matchers(['up{job="a"}'])
    assert {(one.name, one.value), (two.name, two.value)} == {("__name__", "up"), ("job", "a")}
    for text in ("up[5m]", "sum(up)", "up offset 5m", "up @ 5", "{", '{a=""}'):
        with pytest.raises(ApiError, match="match"):
            parse_matchers([text])


@given(st.text(max_size=20))
def test_any_text_gives_a_time_or_an_error(text):
    try:
        parse_time(text, "time")
    except ApiError as error:
        assert error.kind == "bad_data"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("job", "job"),
        ("wo.genau", "wo.genau"),
        # prometheus/common's own examples of UnescapeName with the scheme "values".
        ("U__no:escaping_required", "U__no:escaping_required"),
        ("U__no:escaping__required", "no:escaping_required"),
        ("U__mysystem_2e_prod_2e_west_2e_cpu_2e_load", "mysystem.prod.west.cpu.load"),
        ("U__http_2e_status:sum", "http.status:sum"),
        ("U__label_20_with_20__100_", "label with \u0100"),
        ("U__bad__utf_d900_", "U__bad__utf_d900_"),
        ("U__bad_utf_", "U__bad_utf_"),
        ("U__underscores_5f_and_2e_dots", "underscores_and.dots"),
        ("U__too_1234567_long", "U__too_1234567_long"),
        ("U__beyond_110000_", "U__beyond_110000_"),
        ("U__cut_2e", "U__cut_2e"),
        ("U__ends_", "U__ends_"),
        ("U__upper_2E_case", "upper.case"),
        ("_U__a", "_U__a"),
    ],
)
def test_labels_of_paths(text, name):
    assert label_name(text) == name


@pytest.mark.parametrize("text", ["", "U__"])
def test_no_label(text):
    with pytest.raises(ApiError, match="invalid label name"):
        label_name(text)
