"""Long expressions over several lines, in the shape that Prometheus' prettifier gives them."""

from services.evaluator.promql import ast
from services.evaluator.promql.printer import aggregate_head, binary_operator, place_of, subquery_window

LINE = 100
_INDENT = "  "


def pretty(expr: ast.Expr) -> str:
    """Return the canonical text, broken where a part is longer than 100 bytes."""
    return _pretty(expr, 0)


def _splits(expr: ast.Expr) -> bool:
    return len(expr.text.encode("utf-8", "surrogatepass")) > LINE


def _pretty(expr: ast.Expr, level: int) -> str:  # noqa: PLR0911  one return per kind of node
    indent = _INDENT * level
    if isinstance(expr, ast.Negation):
        return f"{indent}-{_pretty(expr.expr, level).strip()}"
    if not _splits(expr):
        # A sub-query that fits has no indentation in Prometheus either; its output is compared byte by byte.
        return expr.text if isinstance(expr, ast.Subquery) else indent + expr.text
    match expr:
        case ast.Aggregate():
            param = "" if expr.param is None else f"{_pretty(expr.param, level + 1)},\n"
            return f"{indent}{aggregate_head(expr)}(\n{param}{_pretty(expr.expr, level + 1)}\n{indent})"
        case ast.Binary():
            left, right = _pretty(expr.lhs, level + 1), _pretty(expr.rhs, level + 1)
            return f"{left}\n{indent}{binary_operator(expr)}\n{right}"
        case ast.Call():
            args = ",\n".join(_pretty(arg, level + 1) for arg in expr.args)
            return f"{indent}{expr.name}(\n{args}\n{indent})"
        case ast.Paren():
            return f"{indent}(\n{_pretty(expr.expr, level + 1)}\n{indent})"
        case ast.Subquery():
            return f"{_pretty(expr.expr, level)}{subquery_window(expr)}{place_of(expr)}"
        case _:
            return indent + expr.text
