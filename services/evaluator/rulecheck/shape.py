"""Which labels the result of an expression can have, as far as the text tells. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from services.evaluator.promql import Expr, Matcher, ast, value_type
from services.evaluator.rules.dead import Labels, Lookup

_NAME = "__name__"
_GROUPING_KEEPS = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


@dataclass(frozen=True, slots=True)
class Shape:
    """`some`: labels that each series has; `all`: the only ones that it may have (None: not known); `none`: it has not.

    `scraped` tells that nothing took labels away, so that a target's own (instance, job) are there.
    """

    some: frozenset[str] = frozenset()
    all: frozenset[str] | None = None
    none: frozenset[str] = frozenset()
    scraped: bool = False

    def lacks(self, label: str) -> bool:
        """Tell whether no series can have the label."""
        return label in self.none or (self.all is not None and label not in self.all)

    def without(self, labels: frozenset[str]) -> "Shape":
        """Return the shape after these labels were taken away."""
        return Shape(self.some - labels, None if self.all is None else self.all - labels, self.none | labels)

    def only(self, labels: frozenset[str]) -> "Shape":
        """Return the shape after all but these labels were taken away."""
        left = frozenset(one for one in labels if not self.lacks(one))
        return Shape(self.some & labels, left, frozenset())

    def plus(self, labels: frozenset[str]) -> "Shape":
        """Return the shape with labels that each series gets."""
        return Shape(
            self.some | labels, None if self.all is None else self.all | labels, self.none - labels, self.scraped
        )


OPEN = Shape()
EMPTY = Shape(all=frozenset())
Shapes = Mapping[str, Shape]
"""Shapes of recorded series by name."""


def shape_of(expr: Expr, recorded: Shapes) -> Shape:  # noqa: PLR0911 - one return per kind of node
    """Return the shape of a vector's series; a scalar's is empty."""
    match expr:
        case ast.Paren() | ast.Negation() | ast.Subquery():
            return shape_of(expr.expr, recorded)
        case ast.RangeSelector():
            return shape_of(expr.selector, recorded)
        case ast.Selector():
            return _selector(expr, recorded)
        case ast.Aggregate():
            return _aggregate(expr, recorded)
        case ast.Call():
            return _call(expr, recorded)
        case ast.Binary():
            return _binary(expr, recorded)
        case _:
            return EMPTY


def live_shapes(expr: Expr, lookup: Lookup, added: frozenset[str] = frozenset()) -> dict[str, Shape]:
    """Return by name the shapes of the metrics that the expression reads, as the series that there are show them.

    `added`: labels that every series gets when it is scraped. A metric without series is left out.
    """
    found: dict[str, Shape] = {}
    for selector in _selectors(expr):
        name = metric_name(selector)
        if name is not None and name not in found:
            shape = _of_series(lookup([Matcher(_NAME, "=", name)]), added)
            # Without any label it may be a metric of which a server knows no more than that it was scraped.
            if shape.all:
                found[name] = shape
    return found


def _selectors(expr: Expr) -> Iterator[ast.Selector]:
    if isinstance(expr, ast.Selector):
        yield expr
    for child in ast.children(expr):
        yield from _selectors(child)


def _of_series(series: Collection[Labels], added: frozenset[str]) -> Shape:
    names = {frozenset(labels) for labels in series}
    if not names:
        return EMPTY
    every, some = frozenset[str]().union(*names), frozenset.intersection(*names)
    gone = frozenset({_NAME})
    return Shape((some | added) - gone, (every | added) - gone)


def metric_name(selector: ast.Selector) -> str | None:
    """Return the one metric that a selector names, None where it may be several."""
    return next((one.value for one in selector.matchers if one.name == _NAME and one.op == "="), selector.name)


def _selector(selector: ast.Selector, recorded: Shapes) -> Shape:
    name = metric_name(selector)
    base = recorded.get(name or "", Shape(scraped=name is None or ":" not in name))
    some, none = set(base.some), set(base.none)
    for one in selector.matchers:
        if one.name != _NAME:
            (some if not _meets_empty(one) else none if one.op == "=" and not one.value else set()).add(one.name)
    return Shape(frozenset(some), base.all, frozenset(none), base.scraped)


def _meets_empty(matcher: Matcher) -> bool:
    return matcher.matches("")


def _aggregate(expr: ast.Aggregate, recorded: Shapes) -> Shape:
    inner = shape_of(expr.expr, recorded)
    if expr.op in _GROUPING_KEEPS:
        return inner
    labels = frozenset(expr.grouping)
    made = inner.without(labels) if expr.without else inner.only(labels)
    if expr.op == "count_values" and isinstance(expr.param, ast.String):
        return made.plus(frozenset({expr.param.value}))
    return made


def _call(expr: ast.Call, recorded: Shapes) -> Shape:
    vectors = [one for one in expr.args if value_type(one) in {"vector", "matrix"}]
    if expr.name in {"absent", "absent_over_time"}:
        equal = _equalities(vectors[0]) if vectors else frozenset[str]()
        return Shape(equal, equal)
    if not vectors or expr.name in {"vector", "scalar"}:
        return EMPTY
    inner = shape_of(vectors[0], recorded)
    if expr.name == "histogram_quantile":
        return inner.without(frozenset({"le"}))
    if expr.name in {"label_replace", "label_join"} and isinstance(expr.args[1], ast.String):
        # Its value may be empty, so the label may be there or not.
        made = expr.args[1].value
        known = None if inner.all is None else inner.all | {made}
        return Shape(inner.some - {made}, known, inner.none - {made}, inner.scraped)
    return OPEN if expr.name in {"info", "histogram_quantiles"} else inner


def _equalities(expr: Expr) -> frozenset[str]:
    while isinstance(expr, ast.Paren | ast.RangeSelector):
        expr = expr.expr if isinstance(expr, ast.Paren) else expr.selector
    if not isinstance(expr, ast.Selector):
        return frozenset()
    return frozenset(one.name for one in expr.matchers if one.op == "=" and one.name != _NAME and one.value)


def _binary(expr: ast.Binary, recorded: Shapes) -> Shape:
    left, right = shape_of(expr.lhs, recorded), shape_of(expr.rhs, recorded)
    if value_type(expr.lhs) == "scalar" or value_type(expr.rhs) == "scalar":
        return right if value_type(expr.lhs) == "scalar" else left
    if expr.op == "or":
        both = None if left.all is None or right.all is None else left.all | right.all
        lost = frozenset(one for one in left.none | right.none if left.lacks(one) and right.lacks(one))
        return Shape(left.some & right.some, both, lost)
    matching = expr.matching or ast.Matching()
    if expr.op in ast.SET_OPERATORS:
        return left
    if matching.card in {"many-to-one", "one-to-many"}:
        many, one = (left, right) if matching.card == "many-to-one" else (right, left)
        taken = frozenset(label for label in matching.include if not one.lacks(label))
        known = None if many.all is None else many.all | taken
        return Shape(many.some - frozenset(matching.include), known, many.none - taken, many.scraped)
    labels = frozenset(matching.labels)
    return left.only(labels) if matching.on else left.without(labels) if labels else left
