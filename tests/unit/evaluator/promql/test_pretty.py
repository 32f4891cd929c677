import json

import pytest

from services.evaluator.promql import ast_json, parse, pretty

LONG = "a_metric_with_quite_a_long_name_for_a_test"


def test_what_fits_a_line_stays_on_it():
    assert pretty(parse("sum(rate(x[5m]))by(a)>1")) == "sum by (a) (rate(x[5m])) > 1"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            f"sum by (a)({LONG}) / on (a) group_left (b) sum by (a, b) ({LONG}_total) > bool 0.5",
            [
                f"    sum by (a) ({LONG})",
                "  / on (a) group_left (b)",
                f"    sum by (a, b) ({LONG}_total)",
                "> bool",
                "  0.5",
            ],
        ),
        (
            f'topk(5, rate({LONG}{{job="j",a="b"}}[5m]) + {LONG}{LONG})',
            ["topk(", "  5,", f'    rate({LONG}{{a="b",job="j"}}[5m])', "  +", f"    {LONG}{LONG}", ")"],
        ),
        (
            f'label_replace({LONG}{LONG}, "a", "$1", "b", "(.*)_with_more_text")',
            ["label_replace(", f"  {LONG}{LONG},", '  "a",', '  "$1",', '  "b",', '  "(.*)_with_more_text"', ")"],
        ),
        (f"-({LONG}{LONG} + {LONG})", ["-(", f"    {LONG}{LONG}", "  +", f"    {LONG}", ")"]),
        (
            f"max_over_time((sum({LONG}) + sum({LONG}{LONG}))[1h:5m] offset 5m)",
            [
                "max_over_time(",
                "  (",
                f"      sum({LONG})",
                "    +",
                f"      sum({LONG}{LONG})",
                "  )[1h:5m] offset 5m",
                ")",
            ],
        ),
        # As Prometheus has it: a sub-query that fits stands without indentation.
        (
            f"quantile_over_time(0.5, {LONG}{LONG}[1h:5m])",
            ["quantile_over_time(", "  0.5,", f"{LONG}{LONG}[1h:5m]", ")"],
        ),
        (f"{LONG}{LONG}{LONG}", [f"{LONG}{LONG}{LONG}"]),
    ],
)
def test_long_expressions_are_broken(text, lines):
    assert pretty(parse(text)).splitlines() == lines
    assert parse(pretty(parse(text))).text == parse(text).text


NAME = {"name": "__name__", "value": "m", "type": "="}
PLACE = {"offset": 0, "timestamp": None, "startOrEnd": None}
SELECTOR = {"name": "m", "matchers": [NAME], **PLACE, "anchored": False, "smoothed": False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e21", {"type": "numberLiteral", "val": "1000000000000000000000"}),
        ("-Inf", {"type": "numberLiteral", "val": "-Inf"}),
        ("NaN", {"type": "numberLiteral", "val": "NaN"}),
        ("'a'", {"type": "stringLiteral", "val": "a"}),
        ("(1)", {"type": "parenExpr", "expr": {"type": "numberLiteral", "val": "1"}}),
        ("m", {"type": "vectorSelector", **SELECTOR}),
        ("-m", {"type": "unaryExpr", "op": "-", "expr": {"type": "vectorSelector", **SELECTOR}}),
        ("m @ 60 offset -1m", {"type": "vectorSelector", **SELECTOR, "timestamp": 60_000, "offset": -60_000}),
        ("m @ end()", {"type": "vectorSelector", **SELECTOR, "startOrEnd": "end"}),
        (
            'm{a!~"b"}[5m] smoothed',
            {
                "type": "matrixSelector",
                "range": 300_000,
                **SELECTOR,
                "smoothed": True,
                "matchers": [{"name": "a", "value": "b", "type": "!~"}, NAME],
            },
        ),
        ("m[step() / 0]", {"type": "matrixSelector", "range": 0, **SELECTOR}),
        (
            "m[1h:]",
            {
                "type": "subquery",
                "expr": {"type": "vectorSelector", **SELECTOR},
                "range": 3_600_000,
                "step": 0,
                **PLACE,
            },
        ),
        (
            "sum without (a) (m)",
            {
                "type": "aggregation",
                "op": "sum",
                "expr": {"type": "vectorSelector", **SELECTOR},
                "param": None,
                "grouping": ["a"],
                "without": True,
            },
        ),
        (
            "round(m)",
            {
                "type": "call",
                "func": {"name": "round", "argTypes": ["vector", "scalar"], "variadic": 1, "returnType": "vector"},
                "args": [{"type": "vectorSelector", **SELECTOR}],
            },
        ),
        (
            "1 < bool m",
            {
                "type": "binaryExpr",
                "op": "<",
                "lhs": {"type": "numberLiteral", "val": "1"},
                "rhs": {"type": "vectorSelector", **SELECTOR},
                "matching": None,
                "bool": True,
            },
        ),
        (
            "m + on (a) group_left (b) m",
            {
                "type": "binaryExpr",
                "op": "+",
                "lhs": {"type": "vectorSelector", **SELECTOR},
                "rhs": {"type": "vectorSelector", **SELECTOR},
                "matching": {
                    "card": "many-to-one",
                    "labels": ["a"],
                    "on": True,
                    "include": ["b"],
                    "fillValues": {"lhs": None, "rhs": None},
                },
                "bool": False,
            },
        ),
    ],
)
def test_the_tree_as_json(text, expected):
    found = ast_json(parse(text))
    assert found == expected
    json.dumps(found)


def test_a_parameter_is_part_of_the_tree():
    assert ast_json(parse("topk(3, m)"))["param"] == {"type": "numberLiteral", "val": "3"}
