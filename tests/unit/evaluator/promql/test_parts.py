"""The smaller parts: matchers, analysis, numbers, sums, registries."""

import ast as python
import inspect
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.promql import PromqlError, Threshold, functions, parse, selectors, thresholds
from services.evaluator.promql.aggregations import AGGREGATIONS
from services.evaluator.promql.aggregations.rank import plain_number
from services.evaluator.promql.functions.labels import natural_key
from services.evaluator.promql.lexer import parse_duration, parse_number, quote, tokenize, unquote
from services.evaluator.promql.printer import format_duration, format_number
from services.evaluator.promql.rewrite import AGGREGATIONS as KNOWN
from services.evaluator.promql.storage import Matcher
from services.evaluator.promql.summation import exact_sum, group_sums, row_sums
from services.evaluator.promql.table import Table


@pytest.mark.parametrize(
    ("op", "value", "text", "matches"),
    [
        ("=", "a", "a", True),
        ("=", "", "", True),
        ("!=", "a", "b", True),
        ("!=", "a", "a", False),
        ("=~", "a|b", "b", True),
        ("=~", "a", "ab", False),
        ("=~", "a.b", "a\nb", True),
        ("=~", r"\pL+", "é", True),
        ("!~", "a.*", "abc", False),
        ("!~", "", "x", True),
    ],
)
def test_matchers(op, value, text, matches):
    assert Matcher("l", op, value).matches(text) is matches


def test_a_bad_regex_is_refused_with_its_reason():
    with pytest.raises(PromqlError, match="missing ]"):
        Matcher("l", "=~", "[").matches("x")


def test_selectors_tell_what_the_storage_must_hold():
    expr = parse('max_over_time(rate(a_total{x="1"}[5m] offset 1m)[1h:1m] offset 2m) > b or {__name__="c"} offset -1m')
    found = selectors(expr)
    assert [(item.name, item.range_ms, item.offset_ms) for item in found] == [
        ("a_total", 3_900_000, 180_000),
        ("b", 0, 0),
        ("c", 0, -60_000),
    ]
    assert found[0].matchers == (Matcher("__name__", "=", "a_total"), Matcher("x", "=", "1"))
    assert [item.name for item in selectors(parse("info(m)"))] == ["m", "target_info"]
    assert [item.name for item in selectors(parse('info(m, {data="x"})'))] == ["m", "target_info"]
    assert [item.name for item in selectors(parse('info(m, {__name__!="x"})'))] == ["m", None]
    assert selectors(parse('quantile(scalar(q), {__name__=~"x.*"})'))[1].name is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo > 5", [Threshold("foo", ">", 5.0)]),
        ("5 < foo", [Threshold("foo", ">", 5.0)]),
        ("(sum(rate(foo[5m])) >= (0.9))", [Threshold("sum(rate(foo[5m]))", ">=", 0.9)]),
        ("foo > 1 < 9", [Threshold("foo", ">", 1.0), Threshold("foo > 1", "<", 9.0)]),
        ("foo == bool 1 and bar != 2", [Threshold("foo", "==", 1.0), Threshold("bar", "!=", 2.0)]),
        ("a > 1 or b < 2 and c <= 3", [Threshold("a", ">", 1.0), Threshold("b", "<", 2.0), Threshold("c", "<=", 3.0)]),
        ("a < 3 unless a == 0", [Threshold("a", "<", 3.0)]),
        ("foo > bar", []),
        ("foo + 1", []),
        ("absent(foo)", []),
        ("foo < -1", [Threshold("foo", "<", -1.0)]),
    ],
)
def test_thresholds(text, expected):
    assert thresholds(parse(text)) == expected


@pytest.mark.parametrize(
    ("word", "value"),
    [("1h30m", 5400.0), ("500ms", 0.5), ("1y2w3d", 33004800.0), ("30m1h", None), ("1h1h", None), ("x", None)],
)
def test_durations_are_read(word, value):
    assert parse_duration(word) == value


@pytest.mark.parametrize(
    ("word", "value"), [("0x10", 16.0), ("1e3", 1000.0), ("5m", 300.0), ("08", 8.0), ("1_0", 10.0)]
)
def test_numbers_are_read(word, value):
    assert parse_number(word) == value


def test_numbers_that_are_none():
    assert parse_number("0xg") is None
    assert parse_number("..") is None
    assert math.isnan(parse_number("nan") or 0.0)


@given(st.floats())
def test_written_numbers_are_read_back(value):
    text = format_number(value)
    read = float(text)
    assert read == value or (math.isnan(read) and math.isnan(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1e20, "100000000000000000000"),
        (1.5e-5, "1.5e-05"),
        (5e-324, "5e-324"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_are_written_as_go_does(value, text):
    assert format_number(value) == text


@given(st.integers(1, 10**12))
def test_written_durations_are_read_back(ms):
    assert round((parse_duration(format_duration(ms / 1000)) or 0) * 1000) == ms


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_quoted_text_is_read_back(text):
    (token,) = tokenize(quote(text))
    assert unquote(token, quote(text)) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.5, "0.5"), (1e21, "1" + "0" * 21), (math.inf, "+Inf"), (-math.inf, "-Inf")]
)
def test_values_as_labels(value, text):
    assert plain_number(value) == text


def test_natural_order():
    assert sorted(["a10", "a2", "b", "1"], key=natural_key) == ["1", "a2", "a10", "b"]


FINITE = st.floats(-1e12, 1e12)
TRICKY = st.sampled_from([1e100, -1e100, 1.0, 1e16, -1e16, 1e-8])


@given(st.lists(st.one_of(FINITE, TRICKY), min_size=1, max_size=40))
def test_sums_are_right_to_the_last_digits(values):
    exact = float(sum(map(Fraction, values), Fraction(0)))
    assert exact_sum(values) == exact
    column = np.array(values)[:, None]
    grouping = Table([{"i": str(i)} for i in range(len(values))]).grouping((), without=False)
    for found in (row_sums(column.T, None)[0], float(group_sums(column, None, grouping)[0, 0])):
        assert math.isclose(found, exact, rel_tol=1e-12, abs_tol=1e-300)


def test_sums_beyond_the_range():
    assert exact_sum([1.7e308, 1.7e308]) == math.inf
    assert math.isnan(exact_sum([math.inf, -math.inf]))


def test_every_function_file_is_registered():
    folder = Path(inspect.getfile(functions)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    imported = {
        node.module.rpartition(".")[2]
        for node in python.walk(python.parse((folder / "__init__.py").read_text()))
        if isinstance(node, python.ImportFrom) and node.module
    } - {"base"}
    assert files == imported


def test_functions_are_named_once_and_explained():
    everything = [function for family in functions.FAMILIES for function in family]
    assert len(everything) == len(functions.FUNCTIONS)
    for function in everything:
        assert function.signature.startswith(f"{function.name}(")
        assert function.doc.endswith(".")


def test_the_rewriter_knows_every_aggregation():
    assert set(AGGREGATIONS) == KNOWN
