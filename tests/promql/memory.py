"""Storages for tests: a dict of series, and the real head filled from one."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

import numpy as np

from services.evaluator.head import Head, Layout
from services.evaluator.promql.storage import ABSENT, STALE, Block, Matcher

Samples = Iterable[tuple[int, float | str]]


def number(value: float | str) -> float:
    return STALE if value == "stale" else float(value)


class MemoryStorage:
    """Series with samples at any times; all selected series share one axis, with holes where they have no sample."""

    def __init__(self) -> None:
        self.series: dict[frozenset[tuple[str, str]], dict[int, float]] = {}
        self.starts: dict[frozenset[tuple[str, str]], dict[int, int]] | None = None

    def start(self, labels: Mapping[str, str], starts: Iterable[tuple[int, int]]) -> None:
        """Say since when samples have counted; from then on every block says so, with 0 where it is unknown."""
        self.starts = {} if self.starts is None else self.starts
        self.starts.setdefault(frozenset(labels.items()), {}).update(starts)

    def load(self, series: Iterable[tuple[Mapping[str, str], Samples]]) -> None:
        for labels, samples in series:
            cells = self.series.setdefault(frozenset(labels.items()), {})
            cells.update((t_ms, number(value)) for t_ms, value in samples)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        found = [(dict(key), cells) for key, cells in self.series.items()]
        found = [(labels, cells) for labels, cells in found if all(m.matches(labels.get(m.name, "")) for m in matchers)]
        found.sort(key=lambda pair: sorted(pair[0].items()))
        times = sorted({t for _, cells in found for t in cells if start_ms < t <= end_ms})
        place = {t: index for index, t in enumerate(times)}
        values = np.full((len(found), len(times)), ABSENT)
        starts = None if self.starts is None else np.zeros(values.shape, np.int64)
        for row, (labels, cells) in enumerate(found):
            known = {} if self.starts is None else self.starts.get(frozenset(labels.items()), {})
            for t, value in cells.items():
                if t in place:
                    values[row, place[t]] = value
                    if starts is not None:
                        starts[row, place[t]] = known.get(t, 0)
        layout = tuple(frozenset(labels.items()) for labels, _ in found)
        axis = np.array(times, np.int64)
        return [Block([labels for labels, _ in found], axis, values, layout, starts=starts)] if found else []


class HeadStorage:
    """The real head; each load is a target of its own, all in one pool, so that series in two loads are merged."""

    def __init__(self, retention_s: float = 1e9) -> None:
        self.head = Head(retention_s=retention_s)
        self._loads = count()

    def load(self, series: Iterable[tuple[Mapping[str, str], Samples]]) -> None:
        cells_of: dict[frozenset[tuple[str, str]], dict[int, float]] = {}
        for labels, samples in series:
            cells_of.setdefault(frozenset(labels.items()), {}).update((t, number(value)) for t, value in samples)
        loaded = [(dict(key), cells) for key, cells in cells_of.items()]
        target = self.head.target(f"load-{next(self._loads)}", interval_s=1.0)
        layout = Layout(tuple(labels for labels, _ in loaded))
        for t_ms in sorted({t for _, cells in loaded for t in cells}):
            target.append(t_ms, layout, np.array([cells.get(t_ms, ABSENT) for _, cells in loaded]))

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        return self.head.select(matchers, start_ms, end_ms)
