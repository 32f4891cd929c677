"""Aggregations of each series over a window."""

import numpy as np

from services.evaluator.promql.functions.base import Function, Invocation, Kernel, apply_kernel, over_windows
from services.evaluator.promql.grid import PAIR, Windows
from services.evaluator.promql.quantiles import quantile_of_sorted, warn_bad_quantile
from services.evaluator.promql.running import RunningSums
from services.evaluator.promql.shared import Carried
from services.evaluator.promql.start_times import resets_by_start
from services.evaluator.promql.storage import Bools, Floats
from services.evaluator.promql.summation import row_sums
from services.evaluator.promql.values import Value

Result = tuple[Floats, Bools | None]


def _sum(windows: Windows) -> Result:
    return row_sums(windows.values, windows.mask), windows.at_least(1)


def _mean(windows: Windows) -> Floats:
    sums = row_sums(windows.values, windows.mask)
    counts = windows.count
    huge = np.flatnonzero(np.isinf(sums))
    mean = sums / counts
    if len(huge):
        cells = windows.filled(0.0)[huge].astype(np.longdouble)
        mean[huge] = (cells.sum(axis=1) / counts[huge]).astype(np.float64)
    return np.asarray(mean)


def _avg(windows: Windows) -> Result:
    return _mean(windows), windows.at_least(1)


def _min(windows: Windows) -> Result:
    if not windows.width:
        return np.full(windows.size, np.nan), windows.at_least(1)
    return np.asarray(np.fmin.reduce(windows.filled(np.nan), axis=1)), windows.at_least(1)


def _max(windows: Windows) -> Result:
    if not windows.width:
        return np.full(windows.size, np.nan), windows.at_least(1)
    return np.asarray(np.fmax.reduce(windows.filled(np.nan), axis=1)), windows.at_least(1)


def _count(windows: Windows) -> Result:
    return windows.count.astype(np.float64), windows.at_least(1)


def _last(windows: Windows) -> Result:
    return windows.last, windows.at_least(1)


def _first(windows: Windows) -> Result:
    return windows.first, windows.at_least(1)


def _present(windows: Windows) -> Result:
    return np.ones(windows.size), windows.at_least(1)


def _variance(windows: Windows) -> Floats:
    cells = windows.values.astype(np.longdouble)
    mask = windows.mask
    counts = windows.count
    inside = cells if mask is None else np.where(mask, cells, 0)
    mean = inside.sum(axis=1) / counts
    squares = (cells - mean[:, None]) ** 2
    if mask is not None:
        squares = np.where(mask, squares, 0)
    return np.asarray((squares.sum(axis=1) / counts).astype(np.float64))


def _stdvar(windows: Windows) -> Result:
    return _variance(windows), windows.at_least(1)


def _stddev(windows: Windows) -> Result:
    return np.sqrt(_variance(windows)), windows.at_least(1)


def sorted_nan_first(cells: Floats, mask: Bools | None) -> Floats:
    """Sort each row's cells, NaN first as Prometheus does; cells outside the mask go last."""
    nan = np.isnan(cells)
    outside = np.zeros(cells.shape, np.bool_) if mask is None else ~mask
    nan &= ~outside
    rows = np.sort(np.where(nan, -np.inf, np.where(outside, np.nan, cells)), axis=1)
    nans = nan.sum(axis=1)
    if nans.any():
        rows = np.where(np.arange(cells.shape[1]) < nans[:, None], np.nan, rows)
    return rows


def quantile_rows(windows: Windows, q: float) -> Floats:
    """Return the q-quantile of each window."""
    cells = sorted_nan_first(windows.values, windows.mask)
    starts = np.arange(windows.size) * windows.width
    return quantile_of_sorted(q, np.ascontiguousarray(cells).reshape(-1), starts, windows.count)


def _quantile_over_time(call: Invocation) -> Value:
    q = call.scalar(0)
    warn_bad_quantile(call.run.annotations, q, call.node.args[0].position)
    result = apply_kernel(
        call.run,
        call.windows(1),
        lambda windows, phi: (quantile_rows(windows, phi), windows.at_least(1)),
        [q],
        once=False,
    )
    return call.run.unnamed(result)


def _mad(windows: Windows) -> Result:
    middle = quantile_rows(windows, 0.5)
    away = np.abs(windows.values - middle[:, None])
    cells = np.ascontiguousarray(sorted_nan_first(away, windows.mask)).reshape(-1)
    starts = np.arange(windows.size) * windows.width
    spread = quantile_of_sorted(0.5, cells, starts, windows.count)
    return np.where(np.isnan(windows.filled(0.0)).any(axis=1), np.nan, spread), windows.at_least(1)


def _changes(windows: Windows) -> Result:
    before, after = windows.values[:, :-1], windows.values[:, 1:]
    changed = (before != after) & ~(np.isnan(before) & np.isnan(after))
    return _pairs_counted(windows, changed)


def _resets(windows: Windows) -> Result:
    drops = windows.values[:, 1:] < windows.values[:, :-1]
    if windows.starts is not None and windows.width >= PAIR:
        drops |= resets_by_start(windows)[0]
    return _pairs_counted(windows, drops)


def _pairs_counted(windows: Windows, hits: Bools) -> Result:
    pairs = windows.pairs()
    hits = hits if pairs is None else hits & pairs
    return np.asarray(hits.sum(axis=1, dtype=np.float64)), windows.at_least(1)


def _changed(before: Floats, after: Floats) -> Floats:
    return np.asarray((before != after) & ~(np.isnan(before) & np.isnan(after)), np.float64)


def _fallen(before: Floats, after: Floats) -> Floats:
    return np.asarray(after < before, np.float64)


def _as_it_is(sums: Floats, _windows: Windows) -> Floats:
    return sums


_SUMS = Carried(RunningSums, _as_it_is)
_MEANS = Carried(RunningSums, lambda sums, windows: sums / windows.count)
_CHANGES = Carried(lambda size: RunningSums(size, _changed, pairs=True, exact=True), _as_it_is)
_RESETS = Carried(lambda size: RunningSums(size, _fallen, pairs=True, exact=True), _as_it_is)


def _function(
    name: str, doc: str, kernel: Kernel, *, keeps_name: bool = False, carried: Carried | None = None
) -> Function:
    body = over_windows(kernel, keeps_name=keeps_name, carried=carried)
    return Function(name, f"{name}(v range-vector)", doc, body)


OVER_TIME = (
    _function("sum_over_time", "Sum of the samples.", _sum, carried=_SUMS),
    _function("avg_over_time", "Mean of the samples.", _avg, carried=_MEANS),
    _function("min_over_time", "Smallest sample.", _min),
    _function("max_over_time", "Largest sample.", _max),
    _function("count_over_time", "Number of samples.", _count),
    _function("last_over_time", "Newest sample.", _last, keeps_name=True),
    _function("first_over_time", "Oldest sample.", _first, keeps_name=True),
    _function("present_over_time", "1 where there is a sample.", _present),
    _function("stddev_over_time", "Population standard deviation.", _stddev),
    _function("stdvar_over_time", "Population variance.", _stdvar),
    _function("mad_over_time", "Median absolute deviation.", _mad),
    _function("changes", "How often the value changed.", _changes, carried=_CHANGES),
    _function("resets", "How often a counter was reset.", _resets, carried=_RESETS),
    Function(
        "quantile_over_time",
        "quantile_over_time(φ scalar, v range-vector)",
        "The φ-quantile of the samples.",
        _quantile_over_time,
    ),
)
