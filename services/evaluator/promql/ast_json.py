"""The expression tree as Prometheus' `/api/v1/parse_query` gives it."""

from typing import Any

from services.evaluator.promql import ast
from services.evaluator.promql.durations import milliseconds
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.printer import plain_number
from services.evaluator.promql.storage import Matcher

Json = dict[str, Any]


def ast_json(expr: ast.Expr) -> Json:  # noqa: PLR0911  one return per kind of node
    """Return the tree as an object for JSON; durations are milliseconds, 0 where they depend on the query's step."""
    match expr:
        case ast.Number():
            return {"type": "numberLiteral", "val": plain_number(expr.value)}
        case ast.String():
            return {"type": "stringLiteral", "val": expr.value}
        case ast.Paren():
            return {"type": "parenExpr", "expr": ast_json(expr.expr)}
        case ast.Negation():
            return {"type": "unaryExpr", "op": "-", "expr": ast_json(expr.expr)}
        case ast.Selector():
            return {"type": "vectorSelector", **_selector(expr)}
        case ast.RangeSelector():
            return {"type": "matrixSelector", "range": _ms(expr.window), **_selector(expr.selector)}
        case ast.Subquery():
            step = 0 if expr.step is None else _ms(expr.step)
            inner = ast_json(expr.expr)
            return {"type": "subquery", "expr": inner, "range": _ms(expr.window), "step": step, **_place(expr)}
        case ast.Call():
            return _call(expr)
        case ast.Aggregate():
            return _aggregate(expr)
        case ast.Binary():
            return _binary(expr)


def _ms(duration: ast.Duration) -> int:
    try:
        return milliseconds(duration, step_s=0.0, range_s=0.0, positive=False)
    except EvaluationError:
        return 0


def _place(node: ast.Selector | ast.Subquery) -> Json:
    at = node.at
    return {
        "offset": _ms(node.offset),
        "timestamp": at.t_ms if at is not None and at.kind == "time" else None,
        "startOrEnd": at.kind if at is not None and at.kind != "time" else None,
    }


def _selector(node: ast.Selector) -> Json:
    matchers = node.matchers if node.name is None else (*node.matchers[1:], node.matchers[0])
    return {
        "name": node.name or "",
        "matchers": [_matcher(matcher) for matcher in matchers],
        **_place(node),
        "anchored": node.extension == "anchored",
        "smoothed": node.extension == "smoothed",
    }


def _matcher(matcher: Matcher) -> Json:
    return {"name": matcher.name, "value": matcher.value, "type": matcher.op}


def _call(node: ast.Call) -> Json:
    function = {
        "name": node.name,
        "argTypes": list(node.arg_types),
        "variadic": node.variadic,
        "returnType": ast.value_type(node),
    }
    return {"type": "call", "func": function, "args": [ast_json(arg) for arg in node.args]}


def _aggregate(node: ast.Aggregate) -> Json:
    return {
        "type": "aggregation",
        "op": node.op,
        "expr": ast_json(node.expr),
        "param": None if node.param is None else ast_json(node.param),
        "grouping": list(node.grouping),
        "without": node.without,
    }


def _binary(node: ast.Binary) -> Json:
    matching = node.matching
    return {
        "type": "binaryExpr",
        "op": node.op,
        "lhs": ast_json(node.lhs),
        "rhs": ast_json(node.rhs),
        "matching": None
        if matching is None
        else {
            "card": matching.card,
            "labels": list(matching.labels),
            "on": matching.on,
            "include": list(matching.include),
            "fillValues": {"lhs": matching.fill_left, "rhs": matching.fill_right},
        },
        "bool": node.returns_bool,
    }
