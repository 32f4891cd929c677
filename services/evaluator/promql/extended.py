"""Windows that reach beyond their edges: the experimental modifiers `anchored` and `smoothed`.

`anchored` adds the last sample at or before the window's start; `smoothed` puts interpolated samples on both edges.
Either way a window becomes its inner samples between two on the edges, so that every function may go on as usual.
"""

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.grid import NEVER, Grid, Windows, counted, window
from services.evaluator.promql.storage import Bools, Floats, Rows, Times

ALLOWED = {
    "anchored": ("changes", "delta", "increase", "rate", "resets"),
    "smoothed": ("delta", "increase", "rate"),
}


def check_extension(extension: str, function: str) -> None:
    """Refuse functions that a modifier does not work with. Raises EvaluationError."""
    names = ALLOWED.get(extension, ())
    if extension and function not in names:
        raise EvaluationError(f"{extension} modifier can only be used with: {', '.join(names)} - not with {function}")


def reach_ms(run: Run, extension: str) -> tuple[int, int]:
    """Return how far before and after a window samples are looked at."""
    lookback = run.settings.lookback_ms
    return lookback if extension else 0, lookback if extension == "smoothed" else 0


def refuse_anchored(node: ast.Selector) -> None:
    """Instant vectors have no window to anchor. Raises EvaluationError."""
    if node.extension == "anchored":
        raise EvaluationError("anchored modifier can only be used with range vectors", *node.position)


def interpolated(values: Floats, times: Times, left: Rows, at_ms: int, *, counter: bool) -> Floats:
    """Return each row's value at a time, on the line from column `left` to the next; a reset counts up from 0."""
    rows, right = np.arange(len(values)), np.minimum(left + 1, values.shape[1] - 1)
    before, after = values[rows, left], values[rows, right]
    if counter:
        before = np.where(after < before, 0.0, before)
    share = (at_ms - times[rows, left]) / (times[rows, right] - times[rows, left])
    return np.asarray(before + (after - before) * share)


def extended(wide: Windows, *, smoothed: bool, counter: bool) -> Windows:
    """Return windows of which the first and last samples stand for the edges.

    `wide` holds also the samples within reach; its `start_ms` and `end_ms` are the edges. `counter`: a decrease is a
    reset, also between the two samples that an edge lies between.
    """
    if not wide.width:
        return wide
    times, values, size = wide.own_times, wide.values, wide.size
    lo, hi = (np.asarray(wide.expand(edge), np.intp) for edge in (wide.lo, wide.hi))
    start, end, rows = wide.start_ms, wide.end_ms, np.arange(size)
    columns = np.arange(wide.width)
    inside = (columns >= lo[:, None]) & (columns < hi[:, None])
    first = lo + np.maximum((inside & (times <= start)).sum(axis=1) - 1, 0)
    last = hi - 1
    if smoothed:
        last = np.minimum(last, lo + (inside & (times < end)).sum(axis=1))
    first_time, last_time = (times[rows, np.clip(edge, 0, wide.width - 1)] for edge in (first, last))
    real = (hi > lo) & (last_time > start)
    if smoothed:
        real &= first_time <= end
    first, last = np.where(real, first, 0), np.where(real, last, 0)
    left, right = values[rows, first], values[rows, last]
    if smoothed:
        between = real & (first_time < start)
        left = np.where(between, interpolated(values, times, first, start, counter=counter), left)
        between = real & (last > lo) & (last_time > end)
        right = np.where(between, interpolated(values, times, np.maximum(last - 1, 0), end, counter=counter), right)
    begin = first + (first_time <= start)
    stop = last + 1 - (last_time >= end)
    return _framed(wide, real, (begin, stop), (left, right))


def _framed(wide: Windows, real: Bools, inner: tuple[Rows, Rows], edges: tuple[Floats, Floats]) -> Windows:
    """Put the edges' values right before and after each row's inner columns."""
    (begin, stop), (left, right), size = inner, edges, wide.size
    values = np.zeros((size, wide.width + 2))
    times = np.full(values.shape, NEVER, np.int64)
    values[:, 1:-1], times[:, 1:-1] = wide.values, wide.own_times
    rows = np.flatnonzero(real)
    values[rows, begin[rows]], times[rows, begin[rows]] = left[rows], wide.start_ms
    values[rows, stop[rows] + 1], times[rows, stop[rows] + 1] = right[rows], wide.end_ms
    lo, hi = np.where(real, begin, 0), np.where(real, stop + 2, 0)
    return Windows(values, times, np.arange(size), lo, hi, wide.start_ms, wide.end_ms, wide.now_ms, framed=True)


def smoothed_values(grid: Grid, at: Times, lookback_ms: int) -> tuple[Floats, Bools]:
    """Return each series' value at each time, between the samples around it; the newest one where none follows."""
    out = np.full((grid.size, len(at)), np.nan)
    present = np.zeros(out.shape, np.bool_)
    for step, t_ms in enumerate(at.tolist()):
        lo, hi = (counted(grid.times, np.array([t_ms + reach]))[:, 0] for reach in (-lookback_ms, lookback_ms))
        wide = window(grid, lo, hi, start_ms=t_ms, end_ms=t_ms, now_ms=t_ms)
        if not wide.width:
            continue
        low, high = (np.asarray(wide.expand(edge), np.intp) for edge in (wide.lo, wide.hi))
        columns, rows = np.arange(wide.width), np.arange(wide.size)
        times, values = wide.own_times, wide.values
        inside = (columns >= low[:, None]) & (columns < high[:, None])
        before = low + (inside & (times <= t_ms)).sum(axis=1) - 1
        present[:, step] = before >= low
        before = np.maximum(before, 0)
        between = (before + 1 < high) & (times[rows, before] < t_ms)
        line = interpolated(values, times, before, t_ms, counter=False)
        out[:, step] = np.where(between, line, values[rows, before])
    return out, present
