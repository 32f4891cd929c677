"""Aggregations that pick series, or count equal values."""

import hashlib
import math
from collections import Counter

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.aggregations.base import Aggregation, Body
from services.evaluator.promql.context import Run
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.printer import plain_number
from services.evaluator.promql.storage import Bools, Floats, Rows
from services.evaluator.promql.table import Grouping, Labels, Table
from services.evaluator.promql.values import Scalar, Text, Value, Vector


def _limits(param: Value | None) -> list[int]:
    if not isinstance(param, Scalar):
        raise TypeError("the number of series is a scalar")
    limits = []
    for value in param.values.tolist():
        if math.isnan(value):
            raise EvaluationError("Parameter value is NaN")
        if abs(value) >= 2.0**63:
            raise EvaluationError(f"Scalar value {value} {'over' if value > 0 else 'under'}flows int64")
        limits.append(int(value))
    return limits


def _places(order: Rows, grouping: Grouping) -> Rows:
    """Return each ordered row's place in its group; `order` has whole groups one after another."""
    return np.arange(len(order)) - grouping.starts[grouping.ids[order]]


def _ranked(*, largest: bool) -> Body:
    def body(_run: Run, _node: ast.Aggregate, vector: Vector, grouping: Grouping, param: Value | None) -> Vector:
        kept = np.zeros(vector.values.shape, np.bool_)
        absent, order = ~vector.mask, grouping.order
        for step, limit in enumerate(_limits(param)):
            column = vector.values[:, step]
            nan = np.isnan(column)
            key = np.where(nan, 0.0, -column if largest else column)
            order = np.lexsort((key, nan, absent[:, step], grouping.ids))
            kept[order[_places(order, grouping) < limit], step] = True
        result = Vector(vector.table, vector.values, kept & ~absent)
        return _reordered(result, order) if vector.steps == 1 else result

    return body


def _reordered(vector: Vector, order: Rows) -> Vector:
    rows = order[vector.mask[order, 0]]
    return Vector(vector.table.take(rows), vector.values[rows])


def _limitk(_run: Run, _node: ast.Aggregate, vector: Vector, grouping: Grouping, param: Value | None) -> Vector:
    kept = np.zeros(vector.values.shape, np.bool_)
    absent = ~vector.mask
    for step, limit in enumerate(_limits(param)):
        order = np.lexsort((absent[:, step], grouping.ids))
        kept[order[_places(order, grouping) < limit], step] = True
    return Vector(vector.table, vector.values, kept & ~absent)


def _limit_ratio(run: Run, node: ast.Aggregate, vector: Vector, _grouping: Grouping, param: Value | None) -> Vector:
    if not isinstance(param, Scalar) or node.param is None:
        raise TypeError("the ratio is a scalar")
    offsets = vector.table.cached("ratio_offsets", lambda: _ratio_offsets(vector.table))
    kept = np.empty(vector.values.shape, np.bool_)
    for step, ratio in enumerate(param.values.tolist()):
        if math.isnan(ratio):
            raise EvaluationError("Ratio value is NaN")
        if abs(ratio) > 1:
            capped = math.copysign(1.0, ratio)
            run.annotations.warn(
                f"ratio value should be between -1 and 1, got {ratio:g}, capping to {capped:g}", node.param.position
            )
            ratio = capped  # noqa: PLW2901  the capped ratio takes the place of the one given
        kept[:, step] = offsets < ratio if ratio >= 0 else offsets >= 1.0 + ratio
    return Vector(vector.table, vector.values, vector.mask & kept)


def _ratio_offsets(table: Table) -> Floats:
    """Spread label sets evenly over [0, 1), the same in every process."""
    digests = [
        hashlib.blake2b(repr(sorted(row.items())).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for row in table.labels
    ]
    return np.array([int.from_bytes(digest, "big") / 2.0**64 for digest in digests])


def _count_values(run: Run, node: ast.Aggregate, vector: Vector, grouping: Grouping, param: Value | None) -> Vector:
    if not isinstance(param, Text):
        raise TypeError("the label name is a string")
    if not param.value or "\udc80" <= max(param.value) <= "\udcff":
        raise EvaluationError(f"invalid label name {param.value!r}", *node.position)
    rows: dict[tuple[int, str], int] = {}
    labels: list[Labels] = []
    cells: list[tuple[int, int, int]] = []
    for step in range(vector.steps):
        present = np.flatnonzero(vector.mask[:, step])
        texts = [plain_number(value) for value in vector.values[present, step].tolist()]
        for (group, text), count in Counter(zip(grouping.ids[present].tolist(), texts, strict=True)).items():
            row = rows.setdefault((group, text), len(rows))
            if row == len(labels):
                labels.append({**grouping.table.row(group), param.value: text})
            cells.append((row, step, count))
    values = np.zeros((len(rows), vector.steps))
    mask: Bools = np.zeros(values.shape, np.bool_)
    for row, step, count in cells:
        values[row, step], mask[row, step] = count, True
    return run.distinct(Vector(Table(labels), values, mask))


RANKS = (
    Aggregation("topk", "The k largest samples of each group.", _ranked(largest=True), _limits),
    Aggregation("bottomk", "The k smallest samples of each group.", _ranked(largest=False), _limits),
    Aggregation("limitk", "k series of each group.", _limitk, _limits),
    Aggregation("limit_ratio", "About the given ratio of the series, the same ones every time.", _limit_ratio),
    Aggregation("count_values", "How many series have each value, the value as a label.", _count_values),
)
