import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.promql import PromqlError, ast, format_expr, parse, value_type
from services.evaluator.promql.rewrite import MAX_DEPTH, MAX_LENGTH
from services.evaluator.promql.storage import Matcher

CANONICAL = [
    "foo",
    'foo{a="b"}',
    'foo{a!="b",c=~"d.*",e!~"f"}',
    '{__name__=~"a.*"}',
    '{"with.dot"="x"}',
    "foo[5m]",
    "foo[1h30m] offset 5m",
    "foo offset -1w",
    "foo @ 1.500 offset 1m",
    "foo @ -1.000",
    "foo @ start()",
    "foo[5m:]",
    "foo[5m:30s] @ end() offset 2d",
    "rate(foo[100ms])",
    "-foo",
    "(foo)",
    "1 + 2 * 3",
    "2 ^ 3 ^ 2",
    "foo == bool 1",
    "foo and on (a, b) bar",
    "foo + ignoring (a) group_left (c) bar",
    "foo + on (a) group_right () bar",
    "foo + fill (0) bar",
    "foo + fill_left (1) fill_right (2.5) bar",
    "sum by (a) (foo)",
    "sum without () (foo)",
    'count_values by ("l.1") ("x", foo)',
    "topk(5, foo)",
    'label_replace(foo, "a", "\\\\$1", "b", "\\n\\"")',
    "foo[5m] anchored",
    "foo smoothed",
    "foo[step() * 2s]",
    "foo[(5m + 1m) / 2s]",
    "foo offset -min_of(5m, 1h)",
    "time()",
    "+Inf",
    "NaN",
    "0.0000001",
    "1000000000000000000000",
    "1h30m",
    "-5m",
    "123456",
    "0.0001",
    'info(foo, {a=~".*"})',
]


@pytest.mark.parametrize("text", CANONICAL)
def test_the_canonical_text_is_stable(text):
    assert format_expr(parse(text)) == text


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("SUM(foo) BY (a)", "sum by (a) (foo)"),
        ("foo{a='b',}", 'foo{a="b"}'),
        (r"foo{a=~`\d+`}", 'foo{a=~"\\\\d+"}'),
        ('{"foo"}', '{__name__="foo"}'),
        ("foo offset 0s", "foo"),
        ("foo[300]", "foo[5m]"),
        ("foo[90061s]", "foo[1d1h1m1s]"),
        ("foo[2w]", "foo[2w]"),
        ("foo[365d]", "foo[1y]"),
        ("1_000", "1000"),
        ("017", "15"),
        ("0x1f", "31"),
        ("3600s", "1h"),
        (".5", "0.5"),
        ("+5", "5"),
        ("- 5", "-5"),
        ("1e22", "10000000000000000000000"),
        ("1.048576e8", "104857600"),
        ('x{b="1",a="2"}', 'x{a="2",b="1"}'),
        ("inf", "+Inf"),
        ("# a note\nfoo # and more", "foo"),
        ("anchored", "anchored"),
        ("smoothed{a='b'}", 'smoothed{a="b"}'),
        ("bool", "bool"),
        ("sum", "sum"),
        ("rate", "rate"),
        ("on + on (on) offset", "on + on (on) offset"),
        ("foo + group_left", "foo + group_left"),
        ("foo[5m:1m]", "foo[5m:1m]"),
        ("foo{on='x'}", 'foo{on="x"}'),
        (r'"\a\b\f\r\t\v\\\"\101\x41\u00e9\U0001F600"', '"\\x07\\x08\\x0c\\r\\t\\x0b\\\\\\"AAé😀"'),
        (r'"\xff"', '"\\xff"'),
        ('"\u200b\U000e0001"', '"\\u200b\\U000e0001"'),
    ],
)
def test_other_spellings_have_the_same_canonical_text(written, canonical):
    assert parse(written).text == canonical


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("", (1, 1), "no expression"),
        ("foo bar", (1, 5), "operator is missing"),
        ("foo +", (1, 6), "end of input"),
        ("sum(foo", (1, 8), "unclosed '('"),
        ("foo)", (1, 4), "nothing is open"),
        ("* foo", (1, 1), "expression is missing"),
        ("and foo", (1, 1), "expression is missing"),
        ("foo{a=}", (1, 7), "quoted string"),
        ("foo{a}", (1, 6), "one of"),
        ("foo{1=}", (1, 5), "label name"),
        ("foo{a='b' c='d'}", (1, 11), "','"),
        ("foo{", (1, 5), "end of input"),
        ("foo{a:b='c'}", (1, 5), "colon"),
        ('foo{a="1" or b="2"}', (1, 11), "or"),
        ("foo{a=~'('}", (1, 8), "regexp"),
        ("foo{a=~'b++'}", (1, 8), "regexp"),
        ("foo\n  + {a=''}", (2, 5), "non-empty matcher"),
        ('foo{__name__="bar"}', (1, 1), "twice"),
        ("foo[", (1, 5), "end of input"),
        ("foo[]", (1, 5), "missing duration"),
        ("foo[5m", (1, 7), "']'"),
        ("foo[0]", (1, 1), "greater than 0"),
        ("foo[5x]", (1, 5), "bad number"),
        ("foo[5m 1m]", (1, 8), "']'"),
        ("foo[max_of 1]", (1, 12), "'('"),
        ("foo[max_of(1)]", (1, 13), "two durations"),
        ("foo[(1]", (1, 7), "')'"),
        ("foo[99999999999999999999]", (1, 5), "out of range"),
        ("foo offset", (1, 11), "end of input"),
        ("foo @", (1, 6), "timestamp"),
        ("foo @ x", (1, 7), "timestamp"),
        ("foo @ 1e30", (1, 7), "out of bounds"),
        ("foo @ NaN", (1, 7), "out of bounds"),
        ("foo @ start", (1, 12), "'('"),
        ('foo == "', (1, 8), "unterminated"),
        ("foo $ 1", (1, 5), "unexpected character"),
        ("foo + 5m30x", (1, 7), "bad number"),
        (r'"\q"', (1, 2), "escape"),
        (r"'\"'", (1, 2), "escape"),
        ("1m1h", (1, 1), "bad number"),
        ("rate(foo)", (1, 1), "matrix"),
        ("foo + rate(bar)", (1, 7), "matrix"),
        ("nothing(foo)", (1, 1), "unknown function"),
        ("sum by foo", (1, 8), "'('"),
        ("sum by (a) foo", (1, 12), "'('"),
        ("sum by (1) (foo)", (1, 9), "label name"),
        ("foo </ 1", (1, 5), "native histograms"),
        ("sum(foo) smoothed", (1, 10), "only be used with a selector"),
        ("foo[5m:1m] anchored", (1, 12), "only be used with a selector"),
        ("foo anchored smoothed", (1, 14), "cannot be used together"),
        ("foo + fill(x) bar", (1, 12), "bad number"),
        ("foo + fill((1)) bar", (1, 12), "takes a number"),
        ("foo and fill(1) bar", (1, 1), "set operators"),
        ('+"a"', (1, 1), "unary"),
        ("1 == 2", (1, 1), "BOOL"),
        ('"a" + 1', (1, 1), "binary expression"),
        ("foo @ 1 @ 2", (1, 1), "multiple times"),
    ],
)
def test_errors_say_where_and_what(text, place, part):
    with pytest.raises(PromqlError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == place
    assert part in caught.value.message
    assert str(caught.value).startswith(f"{place[0]}:{place[1]}: ")


def test_limits_on_length_and_depth():
    with pytest.raises(PromqlError, match="longer than"):
        parse("foo + " * MAX_LENGTH + "foo")
    for text in ("(" * (MAX_DEPTH + 1), "foo" + " + foo" * (MAX_DEPTH + 1), "-" * (MAX_DEPTH + 1) + "foo"):
        with pytest.raises(PromqlError, match="nested deeper"):
            parse(text)
    with pytest.raises(PromqlError, match="nested too deeply"):
        parse("foo[" + "(" * 200 + "1" + ")" * 200 + "]")
    assert parse("foo" + " + foo" * (MAX_DEPTH - 1)).text.count("+") == MAX_DEPTH - 1


def test_the_tree_has_what_the_text_says():
    expr = parse('sum by (job) (rate(errors_total{job=~"a|b"}[5m] @ 10 offset -30s)) > bool 0.5')
    assert isinstance(expr, ast.Binary)
    assert (expr.op, expr.returns_bool, expr.matching) == (">", True, None)
    assert isinstance(expr.lhs, ast.Aggregate)
    assert (expr.lhs.op, expr.lhs.grouping, expr.lhs.without) == ("sum", ("job",), False)
    call = expr.lhs.expr
    assert isinstance(call, ast.Call)
    window = call.args[0]
    assert isinstance(window, ast.RangeSelector)
    assert window.window == 300.0
    assert window.selector.name == "errors_total"
    assert window.selector.matchers == (Matcher("__name__", "=", "errors_total"), Matcher("job", "=~", "a|b"))
    assert window.selector.at == ast.At("time", 10_000)
    assert window.selector.offset == -30.0


def test_positions_are_those_of_the_text():
    expr = parse("foo +\n  sum(rate(bar[5m])) * (-3)")
    assert isinstance(expr, ast.Binary)
    product = expr.rhs
    assert isinstance(product, ast.Binary)
    assert isinstance(product.lhs, ast.Aggregate)
    call = product.lhs.expr
    assert isinstance(call, ast.Call)
    places = [expr.position, product.lhs.position, call.position, call.args[0].position, product.rhs.position]
    assert places == [(1, 1), (2, 3), (2, 7), (2, 12), (2, 24)]
    assert ast.unwrap(product.rhs).position == (2, 25)
    assert parse("-foo").position == (1, 1)
    assert parse('{a="b"}').position == (1, 1)
    assert parse("'x'").position == (1, 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("foo", "vector"),
        ("foo[5m]", "matrix"),
        ("foo[5m:]", "matrix"),
        ("1 + 2", "scalar"),
        ("1 + foo", "vector"),
        ("-(time())", "scalar"),
        ("'x'", "string"),
        ("sum(foo)", "vector"),
        ("vector(1)", "vector"),
        ("scalar(foo)", "scalar"),
    ],
)
def test_value_types(text, kind):
    assert value_type(parse(text)) == kind


@given(st.text(alphabet=st.sampled_from("foo sum()[]{}=~\"'`\\ 5m1h,+-*/:@.#\n_xe<>!"), max_size=40))
def test_any_text_gives_a_tree_or_a_placed_error(text):
    try:
        expr = parse(text)
    except PromqlError as problem:
        assert problem.line >= 1 or "regexp" in problem.message
    else:
        assert parse(expr.text).text == expr.text
