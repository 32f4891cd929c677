"""Samples of many series as one matrix, and windows on it.

A grid is N x M values with G x M times: rows that share a time axis share a row of times. Cells before a row's own
first sample carry a time below any window, so a window is always the columns `lo` to `hi` of its axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql.storage import (
    ABSENT,
    Block,
    Bools,
    Floats,
    Rows,
    Times,
    absent_cells,
    stale_cells,
)

NEVER = -(1 << 61)
PAIR = 2  # samples that a change takes


def counted(times: Times, edges_ms: Times) -> NDArray[np.intp]:
    """Count, for each axis and edge (G x K), the columns with a time <= the edge."""
    if len(times) == 1:
        return np.searchsorted(times[0], edges_ms, side="right")[None, :]
    if len(edges_ms) == 1:
        return np.asarray((times <= edges_ms[0]).sum(axis=1, dtype=np.intp)[:, None])
    return np.stack([np.searchsorted(row, edges_ms, side="right") for row in times])


@dataclass(eq=False)
class Grid:
    """Real samples only: rows with holes were closed up, on time axes of their own."""

    values: Floats
    times: Times
    axes: Rows | None
    last_drop: Times | None = None
    rows: Rows | None = None
    starts: Times | None = None

    @property
    def size(self) -> int:
        """The number of series."""
        return len(self.values) if self.rows is None else len(self.rows)


@dataclass(eq=False)
class Windows:
    """One window per series: columns lo to hi (per axis) of the matrix; `start_ms < t <= end_ms`.

    `framed`: the first and last samples stand on the window's edges, so nothing is left to extrapolate.
    """

    cells: Floats
    times: Times
    axes: Rows | None
    lo: Rows
    hi: Rows
    start_ms: int
    end_ms: int
    now_ms: int
    last_drop: Times | None = None
    rows: Rows | None = None
    start_cells: Times | None = None
    framed: bool = False

    @property
    def size(self) -> int:
        """The number of series."""
        return len(self.cells) if self.rows is None else len(self.rows)

    @property
    def width(self) -> int:
        """The number of columns that some window touches."""
        return int(self.cells.shape[1])

    @cached_property
    def values(self) -> Floats:
        """The matrix (n x width); reading it costs a copy where rows are picked from a larger one."""
        return self.cells if self.rows is None else self.cells[self.rows]

    @cached_property
    def starts(self) -> Times | None:
        """Start times of the samples (n x width, ms), where the storage knows them."""
        cells = self.start_cells
        return cells if cells is None or self.rows is None else cells[self.rows]

    @cached_property
    def own_times(self) -> Times:
        """Each series' own times (n x width, ms)."""
        axes = np.zeros(self.size, np.intp) if self.axes is None else self.axes
        return self.times[axes]

    def some(self, series: Rows) -> Floats:
        """The matrix of some series."""
        return self.cells[series if self.rows is None else self.rows[series]]

    def expand(self, per_axis: NDArray[np.generic]) -> NDArray[np.generic]:
        """Turn a figure per axis into one per series."""
        return np.broadcast_to(per_axis[0], (self.size,)) if self.axes is None else per_axis[self.axes]

    @cached_property
    def count(self) -> Rows:
        """Samples in each series' window."""
        if self.uniform:
            return np.broadcast_to(np.intp(self.width), (self.size,))
        return np.asarray(self.expand(self.hi - self.lo), np.intp)

    @cached_property
    def uniform(self) -> bool:
        """Whether all windows are the whole width."""
        width = self.width
        return not len(self.lo) or (int(self.lo.max()) == 0 and int(self.hi.min()) == width)

    @cached_property
    def mask(self) -> Bools | None:
        """Which cells are in the window (n x width); None: all."""
        if self.uniform:
            return None
        columns = np.arange(self.width)
        inside = (columns >= self.lo[:, None]) & (columns < self.hi[:, None])
        return np.asarray(np.broadcast_to(inside, (self.size, self.width)) if self.axes is None else inside[self.axes])

    def at_least(self, count: int) -> Bools | None:
        """Which series have that many samples; None: all."""
        if self.uniform and self.width >= count:
            return None
        enough = self.hi - self.lo >= count
        return None if enough.all() else np.asarray(self.expand(enough), np.bool_)

    def filled(self, value: float) -> Floats:
        """The matrix with another value where no window is."""
        return self.values if self.mask is None else np.where(self.mask, self.values, value)

    def _pick(self, columns: Rows) -> Floats:
        if not self.width:
            return np.full(self.size, np.nan)
        if self.uniform:
            column = min(max(int(columns[0]), 0), self.width - 1) if len(columns) else 0
            return self.cells[:, column] if self.rows is None else self.cells[self.rows, column]
        columns = np.minimum(np.maximum(columns, 0), self.width - 1)
        rows = np.arange(self.size) if self.rows is None else self.rows
        return np.asarray(self.cells[rows, self.expand(columns)])

    def _pick_time(self, columns: Rows) -> Floats:
        if not self.width:
            return np.full(self.size, np.nan)
        columns = np.minimum(np.maximum(columns, 0), self.width - 1)
        times = self.times[np.arange(len(self.times)), columns]
        return np.asarray(self.expand(times.astype(np.float64) / 1000.0))

    @cached_property
    def first(self) -> Floats:
        """Each window's first value."""
        return self._pick(self.lo)

    @cached_property
    def last(self) -> Floats:
        """Each window's last value."""
        return self._pick(self.hi - 1)

    @cached_property
    def before_last(self) -> Floats:
        """Each window's last value but one."""
        return self._pick(self.hi - 2)

    @cached_property
    def first_time(self) -> Floats:
        """Time of each window's first value, seconds."""
        return self._pick_time(self.lo)

    @cached_property
    def last_time(self) -> Floats:
        """Time of each window's last value, seconds."""
        return self._pick_time(self.hi - 1)

    @cached_property
    def before_last_time(self) -> Floats:
        """Time of each window's last value but one, seconds."""
        return self._pick_time(self.hi - 2)

    def pairs(self) -> Bools | None:
        """Which neighbours (n x width-1) are both in the window; None: all."""
        return None if self.mask is None else self.mask[:, 1:] & self.mask[:, :-1]

    def row_times(self, origin_ms: int) -> Floats:
        """Times in seconds from an origin; shape broadcasts to the matrix."""
        seconds = (self.times - origin_ms).astype(np.float64) / 1000.0
        return np.asarray(seconds if self.axes is None else seconds[self.axes])


def window(grid: Grid, lo: Rows, hi: Rows, *, start_ms: int, end_ms: int, now_ms: int) -> Windows:
    """Cut the columns that some window touches."""
    left = int(lo.min()) if len(lo) else 0
    right = max(left, int(hi.max())) if len(hi) else 0
    return Windows(
        grid.values[:, left:right],
        grid.times[:, left:right],
        grid.axes,
        lo - left,
        np.maximum(hi, lo) - left,
        start_ms,
        end_ms,
        now_ms,
        grid.last_drop,
        grid.rows,
        None if grid.starts is None else grid.starts[:, left:right],
    )


def build_grid(blocks: Sequence[Block], start_ms: int = NEVER) -> Grid:
    """Bring blocks into one grid of real samples after a time; series keep the order of the blocks."""
    if not blocks:
        return Grid(np.empty((0, 0)), np.empty((1, 0), np.int64), None)
    grids = [_one_grid(block, start_ms) for block in blocks]
    if len(grids) == 1:
        return grids[0]
    width = max(grid.values.shape[1] for grid in grids)
    axes, offset = [], 0
    for grid in grids:
        own = np.zeros(grid.size, np.intp) if grid.axes is None else grid.axes
        axes.append(own + offset)
        offset += len(grid.times)
    drops = [grid.last_drop for grid in grids]
    return Grid(
        np.concatenate([_pad(_matrix(grid), width, ABSENT) for grid in grids]),
        np.concatenate([_pad(grid.times, width, NEVER) for grid in grids]),
        np.concatenate(axes),
        None if any(drop is None for drop in drops) else np.concatenate([drop for drop in drops if drop is not None]),
        starts=_all_starts(grids, width),
    )


def _all_starts(grids: Sequence[Grid], width: int) -> Times | None:
    if all(grid.starts is None for grid in grids):
        return None
    parts = []
    for grid in grids:
        part = np.zeros((grid.size, 0), np.int64) if grid.starts is None else grid.starts
        parts.append(_pad(part if grid.rows is None or grid.starts is None else part[grid.rows], width, 0))
    return np.concatenate(parts)


def _pad(matrix: NDArray[np.generic], width: int, value: float) -> NDArray[np.generic]:
    missing = width - matrix.shape[1]
    return np.pad(matrix, ((0, 0), (missing, 0)), constant_values=value) if missing else matrix


def _matrix(grid: Grid) -> Floats:
    return grid.values if grid.rows is None else grid.values[grid.rows]


def _one_grid(block: Block, start_ms: int) -> Grid:
    grid = Grid(block.values, block.axis_times(), block.axes, block.drops(), block.rows, block.starts)
    return closed_up(grid, block.holes(), start_ms) if block.samples else grid


def closed_up(grid: Grid, last_hole: Times | None, start_ms: int) -> Grid:
    """Return the grid without its rows' holes after a time."""
    if last_hole is not None:
        some = np.flatnonzero(last_hole > start_ms)
        if not len(some):
            return grid
        cells = grid.values[some if grid.rows is None else grid.rows[some]]
    else:
        some, cells = np.arange(grid.size), _matrix(grid)
    if not np.isnan(cells).any():
        return grid
    holes = absent_cells(cells) | stale_cells(cells)
    open_rows = holes.any(axis=1)
    return _close_up(grid, some[open_rows], ~holes[open_rows]) if open_rows.any() else grid


def _close_up(grid: Grid, rows: Rows, real: Bools) -> Grid:
    """Move the real samples of the rows to the right and give each of these rows its own time axis."""
    order = np.argsort(real, axis=1, kind="stable")
    axes = np.zeros(grid.size, np.intp) if grid.axes is None else grid.axes.copy()
    own_times = np.take_along_axis(grid.times[axes[rows]], order, axis=1)
    own_times[~np.take_along_axis(real, order, axis=1)] = NEVER
    values = grid.values.copy() if grid.rows is None else grid.values[grid.rows]
    values[rows] = np.take_along_axis(values[rows], order, axis=1)
    axes[rows] = len(grid.times) + np.arange(len(rows))
    starts = grid.starts
    if starts is not None:
        starts = starts.copy() if grid.rows is None else starts[grid.rows]
        starts[rows] = np.take_along_axis(starts[rows], order, axis=1)
    return Grid(values, np.concatenate([grid.times, own_times]), axes, grid.last_drop, starts=starts)
