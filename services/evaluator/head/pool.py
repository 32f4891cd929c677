"""Samples of targets with one rhythm: a matrix of series by rounds.

Every target (axis) has its own times; a round is a column that each target fills once. Columns before an axis' first
scrape have the time NEVER, those it has not filled yet FOREVER, so that its times always ascend. The matrix is longer
than the retention: when its end is reached, the columns still needed move to its start. So a range of columns is
always a view, and an append is one scatter.

Rows that nobody has read yet are cold: their cells are in the archive, and their part of the matrix is never written,
so that it takes no memory. `thaw` must come before a row is read.
"""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.evaluator.head.archive import Archive
from services.evaluator.head.labellist import RowLabels
from services.evaluator.head.layout import Labels
from services.evaluator.promql.storage import (
    ABSENT,
    ABSENT_BITS,
    STALE,
    STALE_BITS,
    Bools,
    Floats,
    Rows,
    Times,
)

NEVER = -(1 << 61)
FOREVER = 1 << 61
_CHUNK = 4096
_LARGE = 1 << 20
_FIRST_COLUMNS = 16
_SLACK = 1.25
_COLUMN_SLACK = 1.1
Cell = TypeVar("Cell", np.float64, np.int64)


class Pool:
    """Rows are series, columns are rounds; `retention_ms` may change at any time. `cold`: new rows are."""

    def __init__(self, retention_ms: int, *, cold: bool = False) -> None:
        self.retention_ms, self.cold = retention_ms, cold
        self.values: Floats = np.empty((0, _FIRST_COLUMNS))
        self.times: Times = np.empty((0, _FIRST_COLUMNS), np.int64)
        self.used = self.moves = 0
        self.newest: Times = np.full(_FIRST_COLUMNS, NEVER, np.int64)
        self.oldest: Times = np.full(_FIRST_COLUMNS, FOREVER, np.int64)
        self.labels = RowLabels()
        self.axes: Rows = np.empty(0, np.intp)
        self.hashes: Times = np.empty(0, np.int64)
        self.serials: Times = np.empty(0, np.int64)
        self.last_hole: Times = np.empty(0, np.int64)
        self.last_drop: Times = np.empty(0, np.int64)
        self.hot: Bools = np.empty(0, np.bool_)
        self._archive = Archive()
        self._born: NDArray[np.int32] = np.empty(0, np.int32)
        self._dropped = 0
        self.last_column: list[int] = []
        self._free_rows: list[int] = []
        self._free_axes: list[int] = []
        self._next_serial = 0
        self._touched = 0
        self._views: dict[tuple[int, int], tuple[Times, Floats]] = {}

    # -- rows and axes -------------------------------------------------------------------------

    def new_axis(self) -> int:
        """Return the number of a fresh time axis."""
        if self._free_axes:
            axis = self._free_axes.pop()
        else:
            axis = len(self.last_column)
            self.last_column.append(-1)
            if axis >= len(self.times):
                self._views.clear()
                grown = np.full((round(axis * _SLACK) + 1, self.times.shape[1]), FOREVER, np.int64)
                grown[: len(self.times)] = self.times
                self.times = grown
        return axis

    def free_axis(self, axis: int) -> None:
        """Give an axis back; its rows must be free."""
        self._views.clear()
        self.times[axis] = FOREVER
        self.last_column[axis] = -1
        self._free_axes.append(axis)

    def new_rows(self, labels: Iterable[Labels], hashes: Sequence[int], axis: int) -> Rows:
        """Return rows for series of an axis; their cells are empty."""
        wanted = list(labels)
        missing = len(wanted) - len(self._free_rows)
        if missing > 0:
            self._grow(missing)
        rows = np.array([self._free_rows.pop() for _ in wanted], np.intp)
        if len(rows):
            self._touched = max(self._touched, int(rows.max()) + 1)
        for row, item in zip(rows.tolist(), wanted, strict=True):
            self.labels.put(row, item)
        self.hot[rows] = not self.cold
        if self.cold:
            self._archive.clear(rows)
            self._born[rows] = self._dropped + self._archive.packed
        else:
            self.values[rows] = ABSENT
        self.hashes[rows] = hashes
        self.axes[rows] = axis
        self.serials[rows] = np.arange(self._next_serial, self._next_serial + len(rows))
        self._next_serial += len(rows)
        self.last_hole[rows] = self.last_time(axis)
        self.last_drop[rows] = NEVER
        return rows

    def free_rows(self, rows: Rows) -> None:
        """Forget series."""
        self.moves += 1
        for row in rows.tolist():
            self.labels.clear(row)
        self._free_rows += rows[::-1].tolist()

    def _grow(self, missing: int) -> None:
        have = len(self.labels)
        added = max(missing, round(have * (_SLACK - 1)))
        self._views.clear()
        values = self._empty(have + added, self.values.shape[1])
        for some in self._hot_parts():
            values[some] = self.values[some]
        self.values = values
        self._archive.grow(have + added, self._touched if self._any_cold() else 0)
        self.hot = np.concatenate([self.hot, np.zeros(added, np.bool_)])
        self._born = np.concatenate([self._born, np.zeros(added, np.int32)])
        self.labels.grow(added)
        self.axes = np.concatenate([self.axes, np.zeros(added, np.intp)])
        empty = np.full(added, NEVER, np.int64)
        self.serials = np.concatenate([self.serials, empty])
        self.hashes = np.concatenate([self.hashes, empty])
        self.last_hole = np.concatenate([self.last_hole, empty])
        self.last_drop = np.concatenate([self.last_drop, empty])
        self._free_rows += range(have + added - 1, have - 1, -1)

    @property
    def series(self) -> int:
        """The number of rows in use."""
        return len(self.labels) - len(self._free_rows)

    @property
    def samples(self) -> int:
        """Cells of series in use, on their axes' times."""
        live = np.ones(len(self.labels), np.bool_)
        live[self._free_rows] = False
        times = self.times[:, : self.used]
        filled = ((times > NEVER) & (times < FOREVER)).sum(axis=1)
        return int(filled[self.axes[live]].sum())

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        arrays: tuple[NDArray[Any], ...] = (
            self.times, self.axes, self.hashes, self.serials, self.last_hole, self.last_drop, self.hot, self._born,
        )  # fmt: skip
        hot = int(self.hot.sum()) * self.values.shape[1] * self.values.itemsize
        return int(hot + self._archive.nbytes + sum(array.nbytes for array in arrays))

    # -- columns -------------------------------------------------------------------------------

    def write(self, axis: int, rows: Rows, t_ms: int, values: Floats) -> None:
        """Store one scrape's values; t_ms must be after the axis' last time."""
        before, column = self._enter(axis, t_ms)
        if before >= 0:
            fallen = ~(values >= self._column(rows, before))
            if fallen.any():
                self.last_drop[rows[fallen]] = t_ms
        self._put(rows, column, values)
        odd = np.isnan(values)
        if odd.any():
            bits = values.view(np.int64)
            self.last_hole[rows[odd & ((bits == STALE_BITS) | (bits == ABSENT_BITS))]] = t_ms

    def mark_stale(self, axis: int, rows: Rows, t_ms: int, *, gone: bool) -> None:
        """End series at a time; `gone`: they have no cells in later columns, until revived."""
        column = self.last_column[axis]
        if column < 0 or self.times[axis, column] != t_ms:
            column = self._enter(axis, t_ms)[1]
        self._put(rows, column, STALE)
        self.last_hole[rows] = FOREVER if gone else t_ms

    def _put(self, rows: Rows, column: int, values: Floats | float) -> None:
        hot = self.hot[rows]
        if hot.all():
            self.values[rows, column] = values
        elif not hot.any():
            self._archive.put(rows, column, values)
        else:
            each = np.broadcast_to(values, rows.shape)
            self.values[rows[hot], column] = each[hot]
            self._archive.put(rows[~hot], column, each[~hot])

    def _column(self, rows: Rows, column: int) -> Floats:
        """Return the cells of a column; NaN where they are packed."""
        hot = self.hot[rows]
        if hot.all():
            return np.asarray(self.values[rows, column])
        cells = self._archive.column(rows, column)
        cells[hot] = self.values[rows[hot], column]
        return cells

    def thaw(self, rows: Rows) -> None:
        """Bring rows into the matrix, where they stay."""
        cold = rows[~self.hot[rows]]
        for start in range(0, len(cold), _CHUNK):
            some = cold[start : start + _CHUNK]
            cells = self._archive.read(some, self.used)
            cells[np.arange(self.used) < (self._born[some] - self._dropped)[:, None]] = ABSENT
            self.values[some, : self.used] = cells
            self.values[some, self.used :] = ABSENT
        self.hot[cold] = True

    def revive(self, axis: int, rows: Rows) -> None:
        """Note that series that were gone are written again from now on."""
        self.last_hole[rows] = self.last_time(axis)

    def last_time(self, axis: int) -> int:
        """Return the axis' newest time."""
        column = self.last_column[axis]
        return int(self.times[axis, column]) if column >= 0 else NEVER

    def _enter(self, axis: int, t_ms: int) -> tuple[int, int]:
        """Return the column of the axis' last scrape and the one for this."""
        self._views.clear()
        if self.last_column[axis] == self.used - 1:
            self._open(t_ms)
        before, column = self.last_column[axis], self.used - 1
        if 0 <= before < column - 1:
            last = self.times[axis, before]
            self.times[axis, before + 1 : column] = last
            own = self.axes == axis
            self.last_hole[own] = np.maximum(self.last_hole[own], last)  # gone series stay gone
        if before < 0:
            self.times[axis, :column] = NEVER
        self.times[axis, column] = t_ms
        self.last_column[axis] = column
        self.newest[column] = max(self.newest[column], t_ms)
        self.oldest[column] = min(self.oldest[column], t_ms)
        return before, column

    def _open(self, t_ms: int) -> None:
        if self.used == self.values.shape[1]:
            self._make_room(t_ms)
        self._archive.make_room(self.used, self._touched, any_cold=self._any_cold())
        self.used += 1

    def _make_room(self, t_ms: int) -> None:
        """Drop columns older than the retention, and change the buffer's length where that does not fit."""
        newest = np.maximum.accumulate(self.newest[: self.used])
        first = max(0, int(np.searchsorted(newest, t_ms - self.retention_ms)) - 1)
        kept, width = self.used - first, self.values.shape[1]
        wanted = max(_FIRST_COLUMNS, round(kept * _COLUMN_SLACK) + 2)
        if kept * (1 + _COLUMN_SLACK) / 2 > width or wanted * 2 < width:
            self._resize(first, kept, wanted)
        else:
            self._slide(first, kept)
        self._archive.drop(first)
        self._dropped += first
        self.used = kept
        self.last_column = [column - first if column >= first else -1 for column in self.last_column]

    def _empty(self, rows: int, columns: int) -> Floats:
        """Return a matrix whose memory is taken as it is written."""
        size = rows * columns * self.values.itemsize
        if not self.cold or size < _LARGE:
            return np.empty((rows, columns))
        # NumPy asks for huge pages: then a few hot rows would take the memory of all.
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        return np.frombuffer(memory, np.float64).reshape(rows, columns)

    def _any_cold(self) -> bool:
        return not self.hot[: self._touched].all()

    def _hot_parts(self) -> Iterator[slice | Rows]:
        """Return the hot rows in pieces of bounded size."""
        for start in range(0, self._touched, _CHUNK):
            end = min(start + _CHUNK, self._touched)
            hot = self.hot[start:end]
            if hot.all():
                yield slice(start, end)
            elif hot.any():
                yield np.flatnonzero(hot) + start

    def _slide(self, first: int, kept: int) -> None:
        self.moves += 1
        for some in self._hot_parts():
            cells = self.values[some]
            _move(cells, first, kept, self.used, ABSENT)
            if not isinstance(some, slice):
                self.values[some] = cells
        _move(self.times, first, kept, self.used, FOREVER)
        _move(self.newest, first, kept, self.used, NEVER)
        _move(self.oldest, first, kept, self.used, FOREVER)

    def _resize(self, first: int, kept: int, width: int) -> None:
        def moved(old: Times, empty: int) -> Times:
            new = np.full((*old.shape[:-1], width), empty, old.dtype)
            new[..., :kept] = old[..., first : self.used]
            return new

        values = self._empty(len(self.values), width)
        for some in self._hot_parts():
            values[some, :kept] = self.values[some, first : self.used]
            values[some, kept:] = ABSENT
        self.values, self.times = values, moved(self.times, FOREVER)
        self.newest, self.oldest = moved(self.newest, NEVER), moved(self.oldest, FOREVER)

    def view(self, start_ms: int, end_ms: int) -> tuple[Times, Floats]:
        """Return times and values of these columns; the same objects until the next write."""
        found = self._views.get((start_ms, end_ms))
        if found is None:
            first, last = self.columns(start_ms, end_ms)
            found = self._views[start_ms, end_ms] = self.times[:, first:last], self.values[:, first:last]
        return found

    def bounds(self) -> tuple[int, int] | None:
        """Return the times of the oldest and the newest column; None where there is none."""
        oldest, newest = self.oldest[: self.used], self.newest[: self.used]
        if not self.used or (first := int(oldest.min())) == FOREVER:
            return None
        return first, int(newest.max())

    def columns(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return the range of columns that holds every sample with start < t <= end."""
        newest = np.maximum.accumulate(self.newest[: self.used])
        oldest = np.minimum.accumulate(self.oldest[: self.used][::-1])[::-1]
        first = int(np.searchsorted(newest, start_ms, side="right"))
        return first, max(first, int(np.searchsorted(oldest, end_ms, side="right")))


def _move(part: NDArray[Cell], first: int, kept: int, used: int, empty: float) -> None:
    part[..., :kept] = part[..., first:used].copy()
    part[..., kept:] = empty
