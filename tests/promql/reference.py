"""A deliberately naive PromQL: one series, one step and one sample at a time, written to be read, not to be fast.

It knows enough to check the engine on random expressions: selectors with offset, the rate family, *_over_time,
arithmetic, comparison, set operators, matching on labels, and aggregations. A vector is a dict of label sets.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.storage import STALE_BITS
from tests.promql.memory import MemoryStorage

Key = frozenset[tuple[str, str]]
Vector = dict[Key, float]
Points = list[tuple[int, float]]
LOOKBACK_MS = 300_000


class NaiveError(Exception):
    """The expression has no result."""


def is_stale(value: float) -> bool:
    return int(np.float64(value).view(np.int64)) == STALE_BITS


def unnamed(vector: Vector) -> Vector:
    out: Vector = {}
    for key, value in vector.items():
        bare = frozenset(item for item in key if item[0] != "__name__")
        if bare in out:
            raise NaiveError("same labelset")
        out[bare] = value
    return out


def total(values: list[float]) -> float:
    if all(math.isfinite(value) for value in values):
        try:
            return float(sum(map(Fraction, values), Fraction(0)))
        except OverflowError:
            return math.inf if sum(map(Fraction, values), Fraction(0)) > 0 else -math.inf
    return sum(values)


def mean(values: list[float]) -> float:
    if all(math.isfinite(value) for value in values):
        return float(sum(map(Fraction, values), Fraction(0)) / len(values))
    return sum(values) / len(values)


def lowest(values: list[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def highest(values: list[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def extrapolated(points: Points, start: int, end: int, *, counter: bool, per_second: bool) -> float | None:
    if len(points) < 2:
        return None
    change = points[-1][1] - points[0][1]
    if counter:
        change += sum(a for (_, a), (_, b) in pairwise(points) if b < a)
    sampled = (points[-1][0] - points[0][0]) / 1000
    spacing = sampled / (len(points) - 1)
    before, after = (points[0][0] - start) / 1000, (end - points[-1][0]) / 1000
    if before >= spacing * 1.1:
        before = spacing / 2
    if counter and change > 0 and points[0][1] >= 0:
        before = min(before, sampled * (points[0][1] / change))
    if after >= spacing * 1.1:
        after = spacing / 2
    out = change * ((sampled + before + after) / sampled)
    return out / ((end - start) / 1000) if per_second else out


def on_line(before: tuple[int, float], after: tuple[int, float], t: int, *, counter: bool) -> float:
    low = 0.0 if counter and after[1] < before[1] else before[1]
    return low + (after[1] - low) * ((t - before[0]) / (after[0] - before[0]))


def between_edges(points: Points, start: int, end: int, *, smoothed: bool, counter: bool) -> Points:
    """The window's samples between two on its edges; none where there is no sample after the start."""
    earlier, later = [p for p in points if p[0] <= start], [p for p in points if p[0] >= end]
    inner = [p for p in points if start < p[0] < end]
    seen = inner + later[:1] if smoothed else [p for p in points if p[0] > start]
    if not seen or (smoothed and not earlier and not inner and later[0][0] > end):
        return []
    left, right = (earlier[-1] if earlier else seen[0])[1], seen[-1][1]
    if smoothed and earlier and earlier[-1][0] < start:
        left = on_line(earlier[-1], seen[0], start, counter=counter)
    if smoothed and later and later[0][0] > end:
        right = on_line((earlier[-1:] + inner)[-1], later[0], end, counter=counter)
    return [(start, left), *inner, (end, right)]


def changes(points: Points) -> float:
    values = [value for _, value in points]
    pairs = pairwise(values)
    return float(sum(1 for a, b in pairs if a != b and not (math.isnan(a) and math.isnan(b))))


OVER_TIME: dict[str, Callable[[Points], float]] = {
    "sum_over_time": lambda points: total([v for _, v in points]),
    "avg_over_time": lambda points: mean([v for _, v in points]),
    "min_over_time": lambda points: lowest([v for _, v in points]),
    "max_over_time": lambda points: highest([v for _, v in points]),
    "count_over_time": lambda points: float(len(points)),
    "last_over_time": lambda points: points[-1][1],
    "present_over_time": lambda points: 1.0,
    "changes": changes,
    "resets": lambda points: float(sum(1 for (_, a), (_, b) in pairwise(points) if b < a)),
}
FOLDS: dict[str, Callable[[list[float]], float]] = {
    "sum": total,
    "avg": mean,
    "min": lowest,
    "max": highest,
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
}


def divide(a: float, b: float) -> float:
    return float(np.float64(a) / np.float64(b))


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


@dataclass
class Naive:
    storage: MemoryStorage

    def value(self, expr: ast.Expr, t: int) -> Vector | float:
        with np.errstate(all="ignore"):
            return self._value(expr, t)

    def _value(self, expr: ast.Expr, t: int) -> Vector | float:
        match expr:
            case ast.Number():
                return expr.value
            case ast.Paren():
                return self._value(expr.expr, t)
            case ast.Selector():
                return self._instant(expr, t)
            case ast.Call():
                return self._call(expr, t)
            case ast.Aggregate():
                return self._aggregate(expr, t)
            case ast.Binary():
                return self._binary(expr, self._value(expr.lhs, t), self._value(expr.rhs, t))
        raise NotImplementedError(type(expr).__name__)

    def _series(self, node: ast.Selector) -> dict[Key, dict[int, float]]:
        return {
            key: cells
            for key, cells in self.storage.series.items()
            if all(matcher.matches(dict(key).get(matcher.name, "")) for matcher in node.matchers)
        }

    def _instant(self, node: ast.Selector, t: int) -> Vector:
        assert isinstance(node.offset, float)
        t -= round(node.offset * 1000)
        out: Vector = {}
        for key, cells in self._series(node).items():
            newest = max((at for at in cells if t - LOOKBACK_MS < at <= t), default=None)
            if newest is not None and not is_stale(cells[newest]):
                out[key] = cells[newest]
        return out

    def _windows(self, node: ast.Expr, t: int, *, counter: bool = False) -> tuple[dict[Key, Points], int, int]:
        if isinstance(node, ast.Subquery):
            return self._subquery(node, t)
        assert isinstance(node, ast.RangeSelector)
        assert isinstance(node.window, float)
        assert isinstance(node.selector.offset, float)
        end = t - round(node.selector.offset * 1000)
        start = end - round(node.window * 1000)
        word, found = node.selector.extension, {}
        before, after = LOOKBACK_MS if word else 0, LOOKBACK_MS if word == "smoothed" else 0
        for key, cells in self._series(node.selector).items():
            points = [
                (at, v) for at, v in sorted(cells.items()) if start - before < at <= end + after and not is_stale(v)
            ]
            if word:
                points = between_edges(points, start, end, smoothed=word == "smoothed", counter=counter)
            if points:
                found[key] = points
        return found, start, end

    def _subquery(self, node: ast.Subquery, t: int) -> tuple[dict[Key, Points], int, int]:
        assert isinstance(node.window, float)
        assert isinstance(node.step, float)
        start, step = t - round(node.window * 1000), round(node.step * 1000)
        found: dict[Key, Points] = {}
        for at in range((start // step + 1) * step, t + 1, step):
            vector = self._value(node.expr, at)
            assert isinstance(vector, dict)
            for key, value in vector.items():
                found.setdefault(key, []).append((at, value))
        return found, start, t

    def _call(self, node: ast.Call, t: int) -> Vector:
        counter = node.name in {"rate", "increase"}
        windows, start, end = self._windows(node.args[0], t, counter=counter)
        edges = isinstance(node.args[0], ast.RangeSelector) and node.args[0].selector.extension
        out: Vector = {}
        for key, points in windows.items():
            value: float | None
            if node.name in OVER_TIME:
                value = OVER_TIME[node.name](points)
            elif edges:
                value = points[-1][1] - points[0][1]
                value += sum(a for (_, a), (_, b) in pairwise(points) if counter and b < a)
                value /= (end - start) / 1000 if node.name == "rate" else 1
            else:
                per_second = node.name == "rate"
                value = extrapolated(points, start, end, counter=counter, per_second=per_second)
            if value is not None:
                out[key] = value
        return out if node.name == "last_over_time" else unnamed(out)

    def _aggregate(self, node: ast.Aggregate, t: int) -> Vector:
        vector = self._value(node.expr, t)
        assert isinstance(vector, dict)
        groups: dict[Key, list[float]] = {}
        for key, value in vector.items():
            if node.without:
                group = frozenset(item for item in key if item[0] not in {*node.grouping, "__name__"})
            else:
                group = frozenset(item for item in key if item[0] in node.grouping)
            groups.setdefault(group, []).append(value)
        return {group: FOLDS[node.op](values) for group, values in groups.items()}

    def _binary(self, node: ast.Binary, left: Vector | float, right: Vector | float) -> Vector | float:
        if isinstance(left, dict) and isinstance(right, dict):
            return self._sets(node, left, right) if node.op in ast.SET_OPERATORS else self._join(node, left, right)
        if isinstance(left, dict):
            assert isinstance(right, float)
            return self._scalar(node, left, lambda value: (value, right))
        if isinstance(right, dict):
            return self._scalar(node, right, lambda value: (left, value))
        if node.op in COMPARISONS:
            return float(COMPARISONS[node.op](left, right))
        return OPERATORS[node.op](left, right)

    def _scalar(self, node: ast.Binary, vector: Vector, pair: Callable[[float], tuple[float, float]]) -> Vector:
        if node.op in COMPARISONS:
            held = {key: COMPARISONS[node.op](*pair(value)) for key, value in vector.items()}
            if node.returns_bool:
                return unnamed({key: float(holds) for key, holds in held.items()})
            return {key: value for key, value in vector.items() if held[key]}
        return unnamed({key: OPERATORS[node.op](*pair(value)) for key, value in vector.items()})

    def _signature(self, node: ast.Binary, key: Key) -> Key:
        matching = node.matching or ast.Matching()
        if matching.on:
            return frozenset(item for item in key if item[0] in matching.labels)
        return frozenset(item for item in key if item[0] not in {*matching.labels, "__name__"})

    def _sets(self, node: ast.Binary, left: Vector, right: Vector) -> Vector:
        mine = {self._signature(node, key) for key in left}
        theirs = {self._signature(node, key) for key in right}
        if node.op == "or":
            return left | {key: v for key, v in right.items() if self._signature(node, key) not in mine}
        wanted = node.op == "and"
        return {key: value for key, value in left.items() if (self._signature(node, key) in theirs) is wanted}

    def _join(self, node: ast.Binary, left: Vector, right: Vector) -> Vector:
        partners: dict[Key, Key] = {}
        for key in right:
            if partners.setdefault(self._signature(node, key), key) != key:
                raise NaiveError("many-to-many")
        out: Vector = {}
        seen: set[Key] = set()
        for key, value in left.items():
            signature = self._signature(node, key)
            if signature not in partners:
                continue
            if signature in seen:
                raise NaiveError("many-to-one")
            seen.add(signature)
            other = right[partners[signature]]
            on = node.matching is not None and node.matching.on
            if node.op in COMPARISONS:
                holds = COMPARISONS[node.op](value, other)
                if not node.returns_bool and not holds:
                    continue
                result = float(holds) if node.returns_bool else value
                kept = signature if node.returns_bool or on else self._named(node, key)
            else:
                result, kept = OPERATORS[node.op](value, other), signature
            out[kept] = result
        return out

    def _named(self, node: ast.Binary, key: Key) -> Key:
        assert node.matching is not None
        return frozenset(item for item in key if item[0] not in node.matching.labels)
