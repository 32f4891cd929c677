"""What a query returns. Not frozen, as `values`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from services.evaluator.promql import values
from services.evaluator.promql.context import merged, refuse_duplicates
from services.evaluator.promql.operators import Comparison
from services.evaluator.promql.storage import Bools, Floats, Times

Labels = Mapping[str, str]
_NOTHING = np.empty(0)
_NOTHING.flags.writeable = False


@dataclass(eq=False, slots=True)
class VectorResult:
    """n samples at one time: label sets and values."""

    labels: list[Labels]
    values: Floats
    t_ms: int


@dataclass(eq=False, slots=True)
class MatrixResult:
    """n series: `values` and `present` are n x T over `times` (ms); an absent cell's value means nothing."""

    labels: list[Labels]
    times: Times
    values: Floats
    present: Bools


@dataclass(eq=False, slots=True)
class ScalarResult:
    """One number."""

    value: float
    t_ms: int


@dataclass(eq=False, slots=True)
class StringResult:
    """One string."""

    value: str
    t_ms: int


@dataclass(eq=False, slots=True)
class Result:
    """A query's outcome; `value` is of the class that `type` names. `samples`: how many it looked at."""

    type: Literal["vector", "matrix", "scalar", "string"]
    value: VectorResult | MatrixResult | ScalarResult | StringResult
    warnings: Sequence[str] = field(default_factory=list)
    infos: Sequence[str] = field(default_factory=list)
    samples: int = 0


def vector_result(vector: values.Vector, t_ms: int) -> VectorResult:
    """Return the present samples of a vector of one step. Raises EvaluationError on equal label sets."""
    vector = _settled(vector)
    column = vector.values[:, 0]
    if vector.present is None:
        return VectorResult(list(vector.table.labels), np.array(column), t_ms)
    rows = vector.present[:, 0].nonzero()[0]
    if not len(rows):
        return VectorResult([], _NOTHING, t_ms)
    return VectorResult(vector.table.rows(rows.tolist()), column[rows], t_ms)


def filtered(vector: values.Vector, compare: Comparison, bound: float, t_ms: int) -> VectorResult | None:
    """Return the samples of a vector of one step that pass a comparison; None where names are still to be settled."""
    if vector.table.pending is not None or not vector.table.unique:
        return None
    column = vector.values[:, 0]
    holds = compare(column, bound)
    if vector.present is not None:
        holds &= vector.present[:, 0]
    rows = holds.nonzero()[0]
    if not len(rows):
        return VectorResult([], _NOTHING, t_ms)
    return VectorResult(vector.table.rows(rows.tolist()), column[rows], t_ms)


def matrix_result(vector: values.Vector, times: Times) -> MatrixResult:
    """Return the series with a sample at any step, in the order of their labels; rows with equal labels are one."""
    vector = _settled(vector)
    vector = merged(vector)
    mask, cells, table = vector.mask, vector.values, vector.table
    rows = np.flatnonzero(mask.any(axis=1)).tolist()
    labels = table.rows(rows)
    order = sorted(range(len(rows)), key=lambda index: sorted(labels[index].items()))
    picked = np.array([rows[index] for index in order], np.intp)
    return MatrixResult([labels[index] for index in order], times, cells[picked], mask[picked])


def _settled(vector: values.Vector) -> values.Vector:
    table = vector.table.settled()
    vector = values.Vector(table, vector.values, vector.present)
    if not table.unique:
        refuse_duplicates(vector)
    return vector
