"""The expression tree: frozen nodes of our own, each with its place in the text."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from services.evaluator.promql.storage import Matcher

ValueType = Literal["vector", "matrix", "scalar", "string"]
Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]
Position = tuple[int, int]
NOWHERE: Position = (0, 0)

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, eq=False)
class Node:
    """What all nodes have: a place, and the canonical text, which is also the key of a tick's shared results."""

    position: Position = field(default=NOWHERE, kw_only=True)

    @cached_property
    def text(self) -> str:
        """The canonical text."""
        from services.evaluator.promql.printer import print_expr  # noqa: PLC0415  (the printer knows every node)

        return print_expr(self)


@dataclass(frozen=True, eq=False)
class DurationCall(Node):
    """`step()`, `range()`, `min_of(a, b)`, `max_of(a, b)` where a duration stands."""

    name: str
    args: "tuple[Duration, ...]" = ()


@dataclass(frozen=True, eq=False)
class DurationOp(Node):
    """Arithmetic of durations; a missing left side is a sign. `wrapped`: written in parentheses."""

    op: str
    lhs: "Duration | None"
    rhs: "Duration"
    wrapped: bool = False


Duration = float | DurationCall | DurationOp
"""Seconds, or an expression that gives them when the query's step and range are known."""


@dataclass(frozen=True)
class At:
    """The `@` modifier: a fixed time, or the start or end of the query."""

    kind: Literal["time", "start", "end"]
    t_ms: int = 0


@dataclass(frozen=True, eq=False)
class Number(Node):
    """A number; `duration`: written as a duration, in seconds."""

    value: float
    duration: bool = False


@dataclass(frozen=True, eq=False)
class String(Node):
    """A string literal, unquoted."""

    value: str


@dataclass(frozen=True, eq=False)
class Selector(Node):
    """An instant vector selector; `matchers` include the one on `__name__` that `name` stands for."""

    name: str | None
    matchers: tuple[Matcher, ...]
    offset: Duration = 0.0
    at: At | None = None
    extension: Literal["", "anchored", "smoothed"] = ""


@dataclass(frozen=True, eq=False)
class RangeSelector(Node):
    """A selector with a window."""

    selector: Selector
    window: Duration


@dataclass(frozen=True, eq=False)
class Subquery(Node):
    """An expression evaluated over a window; `step` None is the engine's default."""

    expr: "Expr"
    window: Duration
    step: Duration | None = None
    offset: Duration = 0.0
    at: At | None = None


@dataclass(frozen=True, eq=False)
class Negation(Node):
    """The unary minus."""

    expr: "Expr"


@dataclass(frozen=True)
class Matching:
    """How two vectors are joined; `fill_left`/`fill_right` stand in for a missing partner."""

    card: Cardinality = "one-to-one"
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, eq=False)
class Binary(Node):
    """An operator between two expressions; `matching` is None unless both sides are vectors."""

    op: str
    lhs: "Expr"
    rhs: "Expr"
    returns_bool: bool = False
    matching: Matching | None = None


@dataclass(frozen=True, eq=False)
class Aggregate(Node):
    """An aggregation; `grouping` are the labels of `by` or `without`."""

    op: str
    expr: "Expr"
    param: "Expr | None" = None
    grouping: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True, eq=False)
class Call(Node):
    """A function call; `arg_types` and `variadic` (how many may be left out, -1 is any number) are the function's."""

    name: str
    args: "tuple[Expr, ...]"
    arg_types: tuple[ValueType, ...] = ()
    variadic: int = 0


@dataclass(frozen=True, eq=False)
class Paren(Node):
    """Parentheses, kept for the text."""

    expr: "Expr"


Expr = Number | String | Selector | RangeSelector | Subquery | Negation | Binary | Aggregate | Call | Paren

SCALAR_FUNCTIONS = frozenset({"scalar", "time", "pi", "start", "end", "step", "range", "min_of", "max_of"})


def value_type(expr: Expr) -> ValueType:  # noqa: PLR0911  one return per kind of node
    """Return what the expression gives."""
    match expr:
        case Number():
            return "scalar"
        case String():
            return "string"
        case RangeSelector() | Subquery():
            return "matrix"
        case Paren() | Negation():
            return value_type(expr.expr)
        case Binary():
            return "scalar" if value_type(expr.lhs) == value_type(expr.rhs) == "scalar" else "vector"
        case Call():
            return "scalar" if expr.name in SCALAR_FUNCTIONS else "vector"
        case _:
            return "vector"


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the expressions directly below, in the order of the text."""
    match expr:
        case Paren() | Negation() | Subquery():
            return (expr.expr,)
        case RangeSelector():
            return (expr.selector,)
        case Binary():
            return (expr.lhs, expr.rhs)
        case Aggregate():
            return (expr.expr,) if expr.param is None else (expr.param, expr.expr)
        case Call():
            return expr.args
        case _:
            return ()


def unwrap(expr: Expr) -> Expr:
    """Return the expression without outer parentheses."""
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr
