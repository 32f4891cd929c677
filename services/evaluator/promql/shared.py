"""Functions over windows that many rules ask of many rows of one matrix: computed once per tick, for all rows asked.

`rate(x{path="/a"}[5m])` and `rate(x{path="/b"}[5m])` are one computation over the rows of both; each rule picks its
own.
Which rows are asked is learned: a layout that is new is computed by itself and joins at the next tick; one that is not
asked for some ticks leaves. Rules with different intervals (the `scope`) do not share, as they are due at other times.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from services.evaluator.promql.context import Run
from services.evaluator.promql.grid import Grid, Windows, closed_up, window
from services.evaluator.promql.running import Columns, RunningSums
from services.evaluator.promql.storage import Block, Bools, Floats, Matrix, Rows

_TICKS_UNASKED = 16
_MOST_UNIONS = 10_000
_REACH_MS = 3_600_000
"""So far before its window a carried sum is taken up again; after a longer pause it is made anew."""
Results = tuple[Floats, Bools | None]
Kernel = Callable[..., Results]


@dataclass(frozen=True, eq=False, slots=True)
class Carried:
    """How a function's sums are carried from tick to tick: the sums' makers, and the result from sums and windows."""

    sums: Callable[[int], RunningSums]
    result: Callable[[Floats, Windows], Floats]


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What is computed: a kernel with its scalars over windows of a length that end an offset ago."""

    kernel: Kernel
    scalars: tuple[float, ...]
    carried: Carried | None
    span_ms: int
    shift_ms: int

    @property
    def key(self) -> Hashable:
        """Equal for equal computations."""
        return self.kernel, self.scalars, self.span_ms, self.shift_ms


@dataclass(eq=False)
class Union:
    """The rows of a matrix that one computation is asked for; `places`: by layout, where its rows are among them."""

    rows: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    axes: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    places: dict[Hashable, Rows] = field(default_factory=dict)
    members: dict[Hashable, tuple[Rows, Rows]] = field(default_factory=dict)
    asked: set[Hashable] = field(default_factory=set)
    ticks: int = 0
    running: RunningSums | None = None

    def settle(self) -> None:
        """Take in layouts that are new and, now and then, leave out those that nobody asked."""
        self.ticks += 1
        if self.ticks % _TICKS_UNASKED == 0:
            gone = [layout for layout in self.members if layout not in self.asked]
            for layout in gone:
                del self.members[layout]
                self.places.pop(layout, None)
            self.asked = set()
            if gone:
                self._join()
        if len(self.places) != len(self.members):
            self._join()

    def _join(self) -> None:
        before = self.rows
        parts = list(self.members.values())
        rows = np.concatenate([rows for rows, _ in parts]) if parts else np.empty(0, np.intp)
        axes = np.concatenate([axes for _, axes in parts]) if parts else np.empty(0, np.intp)
        # Of a row that came again with another axis the newest counts.
        self.rows, last = np.unique(rows[::-1], return_index=True)
        self.axes = axes[::-1][last]
        self.places = {layout: np.searchsorted(self.rows, rows) for layout, (rows, _) in self.members.items()}
        if len(before) != len(self.rows) or not np.array_equal(before, self.rows):
            self.running = None


class Unions:
    """The unions of an engine, by matrix, scope and computation."""

    def __init__(self) -> None:
        self._by_matrix: WeakKeyDictionary[Matrix, dict[Hashable, Union]] = WeakKeyDictionary()

    def results(self, run: Run, asked: Asked, block: Block) -> Results | None:
        """Return the block's results; None where it must be computed by itself this time."""
        matrix = block.within
        if matrix is None or block.rows is None or block.axes is None:
            return None
        union = self._union(matrix, (run.scope, asked.key))
        union.asked.add(block.layout)
        memo = ("union", id(union))
        # The union is held, so that the id stays its own when the unions are cleared within the tick.
        _, found = run.memo.get(memo, (union, None))
        if found is None:
            union.settle()
            if len(union.rows):
                found = _Computation(run, asked, union, matrix).results()
                run.memo[memo] = union, found
        places = union.places.get(block.layout)
        if found is None or places is None:
            union.members[block.layout] = (block.rows, block.axes)
            return None
        values, present = found
        return values[places], None if present is None else present[places]

    def _union(self, matrix: Matrix, key: Hashable) -> Union:
        unions = self._by_matrix.setdefault(matrix, {})
        union = unions.get(key)
        if union is None:
            if len(unions) >= _MOST_UNIONS:
                unions.clear()
            union = unions[key] = Union()
        return union


class _Computation:
    """One union's results at one tick."""

    def __init__(self, run: Run, asked: Asked, union: Union, matrix: Matrix) -> None:
        self._run, self._asked, self._union, self._matrix = run, asked, union, matrix
        self._end = int(run.steps[0]) - asked.shift_ms
        self._start = self._end - asked.span_ms
        self._holes = matrix.last_hole[union.rows]

    def results(self) -> Results:
        """Compute rows with holes in the window, which take a copy, apart from the others."""
        size = len(self._union.rows)
        whole = self._holes <= self._start
        done: Bools = np.zeros(size, np.bool_)
        values, present = np.zeros(size), np.ones(size, np.bool_)
        if self._asked.carried is not None:
            (values, enough), done = self._carried(self._asked.carried, whole)
            if enough is not None:
                present = np.array(enough)
            if done.all():
                return values, enough
        for some in (np.flatnonzero(whole & ~done), np.flatnonzero(~whole)):
            if len(some) == size:
                return self._kernel(some)
            if len(some):
                found, enough = self._kernel(some)
                values[some] = found
                present[some] = True if enough is None else enough
        return values, None if present.all() else present

    def _carried(self, carried: Carried, whole: Bools) -> tuple[Results, Bools]:
        union = self._union
        if union.running is None:
            union.running = carried.sums(len(union.rows))
        running = union.running
        times, values = self._matrix.view(min(self._start, max(running.start_ms, self._start - _REACH_MS)), self._end)
        sums, holds = running.move(Columns(times, values, union.rows, union.axes), self._start, self._end, whole)
        windows = self._windows(np.arange(len(union.rows)), close=False)
        return (np.array(carried.result(sums, windows)), windows.at_least(1)), holds

    def _kernel(self, some: Rows) -> Results:
        return self._asked.kernel(self._windows(some, close=True), *self._asked.scalars)

    def _windows(self, some: Rows, *, close: bool) -> Windows:
        union, run = self._union, self._run
        times, values = self._matrix.view(self._start, self._end)
        rows = union.rows[some]
        grid = Grid(values, times, union.axes[some], self._matrix.last_drop[rows], rows)
        if close:
            grid = closed_up(grid, self._holes[some], self._start)
        lo, hi = (run.bounds(grid.times, np.array([edge], np.int64))[:, 0] for edge in (self._start, self._end))
        return window(grid, lo, hi, start_ms=self._start, end_ms=self._end, now_ms=int(run.steps[0]))
