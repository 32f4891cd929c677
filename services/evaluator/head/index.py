"""Which rows meet a set of matchers; answers are kept until a series of the metric comes or goes."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.evaluator.head.labellist import RowLabels
from services.evaluator.head.layout import Labels
from services.evaluator.head.pool import Pool
from services.evaluator.promql.storage import Bools, Matcher, Rows

_KEPT_SELECTIONS = 20_000
_KEPT_ROUNDS = 20
_MOST_CHUNKS = 32
_FEW_VALUES = 1000
_ROWS_A_VALUE = 4


@dataclass(eq=False, slots=True)
class PoolRows:
    """The rows of one pool that a selection found, in order, with what the engine caches on."""

    pool: Pool
    rows: Rows
    axes: Rows
    serials: bytes
    labels: list[Labels]
    layout: Hashable


@dataclass(eq=False, slots=True)
class Selection:
    """An answer: rows by pool, and series that several targets hold (each a list of pool and row)."""

    version: int
    parts: list[PoolRows]
    shared: list[list[tuple[Pool, int]]] = field(default_factory=list)
    asked: int = 0


@dataclass(eq=False, slots=True)
class Values:
    """A label's values over rows: `codes` (in the order of the postings' pieces) are places in `distinct`."""

    codes: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    distinct: dict[str, int] = field(default_factory=dict)

    def extend(self, rows: Rows, labels: RowLabels, label: str) -> None:
        """Take in the values of rows that came after those that are known."""
        known, distinct = len(self.codes), self.distinct
        added = [distinct.setdefault(labels.value(row, label), len(distinct)) for row in rows[known:].tolist()]
        self.codes = np.concatenate([self.codes, np.array(added, np.int32)])

    def matching(self, matcher: Matcher) -> Bools:
        """Tell of each row whether its value meets the condition; each distinct value is looked at once."""
        if matcher.op == "=":
            return np.asarray(self.codes == self.distinct.get(matcher.value, -1))
        fits = matcher.predicate()
        return np.array([fits(value) for value in self.distinct], np.bool_)[self.codes]


class Postings:
    """Row numbers of a metric in a pool, in pieces that are joined when there are many."""

    __slots__ = ("_pieces", "_values")

    def __init__(self) -> None:
        self._pieces: list[Rows] = []
        self._values: dict[str, Values] = {}

    def add(self, rows: Rows) -> None:
        """Take in rows."""
        self._pieces.append(rows.astype(np.int32))
        if len(self._pieces) > _MOST_CHUNKS:
            # Small pieces only: a long one is joined when as much has come again, so that adding stays linear.
            total = 0
            place = len(self._pieces)
            while place and len(self._pieces[place - 1]) <= max(total, _MOST_CHUNKS):
                place -= 1
                total += len(self._pieces[place])
            self._pieces[place:] = [np.concatenate(self._pieces[place:])] if total else []

    def remove(self, rows: Rows) -> bool:
        """Forget rows; tell whether any is left."""
        kept = self.rows()
        kept = kept[~np.isin(kept, rows)]
        self._pieces = [kept.astype(np.int32)] if len(kept) else []
        self._values = {}
        return bool(self._pieces)

    def rows(self) -> Rows:
        """All rows, ascending."""
        return np.sort(self._joined()).astype(np.intp)

    def _joined(self) -> Rows:
        if not self._pieces:
            return np.empty(0, np.intp)
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def matching(self, conditions: Sequence[Matcher], labels: RowLabels) -> Rows:
        """The rows, ascending, whose labels meet all conditions."""
        rows = self._joined()
        kept = np.ones(len(rows), np.bool_)
        for condition in conditions:
            values = self._values.get(condition.name) or Values()
            values.extend(rows, labels, condition.name)
            # What differs from row to row would cost more memory than it saves time.
            if len(values.distinct) <= max(_FEW_VALUES, len(rows) // _ROWS_A_VALUE):
                self._values[condition.name] = values
            kept &= values.matching(condition)
        return np.sort(rows[kept]).astype(np.intp)


class Index:
    """Rows by metric name, over all pools; `series` counts them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[Pool, Postings]] = {}
        self._versions: dict[str, int] = {}
        self._version = self._round = 0
        self._selections: OrderedDict[tuple[Matcher, ...], Selection] = OrderedDict()
        self.series = 0

    def add(self, pool: Pool, rows: Rows) -> None:
        """Take in series whose labels the pool knows."""
        self.series += len(rows)
        for name, some in self._by_name(pool, rows):
            self._names.setdefault(name, {}).setdefault(pool, Postings()).add(some)

    def remove(self, pool: Pool, rows: Rows) -> None:
        """Forget series, before the pool does."""
        self.series -= len(rows)
        for name, some in self._by_name(pool, rows):
            pools = self._names[name]
            if not pools[pool].remove(some):
                del pools[pool]
            if not pools:
                del self._names[name]

    def _by_name(self, pool: Pool, rows: Rows) -> Iterator[tuple[str, Rows]]:
        """Group rows by metric name; what was answered about these names is no longer true."""
        groups: dict[str, list[int]] = {}
        for row in rows.tolist():
            groups.setdefault(pool.labels.value(row, "__name__"), []).append(row)
        self._version += 1
        for name, some in groups.items():
            self._versions[name] = self._version
            yield name, np.array(some, np.intp)

    @property
    def names(self) -> list[str]:
        """All metric names."""
        return sorted(self._names)

    def has(self, name: str) -> bool:
        """Tell whether any series has this metric name."""
        return name in self._names

    def select(self, matchers: tuple[Matcher, ...]) -> Selection:
        """Return the rows that meet all matchers."""
        known = self._selections.get(matchers)
        name = next((item.value for item in matchers if item.name == "__name__" and item.op == "="), None)
        version = self._version if name is None else self._versions.get(name, 0)
        if known is not None and known.version == version:
            known.asked = self._round
            return known
        made = self._make(matchers, name, version, known)
        made.asked = self._round
        self._selections[matchers] = made
        self._selections.move_to_end(matchers)
        if len(self._selections) > _KEPT_SELECTIONS:
            self._selections.popitem(last=False)
        return made

    def age(self) -> None:
        """Count one more round; forget answers that were not asked for in the last ones, such as a person's queries."""
        self._round += 1
        oldest = self._round - _KEPT_ROUNDS
        for matchers in [matchers for matchers, answer in self._selections.items() if answer.asked < oldest]:
            del self._selections[matchers]

    def _candidates(self, matchers: tuple[Matcher, ...], name: str | None) -> Iterator[tuple[Pool, Postings]]:
        if name is not None:
            yield from self._names.get(name, {}).items()
            return
        wanted = [item.predicate() for item in matchers if item.name == "__name__"]
        for metric, pools in self._names.items():
            if all(fits(metric) for fits in wanted):
                yield from pools.items()

    def _make(
        self, matchers: tuple[Matcher, ...], name: str | None, version: int, known: Selection | None
    ) -> Selection:
        conditions = [item for item in matchers if item.name != "__name__"]
        found: dict[Pool, list[Rows]] = {}
        for pool, postings in self._candidates(matchers, name):
            rows = postings.matching(conditions, pool.labels)
            if len(rows):
                found.setdefault(pool, []).append(rows)
        whole = {pool: np.sort(np.concatenate(pieces)) for pool, pieces in found.items()}
        shared = _take_shared(whole)
        for pool, row in (one for series in shared for one in series):
            pool.thaw(np.array([row], np.intp))
        before = {part.pool: part for part in known.parts} if known is not None else {}
        parts = [self._part(pool, rows, before.get(pool)) for pool, rows in whole.items() if len(rows)]
        return Selection(version, parts, shared)

    def _part(self, pool: Pool, rows: Rows, before: PoolRows | None) -> PoolRows:
        serials = pool.serials[rows].tobytes()
        if before is not None and before.serials == serials:
            return before
        pool.thaw(rows)
        labels: list[Labels] = [pool.labels[row] or {} for row in rows.tolist()]
        return PoolRows(pool, rows, pool.axes[rows], serials, labels, object())


def _take_shared(found: dict[Pool, Rows]) -> list[list[tuple[Pool, int]]]:
    """Take series out that several targets hold; they are read as one."""
    if not found:
        return []
    hashes = np.concatenate([pool.hashes[rows] for pool, rows in found.items()])
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return []
    groups: dict[int, list[tuple[Pool, int]]] = {}
    for pool, rows in found.items():
        own = np.isin(pool.hashes[rows], twice)
        for row in rows[own].tolist():
            groups.setdefault(int(pool.hashes[row]), []).append((pool, row))
        found[pool] = rows[~own]
    return list(groups.values())
