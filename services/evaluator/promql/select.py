"""Selectors: the newest sample at each step, and windows of samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.extended import extended, reach_ms, refuse_anchored, smoothed_values
from services.evaluator.promql.grid import Grid, Windows, build_grid, window
from services.evaluator.promql.storage import ABSENT, Block, Bools, Floats, Rows, Times, absent_cells, stale_cells
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Vector


@dataclass(frozen=True, eq=False, slots=True)
class Sampled:
    """An instant selector's result with the times of the samples (n x T, ms)."""

    vector: Vector
    times: Times


def instant_vector(run: Run, node: ast.Selector) -> Vector:
    """Return the newest sample of each series within the look-back at each step."""
    refuse_anchored(node)
    times, fixed = run.eval_times(node.at, node.offset)
    blocks = _read(run, node, times)
    if node.extension and blocks:
        values, present = smoothed_values(build_grid(blocks), times, run.settings.lookback_ms)
        return joined(run, blocks, [(values, present)], fixed=fixed)
    parts = [_newest(run, block, times)[:2] for block in blocks]
    return joined(run, blocks, parts, fixed=fixed)


def instant_with_times(run: Run, node: ast.Selector) -> Sampled:
    """Return the newest samples and their own times."""
    at, fixed = run.eval_times(node.at, node.offset)
    blocks = _read(run, node, at)
    found = [_newest(run, block, at) for block in blocks]
    vector = joined(run, blocks, [part[:2] for part in found], fixed=fixed)
    parts = [_times_of(block, _each(block, *part[2:])) for block, part in zip(blocks, found, strict=True)]
    times = np.concatenate(parts) if parts else np.empty((0, len(at)), np.int64)
    return Sampled(vector, np.broadcast_to(times, vector.values.shape))


def _read(run: Run, node: ast.Selector, times: Times) -> list[Block]:
    if not len(times):
        return []
    after = reach_ms(run, node.extension)[1]
    start, end = int(times.min()) - run.settings.lookback_ms, int(times.max()) + after
    return list(run.select(node.matchers, start, end, each=len(times)))


def joined(run: Run, blocks: list[Block], parts: list[tuple[Floats, Bools | None]], *, fixed: bool) -> Vector:
    """Return the vector of blocks whose values and presence (n x T) are given; `fixed`: one step stands for all."""
    table = run.tables.of(blocks) if blocks else Table([], unique=True)
    steps = len(run.steps)
    if not parts:
        return Vector(table, np.empty((0, steps)))
    if len(parts) == 1:
        values, present = parts[0]
    else:
        values = np.concatenate([part[0] for part in parts])
        present = None
        if any(part[1] is not None for part in parts):
            present = np.concatenate([np.ones(v.shape, np.bool_) if p is None else p for v, p in parts])
    if fixed:
        values = np.broadcast_to(values, (len(values), steps))
        present = None if present is None else np.broadcast_to(present, values.shape)
    return Vector(table, values, present)


@dataclass(frozen=True, eq=False, slots=True)
class Newest:
    """The columns of the newest samples (G x T) and which are within the look-back; `same`: one column for all axes."""

    times: Times
    columns: Rows
    fresh: Bools
    all_fresh: bool
    same: bool


def _newest_columns(run: Run, times: Times, at: Times) -> Newest:
    key = ("newest", id(times), at[0], len(at), at[-1])
    found: Newest | None = run.memo.get(key)
    if found is None:
        columns = run.bounds(times, at) - 1
        safe = np.maximum(columns, 0)
        fresh = (columns >= 0) & (np.take_along_axis(times, safe, axis=1) > at - run.settings.lookback_ms)
        same = len(safe) == 1 or bool((safe == safe[0]).all())
        found = run.memo[key] = Newest(times, safe, fresh, bool(fresh.all()), same)
    return found


def _newest(run: Run, block: Block, at: Times) -> tuple[Floats, Bools | None, Rows, bool]:
    """Return values, presence, and the columns taken: a line per axis, or per series where that is True."""
    times = block.axis_times()
    if not times.shape[1]:
        shape = (len(block.labels), len(at))
        return np.full(shape, np.nan), np.zeros(shape, np.bool_), np.zeros(shape, np.intp), True
    newest = _newest_columns(run, times, at)
    values = _gather(block, newest)
    present = None
    if not newest.all_fresh:
        fresh = newest.fresh
        present = np.array(np.broadcast_to(fresh, values.shape) if block.axes is None else fresh[block.axes])
    if np.isnan(values).any():
        lookback = run.settings.lookback_ms
        return *_look_back(block, times, at, lookback, values, present, newest.columns), True
    return values, present, newest.columns, False


def _gather(block: Block, newest: Newest) -> Floats:
    columns = newest.columns
    if newest.same:
        first = columns[0]
        if block.rows is None:
            return block.values[:, first]
        return np.asarray(block.values[block.rows[:, None], first])
    rows = np.arange(len(block.values)) if block.rows is None else block.rows
    return np.asarray(block.values[rows[:, None], columns[block.axes]])


def _look_back(
    block: Block, times: Times, at: Times, lookback_ms: int, values: Floats, present: Bools | None, columns: Rows
) -> tuple[Floats, Bools | None, Rows]:
    """Where a series has no sample in the column, take its newest one before; a marker ends it."""
    missing = absent_cells(np.ascontiguousarray(values))
    rows = np.flatnonzero(missing.any(axis=1))
    per_row = np.broadcast_to(columns, values.shape) if block.axes is None else columns[block.axes]
    if len(rows):
        values, per_row = values.copy(), per_row.copy()
        present = np.ones(values.shape, np.bool_) if present is None else present
        width = times.shape[1]
        cells = block.pick(rows)
        known = np.where(absent_cells(cells), -1, np.arange(width))
        newest = np.maximum.accumulate(known, axis=1)
        found = np.take_along_axis(newest, per_row[rows], axis=1)
        axes = np.zeros(len(rows), np.intp) if block.axes is None else block.axes[rows]
        safe = np.maximum(found, 0)
        present[rows] &= (found >= 0) & (times[axes[:, None], safe] > at - lookback_ms)
        values[rows] = np.take_along_axis(cells, safe, axis=1)
        per_row[rows] = safe
    stale = stale_cells(np.ascontiguousarray(values))
    if stale.any():
        present = ~stale if present is None else present & ~stale
    return values, present, per_row


def _each(block: Block, columns: Rows, per_series: bool) -> Rows:  # noqa: FBT001  as it comes with the columns
    """Return the columns taken, a line for each series."""
    if per_series:
        return columns
    axes = np.zeros(len(block.labels), np.intp) if block.axes is None else block.axes
    return columns[axes]


def _times_of(block: Block, columns: Rows) -> Times:
    if not block.times.size:
        return np.zeros(columns.shape, np.int64)
    axes = np.zeros(len(block.labels), np.intp) if block.axes is None else block.axes
    return np.asarray(block.axis_times()[axes[:, None], columns])


def instant_starts(run: Run, node: ast.Selector) -> Sampled | None:
    """Return the newest samples and since when they have counted; None where the storage does not know."""
    at, fixed = run.eval_times(node.at, node.offset)
    blocks = [block for block in _read(run, node, at) if block.starts is not None]
    if not blocks:
        return None
    found = [_newest(run, block, at) for block in blocks]
    vector = joined(run, blocks, [part[:2] for part in found], fixed=fixed)
    parts = [_starts_of(block, _each(block, *part[2:])) for block, part in zip(blocks, found, strict=True)]
    return Sampled(vector, np.broadcast_to(np.concatenate(parts), vector.values.shape))


def _starts_of(block: Block, columns: Rows) -> Times:
    rows = np.arange(len(block.labels)) if block.rows is None else block.rows
    if block.starts is None or not block.starts.shape[1]:
        return np.zeros((len(rows), columns.shape[1]), np.int64)
    return np.asarray(block.starts[rows[:, None], columns])


@dataclass(frozen=True, eq=False, slots=True)
class Range:
    """A range vector: one window per series and step, cut on demand. `fixed`: all steps have the same window.

    `extension`: the windows stand on their edges; `counter` says how, where a decrease lies across an edge.
    """

    table: Table
    grid: Grid
    ends_ms: Times
    window_ms: int
    now_ms: Times
    fixed: bool
    lo: NDArray[np.intp]
    hi: NDArray[np.intp]
    extension: str = ""
    counter: bool = False

    def at(self, step: int) -> Windows:
        """Return the windows of one step."""
        column = 0 if self.fixed else step
        end = int(self.ends_ms[column])
        found = window(
            self.grid,
            self.lo[:, column],
            self.hi[:, column],
            start_ms=end - self.window_ms,
            end_ms=end,
            now_ms=int(self.now_ms[step]),
        )
        if not self.extension:
            return found
        return extended(found, smoothed=self.extension == "smoothed", counter=self.counter)


def range_of_selector(run: Run, node: ast.RangeSelector) -> Range:
    """Return the samples of a selector with a window."""
    span = run.milliseconds(node.window, positive=True)
    ends, fixed = run.eval_times(node.selector.at, node.selector.offset)
    if not len(ends):
        return make_range(run, Table([]), build_grid([]), ends, span, fixed=fixed)
    extension = node.selector.extension
    before, after = reach_ms(run, extension)
    start, end = int(ends.min()) - span - before, int(ends.max()) + after
    blocks = run.select(node.selector.matchers, start, end)
    key = ("grid", node.selector.matchers, start, end)
    grid = run.memo.get(key)
    if grid is None:
        grid = run.memo[key] = build_grid(blocks, start)
    table = run.tables.of(blocks) if blocks else Table([], unique=True)
    if extension:
        lo, hi = run.bounds(grid.times, ends - span - before), run.bounds(grid.times, ends + after)
        return Range(table, grid, ends, span, run.steps, fixed, lo, hi, extension)
    return make_range(run, table, grid, ends, span, fixed=fixed)


def make_range(run: Run, table: Table, grid: Grid, ends: Times, span: int, *, fixed: bool) -> Range:
    """Put windows of a span that end at the given times on a grid."""
    lo, hi = run.bounds(grid.times, ends - span), run.bounds(grid.times, ends)
    return Range(table, grid, ends, span, run.steps, fixed, lo, hi)


def range_of_vector(run: Run, vector: Vector, inner_times: Times, ends: Times, span: int, *, fixed: bool) -> Range:
    """Return a sub-query's results as windows."""
    values = np.array(vector.values)
    if vector.present is not None:
        values[~vector.present] = ABSENT
    run.budget.spend(values.size)
    block = Block(vector.table.labels, inner_times, values, ("subquery", id(vector.table)))
    return make_range(run, vector.table, build_grid([block] if len(values) else []), ends, span, fixed=fixed)
