"""The canonical text of an expression, as Prometheus' own printer writes it."""

import math
from collections.abc import Sequence
from decimal import Decimal

from services.evaluator.promql import ast
from services.evaluator.promql.lexer import is_label_name, quote
from services.evaluator.promql.storage import Matcher

_UNITS_MS = (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_PLAIN = (1e-4, 1e21)  # numbers between these are written without an exponent
_YEAR_MS = 31_536_000_000


def print_expr(node: ast.Node) -> str:  # noqa: PLR0911  one return per kind of node
    """Return the canonical text of an expression or a duration expression."""
    match node:
        case ast.Number():
            return format_duration(node.value) if node.duration else plain_number(node.value)
        case ast.String():
            return quote(node.value)
        case ast.Selector():
            return _selector(node) + _modifiers(node)
        case ast.RangeSelector():
            extension = f" {node.selector.extension}" if node.selector.extension else ""
            return f"{_selector(node.selector)}[{format_duration(node.window)}]{extension}{place_of(node.selector)}"
        case ast.Subquery():
            return f"{node.expr.text}{subquery_window(node)}{place_of(node)}"
        case ast.Negation():
            return f"-{node.expr.text}"
        case ast.Paren():
            return f"({node.expr.text})"
        case ast.Binary():
            return f"{node.lhs.text} {binary_operator(node)} {node.rhs.text}"
        case ast.Aggregate():
            return _aggregate(node)
        case ast.Call():
            return f"{node.name}({', '.join(arg.text for arg in node.args)})"
        case ast.DurationCall() | ast.DurationOp():
            return format_duration(node)
        case _:
            raise TypeError(f"no text for {type(node).__name__}")


def plain_number(value: float) -> str:
    """Write a number with the fewest digits and no exponent."""
    if not math.isfinite(value):
        return format_number(value)
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def format_number(value: float) -> str:
    """Write a number as Go's `%v` does: shortest digits, exponent below 1e-4 and from 1e21."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    mantissa, _, exponent = text.partition("e")
    if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1]:
        if exponent:
            return f"{value:.0f}"
        return text.removesuffix(".0")
    return (
        f"{mantissa.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-').zfill(2)}"
    )


def format_duration(duration: ast.Duration) -> str:
    """Write a duration with the fewest units."""
    if isinstance(duration, ast.DurationCall):
        return f"{duration.name}({', '.join(format_duration(arg) for arg in duration.args)})"
    if isinstance(duration, ast.DurationOp):
        right = format_duration(duration.rhs)
        if duration.wrapped:
            return f"({right})"
        return (
            f"{duration.op}{right}"
            if duration.lhs is None
            else f"{format_duration(duration.lhs)} {duration.op} {right}"
        )
    left = abs(round(duration * 1000))
    if left == 0:
        return "0s"
    parts = ["-" if duration < 0 else ""]
    if left % _YEAR_MS == 0:
        return f"{parts[0]}{left // _YEAR_MS}y"
    for unit, size in _UNITS_MS:
        count, rest = divmod(left, size)
        if count and not (unit == "w" and rest):
            parts.append(f"{count}{unit}")
            left = rest
    return "".join(parts)


def format_label(name: str) -> str:
    """Write a label name, quoted where it must be."""
    return name if is_label_name(name) else quote(name)


def _matcher(matcher: Matcher) -> str:
    return f"{format_label(matcher.name)}{matcher.op}{quote(matcher.value)}"


def _selector(node: ast.Selector) -> str:
    rest = node.matchers if node.name is None else node.matchers[1:]
    parts = sorted(_matcher(matcher) for matcher in rest)
    return (node.name or "") + (f"{{{','.join(parts)}}}" if parts or node.name is None else "")


def _modifiers(node: ast.Selector) -> str:
    return (f" {node.extension}" if node.extension else "") + place_of(node)


def place_of(node: ast.Selector | ast.Subquery) -> str:
    """Write `@` and `offset`."""
    text = ""
    if node.at is not None:
        text = f" @ {node.at.t_ms / 1000:.3f}" if node.at.kind == "time" else f" @ {node.at.kind}()"
    if node.offset != 0.0:
        text += f" offset {format_duration(node.offset)}"
    return text


def _labels(names: Sequence[str]) -> str:
    return f"({', '.join(format_label(name) for name in names)})"


def subquery_window(node: ast.Subquery) -> str:
    """Write the window and step of a sub-query."""
    step = "" if node.step is None else format_duration(node.step)
    return f"[{format_duration(node.window)}:{step}]"


def binary_operator(node: ast.Binary) -> str:
    """Write an operator with all that modifies it."""
    parts = [node.op + (" bool" if node.returns_bool else "")]
    matching = node.matching
    if matching is not None:
        grouped = matching.card in {"many-to-one", "one-to-many"}
        if matching.on or matching.labels or grouped:
            parts.append(f"{'on' if matching.on else 'ignoring'} {_labels(matching.labels)}")
        if grouped:
            side = "group_left" if matching.card == "many-to-one" else "group_right"
            parts.append(f"{side} {_labels(matching.include)}")
        parts.extend(_fills(matching))
    return " ".join(parts)


def _fills(matching: ast.Matching) -> list[str]:
    left, right = matching.fill_left, matching.fill_right
    if left is not None and left == right:
        return [f"fill ({format_number(left)})"]
    sides = (("fill_left", left), ("fill_right", right))
    return [f"{word} ({format_number(value)})" for word, value in sides if value is not None]


def aggregate_head(node: ast.Aggregate) -> str:
    """Write an aggregation's operator and labels."""
    if not node.without and not node.grouping:
        return node.op
    return f"{node.op} {'without' if node.without else 'by'} {_labels(node.grouping)} "


def _aggregate(node: ast.Aggregate) -> str:
    param = "" if node.param is None else f"{node.param.text}, "
    return f"{aggregate_head(node)}({param}{node.expr.text})"
