"""Which label sets have data at all, breaching or not: what tells missing data from recovery."""

from dataclasses import replace

from services.evaluator.promql import Expr, ast


def presence(expr: Expr) -> Expr | None:
    """Return an expression that keeps a label set as long as its data are there; None when that can't be told.

    Every comparison at the top of the expression (below `and`, `or`, and on the left of `unless`) becomes its `bool`
    form, which gives 0 or 1 in place of leaving elements out. An expression without such a comparison, like
    `absent(x)`, says the same with and without data.
    """
    changed, found = _rewrite(expr)
    return changed if found else None


def _rewrite(expr: Expr) -> tuple[Expr, bool]:
    match expr:
        case ast.Paren():
            inner, found = _rewrite(expr.expr)
            return replace(expr, expr=inner), found
        case ast.Binary(op=op) if op in ast.COMPARISONS and not expr.returns_bool:
            return replace(expr, returns_bool=True), True
        case ast.Binary(op="and" | "or"):
            left, found_left = _rewrite(expr.lhs)
            right, found_right = _rewrite(expr.rhs)
            return replace(expr, lhs=left, rhs=right), found_left or found_right
        case ast.Binary(op="unless"):
            return _rewrite(expr.lhs)
        case _:
            return expr, False
