"""Sums over windows that are carried from one tick to the next: what came in is added, what went out is taken away.

So their cost does not grow with the window. Each sum is kept as two floats, the second of which holds what rounding
took from the first (Neumaier's compensation, with Knuth's exact TwoSum), so that nothing is lost when large ones leave.
What can't be carried is summed anew, and where even two floats do not hold the result (endless or undefined samples,
overflow, a sum that all but cancels out) the row is left to the caller.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.evaluator.promql.grid import NEVER, counted
from services.evaluator.promql.storage import Bools, Floats, Rows, Times

Part = Callable[[Floats, Floats], Floats]
"""What a sample adds, of the samples before (n) and the samples themselves (n)."""
_TOLERANCE = 1e-13
_EPS_TWICE = float(np.finfo(np.float64).eps) ** 2
_MOST_STEPS = 100_000


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """A matrix to read: `rows` of `values` (r x m), with `times` (g x m) and each row's axis (n)."""

    times: Times
    values: Floats
    rows: Rows
    axes: Rows


class RunningSums:
    """The sums of one set of rows; `part` is what a sample adds (None: itself).

    `pairs`: a part takes the sample before it too, which must be within the window. `exact`: parts are whole numbers.
    """

    def __init__(self, size: int, part: Part | None = None, *, pairs: bool = False, exact: bool = False) -> None:
        self._part, self._lead, self._exact = part, int(pairs), exact
        self._sums, self._rest, self._mass = (np.zeros(size) for _ in range(3))
        self._good = np.zeros(size, np.bool_)
        self._steps = 0
        self.start_ms = NEVER
        """Where the last window began; the next one's columns must reach back to it."""
        self._end_ms = NEVER
        self._first: Times = np.empty(0, np.int64)
        self._last: Times = np.empty(0, np.int64)

    def move(self, columns: Columns, start_ms: int, end_ms: int, whole: Bools) -> tuple[Floats, Bools]:
        """Return the sums over start < t <= end, and which of them hold; `whole` rows have no holes from start on."""
        times, lead = columns.times, self._lead
        lo, hi = (counted(times, np.array([edge], np.int64))[:, 0] for edge in (start_ms, end_ms))
        hi = np.maximum(lo, hi)
        # Rows may have changed hands since a window that this one does not overlap.
        carried = self._first.size and self.start_ms <= start_ms < self._end_ms
        known = self._known(times) if carried else None
        self._end_ms = end_ms
        if known is None or self._steps > _MOST_STEPS:
            self._good[:] = False
            self._steps = 0
        else:
            old_lo, old_hi, sound = known
            self._good &= whole & sound[columns.axes] & (hi >= old_hi)[columns.axes]
        with np.errstate(all="ignore"):
            if known is not None and self._good.any():
                self._pass(columns, np.maximum(old_hi, lo + lead), hi, None, 1.0)
                self._pass(columns, old_lo + lead, np.minimum(lo + lead, old_hi), None, -1.0)
            again = np.flatnonzero(whole & ~self._good)
            if len(again):
                self._sums[again] = self._rest[again] = self._mass[again] = 0.0
                self._pass(columns, lo + lead, hi, again, 1.0)
            sums = self._sums + self._rest
            holds = whole & np.isfinite(sums)
            if not self._exact:
                bound = self._mass * (_EPS_TWICE * (self._steps + 1))
                holds &= (bound <= _TOLERANCE * np.abs(sums)) | (self._mass == 0)
        self._remember(times, lo, hi, start_ms)
        self._good = holds
        return sums, holds

    def _known(self, times: Times) -> tuple[Rows, Rows, Bools] | None:
        """Return the last window's columns by axis, and for which axes they are all still there."""
        known, width = len(self._first), times.shape[1]
        if known > len(times) or not width:
            return None
        lo, hi = np.zeros(len(times), np.intp), np.zeros(len(times), np.intp)
        lo[:known] = (times[:known] < self._first[:, None]).sum(axis=1)
        hi[:known] = (times[:known] <= self._last[:, None]).sum(axis=1)
        sound = np.zeros(len(times), np.bool_)
        sound[:known] = times[np.arange(known), np.minimum(lo[:known], width - 1)] == self._first
        lo[~sound] = hi[~sound] = 0
        return lo, hi, sound

    def _remember(self, times: Times, lo: Rows, hi: Rows, start_ms: int) -> None:
        self.start_ms = start_ms
        if not times.shape[1]:
            self._first = self._last = np.empty(0, np.int64)
            return
        axes, width = np.arange(len(times)), times.shape[1] - 1
        self._first = np.where(hi > lo, times[axes, np.minimum(lo, width)], NEVER)
        self._last = np.where(hi > lo, times[axes, np.maximum(hi - 1, 0)], NEVER)

    def _pass(self, columns: Columns, lo: Rows, hi: Rows, some: Rows | None, sign: float) -> None:
        """Add (or take away) the columns lo to hi of each axis, for some rows or all."""
        busy = hi > lo
        if not busy.any():
            return
        rows, axes = (columns.rows, columns.axes) if some is None else (columns.rows[some], columns.axes[some])
        place = slice(None) if some is None else some
        sums, rest, mass = self._sums[place], self._rest[place], self._mass[place]
        for column in range(int(lo[busy].min()), int(hi[busy].max())):
            inside = (lo <= column) & (column < hi)
            cells = columns.values[rows, column]
            if self._part is not None:
                cells = self._part(columns.values[rows, column - 1], cells)
            cells = cells * sign if inside.all() else np.where(inside[axes], cells * sign, 0.0)
            total = sums + cells
            added = total - sums
            rest = rest + ((sums - (total - added)) + (cells - added))
            sums, mass = total, mass + np.abs(cells)
            self._steps += 1
        self._sums[place], self._rest[place], self._mass[place] = sums, rest, mass
