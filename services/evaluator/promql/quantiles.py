"""Quantiles of samples."""

import numpy as np

from services.evaluator.promql.annotations import Annotations
from services.evaluator.promql.ast import Position
from services.evaluator.promql.printer import format_number
from services.evaluator.promql.storage import Floats, Rows


def quantile_of_sorted(q: float, values: Floats, starts: Rows, counts: Rows) -> Floats:
    """Return the q-quantile of each run `values[start : start + count]`, sorted with NaN first; NaN for no values."""
    if np.isnan(q) or not len(values):
        return np.full(len(starts), np.nan)
    if q < 0 or q > 1:
        return np.where(counts > 0, -np.inf if q < 0 else np.inf, np.nan)
    rank = q * (counts - 1.0)
    lower = np.maximum(0, np.floor(rank)).astype(np.intp)
    upper = np.maximum(0, np.minimum(counts - 1, lower + 1))
    weight = rank - np.floor(rank)
    low = values[np.minimum(starts + lower, len(values) - 1)]
    high = values[np.minimum(starts + upper, len(values) - 1)]
    return np.asarray(np.where(counts > 0, low * (1 - weight) + high * weight, np.nan))


def warn_bad_quantile(annotations: Annotations, q: Floats, position: Position) -> None:
    """Warn of quantiles outside 0 to 1."""
    good = (q >= 0) & (q <= 1)
    if good.all():
        return
    for value in np.unique(q[~good]).tolist():
        annotations.warn(f"quantile value should be between 0 and 1, got {format_number(value)}", position)
