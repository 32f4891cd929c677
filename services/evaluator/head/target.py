"""The columns of one target: what a scrape hands over."""

from typing import TYPE_CHECKING

import numpy as np

from services.evaluator.head.layout import Layout, series_hash
from services.evaluator.head.pool import NEVER, Pool
from services.evaluator.promql.storage import Floats, Rows

if TYPE_CHECKING:
    from services.evaluator.head.head import Head


class TargetColumns:
    """Appends of one target; `rows` are those of the present layout, `taken` the places in it that are kept.

    `gone` are series that left the page: their row and the time of their last cell.
    """

    def __init__(self, head: "Head", key: str, pool: Pool, *, limited: bool = True) -> None:
        self.key = key
        self._limited = limited
        self.pool = pool
        self._head = head
        self._axis: int | None = None
        self._layout: Layout | None = None
        self._rows: Rows = np.empty(0, np.intp)
        self._taken: Rows | None = None
        self._gone: dict[int, tuple[int, int]] = {}

    @property
    def series(self) -> int:
        """Series held, those gone but not yet dropped included."""
        return len(self._rows) + len(self._gone)

    @property
    def last_time(self) -> int:
        """Time of the newest append, ms; far in the past where there is none."""
        return NEVER if self._axis is None else self.pool.last_time(self._axis)

    def append(self, t_ms: int, layout: Layout, values: Floats) -> int:
        """Store one scrape (`values`: one per label set of the layout); return how many samples were stored.

        Series missing from a new layout are marked stale. Times must ascend: others are refused and counted.
        """
        if t_ms <= self.last_time:
            self._head.reject("out_of_order", self.key, len(values))
            return 0
        if self._axis is None:
            self._axis = self.pool.new_axis()
            self._head.attach(self)
        gone = None if layout is self._layout else self._map(layout, t_ms)
        kept = values if self._taken is None else values[self._taken]
        self.pool.write(self._axis, self._rows, t_ms, np.ascontiguousarray(kept, np.float64))
        if gone is not None and len(gone):
            self.pool.mark_stale(self._axis, gone, t_ms, gone=True)
        return len(self._rows)

    def append_stale(self, t_ms: int) -> None:
        """Mark every series stale: the target failed or is no longer there."""
        if self._axis is None or t_ms <= self.last_time or not len(self._rows):
            return
        self.pool.mark_stale(self._axis, self._rows, t_ms, gone=False)

    def remap(self) -> None:
        """Look at the layout's names again at the next append: the head keeps other ones now."""
        self._layout = None

    def _map(self, layout: Layout, t_ms: int) -> Rows:
        """Find or make the rows of a layout; return the rows that it lacks."""
        places = self._places(layout)
        row_of = dict(zip(self.pool.hashes[self._rows].tolist(), self._rows.tolist(), strict=True))
        lost = {number: row for number, row in row_of.items() if number not in places}
        self._gone.update({number: (row, t_ms) for number, row in lost.items()})
        row_of = {number: row for number, row in row_of.items() if number in places}
        row_of.update(self._revive([number for number in places if number in self._gone]))
        row_of.update(self._add(layout, [number for number in places if number not in row_of], places, len(row_of)))
        found = [(row_of[number], place) for number, place in places.items() if number in row_of]
        self._rows = np.array([row for row, _ in found], np.intp)
        complete = len(found) == len(layout.labels)
        self._taken = None if complete else np.array([place for _, place in found], np.intp)
        self._layout = layout
        return np.array(list(lost.values()), np.intp)

    def _places(self, layout: Layout) -> dict[int, int]:
        """Return the place of each series that is kept, by the hash of its labels."""
        keep = self._head.keep
        places: dict[int, int] = {}
        for place, labels in enumerate(layout.labels):
            if keep is None or keep(labels["__name__"]):
                number = series_hash(labels)
                if number in places:
                    self._head.reject("duplicate", self.key, 1)
                else:
                    places[number] = place
        return places

    def _revive(self, numbers: list[int]) -> dict[int, int]:
        rows = {number: self._gone.pop(number)[0] for number in numbers}
        if rows and self._axis is not None:
            self.pool.revive(self._axis, np.array(list(rows.values()), np.intp))
        return rows

    def _add(self, layout: Layout, numbers: list[int], places: dict[int, int], held: int) -> dict[int, int]:
        if self._limited:
            numbers = numbers[: self._head.admit(self.key, len(numbers), held + len(self._gone))]
        if not numbers or self._axis is None:
            return {}
        self._head.exempt += 0 if self._limited else len(numbers)
        rows = self.pool.new_rows([layout.labels[places[number]] for number in numbers], numbers, self._axis)
        self._head.index.add(self.pool, rows)
        return dict(zip(numbers, rows.tolist(), strict=True))

    def prune(self, cutoff_ms: int) -> bool:
        """Drop series without a sample after a time; tell whether anything is left."""
        if self._axis is None:
            return False
        if self.last_time < cutoff_ms:
            self._release([*self._rows.tolist(), *(row for row, _ in self._gone.values())])
            self._gone, self._layout, self._rows = {}, None, np.empty(0, np.intp)
            self.pool.free_axis(self._axis)
            self._axis = None
            return False
        old = {number: row for number, (row, ended) in self._gone.items() if ended < cutoff_ms}
        self._release(list(old.values()))
        for number in old:
            del self._gone[number]
        return True

    def _release(self, some: list[int]) -> None:
        if some:
            rows = np.array(some, np.intp)
            self._head.exempt -= 0 if self._limited else len(some)
            self._head.index.remove(self.pool, rows)
            self.pool.free_rows(rows)
