"""Aggregations that give one sample per group."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql import ast
from services.evaluator.promql.aggregations.base import Aggregation, Body
from services.evaluator.promql.context import Run
from services.evaluator.promql.quantiles import quantile_of_sorted, warn_bad_quantile
from services.evaluator.promql.storage import Bools, Floats
from services.evaluator.promql.summation import group_sums
from services.evaluator.promql.table import Grouping
from services.evaluator.promql.values import Scalar, Value, Vector

Fold = Callable[[Floats, Bools | None, Grouping], Floats]


def ordered(cells: NDArray[np.generic], grouping: Grouping) -> NDArray[np.generic]:
    """Bring rows into the order of their groups."""
    return cells if grouping.sorted else cells[grouping.order]


def group_counts(present: Bools | None, grouping: Grouping, steps: int) -> Floats:
    """Count each group's present rows at each step (G x T)."""
    if present is None:
        return np.broadcast_to(grouping.counts[:, None].astype(np.float64), (len(grouping.counts), steps))
    return np.asarray(np.add.reduceat(ordered(present, grouping), grouping.starts, axis=0, dtype=np.float64))


def _sum(values: Floats, present: Bools | None, grouping: Grouping) -> Floats:
    return group_sums(values, present, grouping).astype(np.float64)


def _mean(values: Floats, present: Bools | None, grouping: Grouping) -> NDArray[np.longdouble]:
    counts = group_counts(present, grouping, values.shape[1])
    return np.asarray(group_sums(values, present, grouping) / counts)


def _avg(values: Floats, present: Bools | None, grouping: Grouping) -> Floats:
    return _mean(values, present, grouping).astype(np.float64)


def _extreme(reduce: "np.ufunc") -> Fold:
    def fold(values: Floats, present: Bools | None, grouping: Grouping) -> Floats:
        cells = values if present is None else np.where(present, values, np.nan)
        return np.asarray(reduce.reduceat(ordered(cells, grouping), grouping.starts, axis=0))

    return fold


def _variance(values: Floats, present: Bools | None, grouping: Grouping) -> NDArray[np.longdouble]:
    mean = _mean(values, present, grouping)[grouping.ids]
    squares = (values.astype(np.longdouble) - mean) ** 2
    if present is not None:
        squares = np.where(present, squares, 0)
    rows = squares if grouping.sorted else squares[grouping.order]
    return np.asarray(np.add.reduceat(rows, grouping.starts, axis=0) / group_counts(present, grouping, values.shape[1]))


def _stdvar(values: Floats, present: Bools | None, grouping: Grouping) -> Floats:
    return _variance(values, present, grouping).astype(np.float64)


def _stddev(values: Floats, present: Bools | None, grouping: Grouping) -> Floats:
    return np.asarray(np.sqrt(_variance(values, present, grouping)).astype(np.float64))


def _count(values: Floats, present: Bools | None, grouping: Grouping) -> Floats:
    return group_counts(present, grouping, values.shape[1])


def _one(values: Floats, _present: Bools | None, grouping: Grouping) -> Floats:
    return np.ones((len(grouping.counts), values.shape[1]))


def folded(fold: Fold) -> Body:
    """Make an aggregation's body of a function of values, presence and groups."""

    def body(_run: Run, _node: ast.Aggregate, vector: Vector, grouping: Grouping, _param: Value | None) -> Vector:
        values = fold(vector.values, vector.present, grouping)
        return Vector(grouping.table, values, _group_presence(vector, grouping))

    return body


def _group_presence(vector: Vector, grouping: Grouping) -> Bools | None:
    if vector.present is None:
        return None
    return np.asarray(group_counts(vector.present, grouping, vector.steps) > 0)


def _quantile(run: Run, node: ast.Aggregate, vector: Vector, grouping: Grouping, param: Value | None) -> Vector:
    assert isinstance(param, Scalar) and node.param is not None  # noqa: S101, PT018  the parser checked the type
    warn_bad_quantile(run.annotations, param.values, node.param.position)
    counts = group_counts(vector.present, grouping, vector.steps).astype(np.intp)
    out = np.empty(counts.shape)
    absent = ~vector.mask
    for step in range(vector.steps):
        column = vector.values[:, step]
        nan = np.isnan(column)
        order = np.lexsort((np.where(nan, 0.0, column), ~nan, absent[:, step], grouping.ids))
        out[:, step] = quantile_of_sorted(param.values[step], column[order], grouping.starts, counts[:, step])
    return Vector(grouping.table, out, _group_presence(vector, grouping))


FOLDS = (
    Aggregation("sum", "Sum of the values.", folded(_sum)),
    Aggregation("avg", "Mean of the values.", folded(_avg)),
    Aggregation("min", "Smallest value; NaN only where all are.", folded(_extreme(np.fmin))),
    Aggregation("max", "Largest value; NaN only where all are.", folded(_extreme(np.fmax))),
    Aggregation("count", "Number of series.", folded(_count)),
    Aggregation("group", "1 for each group.", folded(_one)),
    Aggregation("stddev", "Population standard deviation.", folded(_stddev)),
    Aggregation("stdvar", "Population variance.", folded(_stdvar)),
    Aggregation("quantile", "The φ-quantile (0 ≤ φ ≤ 1), interpolated.", _quantile),
)
