"""A storage for tests: a dict of series, blocks made on demand."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from services.evaluator.promql.storage import ABSENT, STALE, Block, Matcher


class MemoryStorage:
    """Series with samples at any times; all selected series share one axis, with holes where they have no sample."""

    def __init__(self) -> None:
        self.series: dict[frozenset[tuple[str, str]], dict[int, float]] = {}

    def add(self, labels: Mapping[str, str], samples: Iterable[tuple[int, float | str]]) -> None:
        cells = self.series.setdefault(frozenset(labels.items()), {})
        for t_ms, value in samples:
            cells[t_ms] = STALE if value == "stale" else float(value)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        found = [(dict(key), cells) for key, cells in self.series.items()]
        found = [(labels, cells) for labels, cells in found if all(m.matches(labels.get(m.name, "")) for m in matchers)]
        found.sort(key=lambda pair: sorted(pair[0].items()))
        times = sorted({t for _, cells in found for t in cells if start_ms < t <= end_ms})
        place = {t: index for index, t in enumerate(times)}
        values = np.full((len(found), len(times)), ABSENT)
        for row, (_, cells) in enumerate(found):
            for t, value in cells.items():
                if t in place:
                    values[row, place[t]] = value
        layout = tuple(frozenset(labels.items()) for labels, _ in found)
        return [Block([labels for labels, _ in found], np.array(times, np.int64), values, layout)] if found else []
