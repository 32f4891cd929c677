"""Sums that do not lose small addends: a fast sum with an error bound, and an exact one where the bound is poor.

Prometheus adds with Kahan and Neumaier's compensation, one sample after another. Here a plain vectorised sum is taken
first; where cancellation makes its error bound exceed 1e-13 of the result, `math.fsum` (Shewchuk) sums again, exactly.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql.storage import Bools, Floats
from services.evaluator.promql.table import Grouping

_TOLERANCE = 1e-13
_EPS = float(np.finfo(np.float64).eps)
_EPS_LONG = float(np.finfo(np.longdouble).eps)
_ROW_FACTOR = 32.0


def exact_sum(values: Iterable[float]) -> float:
    """Sum exactly; infinities and overflow give what IEEE addition gives."""
    numbers = list(values)
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return float(sum(numbers))


def row_sums(values: Floats, mask: Bools | None) -> Floats:
    """Sum each row (n x L); cells outside the mask count as nothing."""
    cells = values if mask is None else np.where(mask, values, 0.0)
    sums = np.asarray(cells.sum(axis=1))
    if not cells.size or not (cells < 0).any():
        return sums
    sizes = np.abs(cells).sum(axis=1)
    risky = np.flatnonzero(np.isfinite(sizes) & (_ROW_FACTOR * _EPS * sizes > _TOLERANCE * np.abs(sums)))
    for row in risky.tolist():
        sums[row] = exact_sum(cells[row].tolist())
    return sums


def group_sums(values: Floats, present: Bools | None, grouping: Grouping) -> NDArray[np.longdouble]:
    """Sum each group's present rows at each step (G x T), in extended precision."""
    cells = values if present is None else np.where(present, values, 0.0)
    ordered = (cells if grouping.sorted else cells[grouping.order]).astype(np.longdouble)
    sums = np.add.reduceat(ordered, grouping.starts, axis=0)
    sizes = np.add.reduceat(np.abs(ordered), grouping.starts, axis=0)
    bound = grouping.counts[:, None] * _EPS_LONG * sizes
    for group, step in np.argwhere(np.isfinite(sizes) & (bound > _TOLERANCE * np.abs(sums))).tolist():
        start = grouping.starts[group]
        column = ordered[start : start + grouping.counts[group], step]
        sums[group, step] = exact_sum(column.astype(np.float64).tolist())
    return sums
