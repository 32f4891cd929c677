"""Which rows meet a set of matchers; answers are kept until a series of the metric comes or goes."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.evaluator.head.layout import Labels
from services.evaluator.head.pool import Pool
from services.evaluator.promql.storage import Matcher, Rows

_KEPT_SELECTIONS = 20_000


@dataclass(eq=False, slots=True)
class PoolRows:
    """The rows of one pool that a selection found, in order, with what the engine caches on."""

    pool: Pool
    rows: Rows
    serials: bytes
    labels: list[Labels]
    layout: Hashable


@dataclass(eq=False, slots=True)
class Selection:
    """An answer: rows by pool, and series that several targets hold (each a list of pool and row)."""

    version: int
    parts: list[PoolRows]
    shared: list[list[tuple[Pool, int]]] = field(default_factory=list)


class Index:
    """Rows by metric name, over all pools; `series` counts them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[Pool, set[int]]] = {}
        self._versions: dict[str, int] = {}
        self._version = 0
        self._owners: dict[int, int] = {}
        self._selections: OrderedDict[tuple[Matcher, ...], Selection] = OrderedDict()
        self.series = 0

    def add(self, pool: Pool, rows: Rows, hashes: Sequence[int]) -> None:
        """Take in series whose labels the pool knows."""
        self.series += len(rows)
        for row, number in zip(rows.tolist(), hashes, strict=True):
            name = self._touch(pool, row)
            self._names.setdefault(name, {}).setdefault(pool, set()).add(row)
            self._owners[number] = self._owners.get(number, 0) + 1

    def remove(self, pool: Pool, rows: Rows, hashes: Sequence[int]) -> None:
        """Forget series, before the pool does."""
        self.series -= len(rows)
        for row, number in zip(rows.tolist(), hashes, strict=True):
            name = self._touch(pool, row)
            pools = self._names[name]
            pools[pool].discard(row)
            if not pools[pool]:
                del pools[pool]
            if not pools:
                del self._names[name]
            self._owners[number] -= 1
            if not self._owners[number]:
                del self._owners[number]

    def _touch(self, pool: Pool, row: int) -> str:
        labels = pool.labels[row] or {}
        name = labels.get("__name__", "")
        self._version += 1
        self._versions[name] = self._version
        return name

    @property
    def names(self) -> list[str]:
        """All metric names."""
        return sorted(self._names)

    def select(self, matchers: tuple[Matcher, ...]) -> Selection:
        """Return the rows that meet all matchers."""
        name = next((item.value for item in matchers if item.name == "__name__" and item.op == "="), None)
        version = self._version if name is None else self._versions.get(name, 0)
        known = self._selections.get(matchers)
        if known is not None and known.version == version:
            return known
        made = self._make(matchers, name, version, known)
        self._selections[matchers] = made
        self._selections.move_to_end(matchers)
        if len(self._selections) > _KEPT_SELECTIONS:
            self._selections.popitem(last=False)
        return made

    def _candidates(self, matchers: tuple[Matcher, ...], name: str | None) -> Iterator[tuple[Pool, set[int]]]:
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
        conditions = [(item.name, item.predicate()) for item in matchers]
        found: dict[Pool, list[int]] = {}
        for pool, rows in self._candidates(matchers, name):
            for row in rows:
                labels = pool.labels[row] or {}
                if all(fits(labels.get(label, "")) for label, fits in conditions):
                    found.setdefault(pool, []).append(row)
        shared = self._take_shared(found)
        before = {part.pool: part for part in known.parts} if known is not None else {}
        parts = [self._part(pool, rows, before.get(pool)) for pool, rows in found.items() if rows]
        return Selection(version, parts, shared)

    def _part(self, pool: Pool, found: list[int], before: PoolRows | None) -> PoolRows:
        rows = np.array(sorted(found), np.intp)
        serials = pool.serials[rows].tobytes()
        if before is not None and before.serials == serials:
            return before
        labels = [pool.labels[row] or {} for row in rows.tolist()]
        return PoolRows(pool, rows, serials, labels, object())

    def _take_shared(self, found: dict[Pool, list[int]]) -> list[list[tuple[Pool, int]]]:
        """Take series out that several targets hold; they are read as one."""
        if len(self._owners) == self.series:
            return []
        groups: dict[int, list[tuple[Pool, int]]] = {}
        for pool, rows in found.items():
            for row in rows:
                number = hash(frozenset((pool.labels[row] or {}).items()))
                if self._owners[number] > 1:
                    groups.setdefault(number, []).append((pool, row))
        for pool, rows in found.items():
            taken = {row for group in groups.values() for owner, row in group if owner is pool}
            found[pool] = [row for row in rows if row not in taken]
        return list(groups.values())
