"""From text to the expression tree: promql-parser between our rewriter and our own checks."""

from typing import TYPE_CHECKING, Any

import promql_parser as library

from services.evaluator.promql import ast
from services.evaluator.promql.errors import PromqlError
from services.evaluator.promql.rewrite import Rewritten, rewrite
from services.evaluator.promql.storage import Matcher, MatchOp, compile_regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_MATCH_OPS: dict[str, MatchOp] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_CARDS: dict[str, ast.Cardinality] = {
    "VectorMatchCardinality.OneToOne": "one-to-one",
    "VectorMatchCardinality.ManyToOne": "many-to-one",
    "VectorMatchCardinality.OneToMany": "one-to-many",
    "VectorMatchCardinality.ManyToMany": "many-to-many",
}

_VALUE_TYPES: dict[str, ast.ValueType] = {
    "ValueType.Vector": "vector",
    "ValueType.Matrix": "matrix",
    "ValueType.Scalar": "scalar",
    "ValueType.String": "string",
}


def parse(text: str) -> ast.Expr:
    """Parse an expression. Raises PromqlError with message, line and column."""
    rewritten = rewrite(text)
    try:
        tree = library.parse(rewritten.text)
    except Exception as problem:  # noqa: BLE001  the library documents no error type; the text is all it gives
        raise _translate(str(problem), rewritten) from None
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":
            raise
        raise PromqlError(f"the expression cannot be parsed: {problem}", 1, 1) from None
    return _Converter(rewritten).convert(tree)


def _translate(message: str, rewritten: Rewritten) -> PromqlError:
    if message == "invalid promql query":
        message = "unexpected token; check operators, parentheses and modifiers"
    if message.startswith(("unknown function", "expected type", "expected at", "incorrect number", "wrong number")):
        for index in rewritten.calls:
            name = rewritten.tokens[index - 1].text
            if f"'{name}'" in message or f"{name}(" in message:
                return PromqlError(message, *rewritten.position(index))
    return PromqlError(message, 1, 1)


class _Converter:
    def __init__(self, rewritten: Rewritten) -> None:
        self.source = rewritten
        self.calls: Iterator[int] = iter(rewritten.calls)
        self.parens: Iterator[int] = iter(rewritten.parens)
        self.empty_allowed = False  # inside info(), whose second argument only names labels

    def convert(self, node: Any) -> ast.Expr:
        return getattr(self, "_" + type(node).__name__.lower())(node)  # type: ignore[no-any-return]  # by name

    def _numberliteral(self, node: Any) -> ast.Expr:
        index = abs(int(node.val))
        sign = -1.0 if node.val < 0 else 1.0
        start = index
        while start > 1 and self.source.tokens[start - 2].text == "-" and sign < 0 and start == index:
            start -= 1
        duration = self.source.tokens[index - 1].kind == "duration"
        return ast.Number(sign * self.source.numbers[index], duration, position=self.source.position(start))

    def _stringliteral(self, node: Any) -> ast.Expr:
        index = int(node.val)
        return ast.String(self.source.strings[index], position=self.source.position(index))

    def _parenexpr(self, node: Any) -> ast.Expr:
        place = self.source.position(next(self.parens))
        return ast.Paren(self.convert(node.expr), position=place)

    def _unaryexpr(self, node: Any) -> ast.Expr:
        inner = self.convert(node.expr)
        line, column = inner.position
        return ast.Negation(inner, position=(line, max(1, column - 1)))

    def _vectorselector(self, node: Any) -> ast.Selector:
        matchers, name, index = [], None, 0
        if node.name is not None:
            index = int(node.name[1:])
            name = self.source.names[index]
            matchers.append(Matcher("__name__", "=", name))
        for item in node.matchers.matchers:
            if item.name == "__t":
                index = int(item.value)
                continue
            matchers.append(self._matcher(item))
        place = self.source.position(index)
        self._check_selector(matchers, name, place)
        return ast.Selector(
            name,
            tuple(matchers),
            offset=self._offset(node.offset),
            at=self._at(node),
            extension=self.source.extensions.get(index, ""),  # type: ignore[arg-type]  # one of the two words
            position=place,
        )

    def _matcher(self, item: Any) -> Matcher:
        op = _MATCH_OPS[str(item.op)]
        value_index = int(item.value)
        value = self.source.strings[value_index]
        if op in {"=~", "!~"}:
            try:
                compile_regex(value)
            except PromqlError as problem:
                raise PromqlError(problem.message, *self.source.position(value_index)) from None
        return Matcher(self._label(item.name), op, value)

    def _label(self, name: str) -> str:
        return self.source.strings[int(name)] if name.isdigit() else name

    def _check_selector(self, matchers: list[Matcher], name: str | None, place: ast.Position) -> None:
        names = [matcher for matcher in matchers if matcher.name == "__name__"]
        if name is not None and len(names) > 1:
            raise PromqlError(f"metric name must not be set twice: {name!r} or {names[1].value!r}", *place)
        if not self.empty_allowed and all(matcher.matches("") for matcher in matchers):
            raise PromqlError("vector selector must contain at least one non-empty matcher", *place)

    def _offset(self, offset: Any) -> ast.Duration:
        if offset is None:
            return 0.0
        return self.source.durations[abs(round(offset.total_seconds()))]

    def _at(self, node: Any) -> ast.At | None:
        if node.at is None:
            return None
        kind = str(node.at.type)
        if kind == "AtModifierType.At":
            return ast.At("time", round(self.source.numbers[round(node.at.at.timestamp())] * 1000))
        return ast.At("start" if kind == "AtModifierType.Start" else "end")

    def _matrixselector(self, node: Any) -> ast.Expr:
        selector = self._vectorselector(node.vector_selector)
        window = self._duration(node.range)
        if isinstance(window, float) and window <= 0:
            raise PromqlError("duration must be greater than 0", *selector.position)
        return ast.RangeSelector(selector, window, position=selector.position)

    def _duration(self, delta: Any) -> ast.Duration:
        return self.source.durations[round(delta.total_seconds())]

    def _subqueryexpr(self, node: Any) -> ast.Expr:
        inner = self.convert(node.expr)
        return ast.Subquery(
            inner,
            self._duration(node.range),
            None if node.step is None else self._duration(node.step),
            offset=self._offset(node.offset),
            at=self._at(node),
            position=inner.position,
        )

    def _binaryexpr(self, node: Any) -> ast.Expr:
        op, modifier = str(node.op), node.modifier
        lhs, rhs = self.convert(node.lhs), self.convert(node.rhs)
        both = ast.value_type(lhs) == ast.value_type(rhs) == "vector"
        matching = None
        if both:
            matching = self._matching(op, modifier, lhs.position)
        returns_bool = modifier is not None and modifier.return_bool
        return ast.Binary(op, lhs, rhs, returns_bool=returns_bool, matching=matching, position=lhs.position)

    def _matching(self, op: str, modifier: Any, place: ast.Position) -> ast.Matching:
        default: ast.Cardinality = "many-to-many" if op in ast.SET_OPERATORS else "one-to-one"
        if modifier is None:
            return ast.Matching(default)
        labels = modifier.matching
        fills = modifier.fill_values
        left, right = (self._fill(fills.lhs), self._fill(fills.rhs)) if fills is not None else (None, None)
        if op in ast.SET_OPERATORS and (left is not None or right is not None):
            raise PromqlError("filling in missing series not allowed for set operators", *place)
        return ast.Matching(
            default if op in ast.SET_OPERATORS else _CARDS[str(modifier.card)],
            on=labels is not None and str(labels.type).endswith("Include"),
            labels=() if labels is None else tuple(self._label(name) for name in labels.labels),
            include=tuple(self._label(name) for name in modifier.group_labels or ()),
            fill_left=left,
            fill_right=right,
        )

    def _fill(self, value: float | None) -> float | None:
        if value is None:
            return None
        found = self.source.numbers[abs(int(value))]
        return -found if value < 0 else found

    def _aggregateexpr(self, node: Any) -> ast.Expr:
        place = self.source.position(next(self.calls))
        param = None if node.param is None else self.convert(node.param)
        modifier = node.modifier
        return ast.Aggregate(
            str(node.op),
            self.convert(node.expr),
            param,
            grouping=() if modifier is None else tuple(self._label(name) for name in modifier.labels),
            without=modifier is not None and str(modifier.type).endswith("Without"),
            position=place,
        )

    def _call(self, node: Any) -> ast.Expr:
        place = self.source.position(next(self.calls))
        outer, self.empty_allowed = self.empty_allowed, node.func.name == "info"
        try:
            args = tuple(self.convert(arg) for arg in node.args)
            types = tuple(_VALUE_TYPES[str(one)] for one in node.func.arg_types)
            return ast.Call(node.func.name, args, types, node.func.variadic, position=place)
        finally:
            self.empty_allowed = outer
