"""Label sets of a vector's rows, with everything that follows from them alone computed once and kept.

A table lives as long as the layout it came from, so groupings, joins and name removal cost nothing on later ticks.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from services.evaluator.promql.storage import Bools, Rows

Labels = Mapping[str, str]
METADATA = ("__name__", "__type__", "__unit__")
_METADATA_SET = frozenset(METADATA)
T = TypeVar("T")


class Table:
    """An ordered list of label sets that never changes.

    `dropped`: the metadata labels (name, type, unit) of the rows given are to be left out. `pending` (n): rows whose
    name goes when the query ends (delayed name removal). `unique`: known to hold no label set twice.
    """

    __slots__ = ("__weakref__", "_cache", "_labels", "_pairs", "_rows", "_unique", "dropped", "pending", "size")

    def __init__(
        self,
        rows: Sequence[Labels],
        *,
        dropped: bool = False,
        pending: Bools | None = None,
        unique: bool | None = None,
    ) -> None:
        self._rows = rows
        self.size = len(rows)
        self.dropped = dropped
        self.pending = pending
        self._unique = unique
        self._labels: Sequence[Labels] | None = None if dropped else rows
        self._cache: dict[Hashable, Any] = {}
        self._pairs: WeakKeyDictionary[Table, dict[Hashable, Any]] | None = None

    @property
    def labels(self) -> Sequence[Labels]:
        """All label sets."""
        if self._labels is None:
            self._labels = [without_metadata(row) for row in self._rows]
        return self._labels

    def row(self, index: int) -> Labels:
        """One label set."""
        if self._labels is None:
            return without_metadata(self._rows[index])
        return self._labels[index]

    def rows(self, indexes: Iterable[int]) -> list[Labels]:
        """Some label sets."""
        return [self.row(index) for index in indexes]

    @property
    def unique(self) -> bool:
        """Whether no label set stands twice."""
        if self._unique is None:
            self._unique = self._single_name() or len(set(self.signatures((), on=False))) == self.size
        return self._unique

    def _single_name(self) -> bool:
        """Without its one and only name, a unique table stays unique."""
        if not self.dropped or not self.size:
            return not self.size
        first = [self._rows[0].get(name) for name in METADATA]
        return bool(self._cache.get("base_unique")) and all(
            [row.get(name) for name in METADATA] == first for row in self._rows
        )

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for the key before, or make it."""
        try:
            return self._cache[key]  # type: ignore[no-any-return]  # a key is always used with one type
        except KeyError:
            made = self._cache[key] = make()
            return made

    def cached_with(self, other: "Table", key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for this pair of tables before, or make it; forgotten with either table."""
        if self._pairs is None:
            self._pairs = WeakKeyDictionary()
        made = self._pairs.setdefault(other, {})
        if key not in made:
            made[key] = make()
        return made[key]  # type: ignore[no-any-return]  # a key is always used with one type

    def unnamed(self, *, delayed: bool) -> "Table":
        """Return the table without metadata labels, or with their removal noted."""
        if delayed:
            return self.cached("pending", self._with_pending)
        return self if self.dropped else self.cached("unnamed", self._without_names)

    def _with_pending(self) -> "Table":
        return Table(self._rows, dropped=self.dropped, pending=np.ones(self.size, np.bool_), unique=self._unique)

    def _without_names(self) -> "Table":
        table = Table(self._rows, dropped=True)
        table._cache["base_unique"] = self._unique
        return table

    def settled(self) -> "Table":
        """Return the table with every pending removal done."""
        pending = self.pending
        if pending is None or not pending.any():
            return self
        return self.cached(
            "settled",
            lambda: Table(
                [without_metadata(row) if drop else row for row, drop in zip(self.labels, pending, strict=True)]
            ),
        )

    def signatures(self, names: tuple[str, ...], *, on: bool) -> list[Hashable]:
        """Return each row's key for matching `on` the names, or on all but the names and the metric name."""
        return self.cached(("signatures", on, names), lambda: self._signatures(names, on=on))

    def _signatures(self, names: tuple[str, ...], *, on: bool) -> list[Hashable]:
        if on:
            kept = [name for name in names if not (self.dropped and name in _METADATA_SET)]
            if len(kept) == 1:
                return [row.get(kept[0], "") for row in self._rows]
            return [tuple([row.get(name, "") for name in kept]) for row in self._rows]
        if not names:
            return [frozenset(row.items()) for row in self.labels]
        without = frozenset(names)
        if self.dropped:
            without |= _METADATA_SET
        return [frozenset([item for item in row.items() if item[0] not in without]) for row in self._rows]

    def take(self, rows: Rows) -> "Table":
        """Return some rows in the given order; not kept."""
        pending = None if self.pending is None else self.pending[rows]
        picked = [self._rows[index] for index in rows.tolist()]
        return Table(picked, dropped=self.dropped, pending=pending, unique=True if self._unique else None)

    def concat(self, other: "Table") -> "Table":
        """Return the rows of both."""
        return self.cached_with(other, "concat", lambda: self._concat(other))

    def _concat(self, other: "Table") -> "Table":
        pending = None
        if self.pending is not None or other.pending is not None:
            pending = np.concatenate([_flags(self), _flags(other)])
        return Table([*self.labels, *other.labels], pending=pending)

    def grouping(self, names: tuple[str, ...], *, without: bool) -> "Grouping":
        """Return the groups of `by (names)` or `without (names)`."""
        return self.cached(("grouping", names, without), lambda: self._grouping(names, without=without))

    def _grouping(self, names: tuple[str, ...], *, without: bool) -> "Grouping":
        if not without and not names:
            ids = np.zeros(self.size, np.intp)
            return Grouping(ids, Table([{}] if self.size else [], unique=True), self.size)
        hidden = frozenset(names) | _METADATA_SET if without else frozenset[str]()
        keys: list[Any] = (
            self.signatures(names, on=True)
            if not without
            else [frozenset([item for item in row.items() if item[0] not in hidden]) for row in self._rows]
        )
        seen: dict[Any, int] = {}
        first: list[int] = []
        ids = np.empty(self.size, np.intp)
        for index, key in enumerate(keys):
            group = seen.setdefault(key, len(first))
            if group == len(first):
                first.append(index)
            ids[index] = group
        rows = [_group_labels(self.row(index), names, hidden if without else None) for index in first]
        pending = None if self.pending is None else self.pending[np.array(first, np.intp)]
        return Grouping(ids, Table(rows, pending=pending, unique=True), self.size)


def _group_labels(row: Labels, names: tuple[str, ...], hidden: frozenset[str] | None) -> Labels:
    if hidden is not None:
        return {name: value for name, value in row.items() if name not in hidden}
    return {name: row[name] for name in names if row.get(name)}


def _flags(table: Table) -> Bools:
    return np.zeros(table.size, np.bool_) if table.pending is None else table.pending


def without_metadata(row: Labels) -> Labels:
    """Return the labels without name, type and unit."""
    return {name: value for name, value in row.items() if name not in _METADATA_SET}


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which group each row is in: `ids` (n); `table`, the groups' own labels."""

    ids: Rows
    table: Table
    size: int

    def __post_init__(self) -> None:
        order = np.argsort(self.ids, kind="stable")
        counts = np.bincount(self.ids, minlength=self.table.size)
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "starts", np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp))
        object.__setattr__(self, "sorted", bool((np.diff(self.ids) >= 0).all()))

    order: Rows = None  # type: ignore[assignment]  # set in __post_init__: rows, group by group
    counts: Rows = None  # type: ignore[assignment]  # set in __post_init__: rows in each group
    starts: Rows = None  # type: ignore[assignment]  # set in __post_init__: each group's first place in `order`
    sorted: bool = False
