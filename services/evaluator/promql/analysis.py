"""What an expression asks of the storage, and the thresholds in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.evaluator.promql import ast
from services.evaluator.promql.durations import milliseconds
from services.evaluator.promql.info_choice import choice_of
from services.evaluator.promql.storage import Matcher

_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class Selected(NamedTuple):
    """A selector as the storage sees it; ranges of sub-queries around it are added to `range_ms` (0: look-back)."""

    name: str | None
    matchers: tuple[Matcher, ...]
    range_ms: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison with a number: `expr op value`, the expression as canonical text."""

    expr: str
    op: str
    value: float


def selectors(expr: ast.Expr) -> list[Selected]:
    """Return every selector of an expression, in the order of the text."""
    return list(_selectors(expr, 0, 0))


def _ms(duration: ast.Duration) -> int:
    return milliseconds(duration, step_s=0.0, range_s=0.0, positive=False)


def _selectors(expr: ast.Expr, range_ms: int, offset_ms: int) -> Iterator[Selected]:
    match expr:
        case ast.Selector():
            name = expr.name
            for matcher in expr.matchers:
                if matcher.name == "__name__" and matcher.op == "=":
                    name = matcher.value
            yield Selected(name, expr.matchers, range_ms, offset_ms + _ms(expr.offset))
        case ast.RangeSelector():
            yield from _selectors(expr.selector, range_ms + _ms(expr.window), offset_ms)
        case ast.Subquery():
            yield from _selectors(expr.expr, range_ms + _ms(expr.window), offset_ms + _ms(expr.offset))
        case ast.Call(name="info"):
            yield from _selectors(expr.args[0], range_ms, offset_ms)
            yield from _selectors(ast.Selector(None, choice_of(expr).matchers), range_ms, offset_ms)
        case _:
            for child in ast.children(expr):
                yield from _selectors(child, range_ms, offset_ms)


def thresholds(expr: ast.Expr) -> list[Threshold]:
    """Return the comparisons with a number at the top of an expression, on each side of and, or, and before unless.

    What stands after `unless` says when not to alert, so its number is no limit of the rule.
    """
    expr = ast.unwrap(expr)
    if not isinstance(expr, ast.Binary):
        return []
    if expr.op in ast.SET_OPERATORS:
        return thresholds(expr.lhs) + ([] if expr.op == "unless" else thresholds(expr.rhs))
    if expr.op not in ast.COMPARISONS:
        return []
    left, right = ast.unwrap(expr.lhs), ast.unwrap(expr.rhs)
    if isinstance(right, ast.Number):
        return [*thresholds(left), Threshold(left.text, expr.op, right.value)]
    if isinstance(left, ast.Number):
        return [*thresholds(right), Threshold(right.text, _MIRRORED[expr.op], left.value)]
    return []
