"""From a page's series to the series that are kept: target labels, relabelling, limits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.head import LabelSet, Layout, label_set
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.exposition import parse_series
from services.evaluator.scrape.page_reader import Shape
from services.evaluator.scrape.relabel import relabel
from services.evaluator.scrape.targets import Target

_PREFIX = "exported_"


@dataclass(frozen=True)
class Mapped:
    """What one page shape comes to.

    `rows` are the lines (indexes into the page's values) of `layout`'s series, in its order; `timed` are series that
    bring their own timestamp: line, labels.
    """

    rows: NDArray[np.int64]
    layout: Layout
    timed: tuple[tuple[int, Mapping[str, str]], ...]
    names: frozenset[str]
    kept: int
    added: int


class SeriesMapper:
    """One target's mapping, computed anew only when the shape changes."""

    def __init__(self, target: Target, config: ScrapeConfig) -> None:
        self._labels = dict(target.labels)
        self._config = config
        self._shape: Shape | None = None
        self._mapped: Mapped | None = None
        self._known: dict[bytes, LabelSet | None] = {}

    def map(self, shape: Shape) -> Mapped:
        """Return the mapping of a shape; raises ScrapeError for a bad series and for what exceeds a limit."""
        if shape is self._shape and self._mapped is not None:
            return self._mapped
        known: dict[bytes, LabelSet | None] = {}
        seen: set[frozenset[tuple[str, str]]] = set()
        rows: list[int] = []
        labels: list[Mapping[str, str]] = []
        timed: list[tuple[int, Mapping[str, str]]] = []
        for row, raw in enumerate(shape.series):
            found = self._known[raw] if raw in self._known else self._series(raw)
            known[raw] = found
            if found is None:
                continue
            identity = frozenset(found.items())
            if identity in seen and (shape.times is None or shape.times[row] is None):
                continue  # The same series twice in a page: the first counts, as in Prometheus.
            seen.add(identity)
            if self._config.honor_timestamps and shape.times is not None and shape.times[row] is not None:
                timed.append((row, found))
            else:
                rows.append(row)
                labels.append(found)
        kept = len(rows) + len(timed)
        self._check_count(kept)
        added = sum(1 for raw in known if raw not in self._known and known[raw] is not None)
        names = frozenset(one["__name__"] for one in (*labels, *(one for _, one in timed)))
        mapped = Mapped(np.array(rows, dtype=np.int64), Layout(tuple(labels)), tuple(timed), names, kept, added)
        self._shape, self._known = shape, known
        # Series are "added" once: the next scrape of the same shape adds none.
        self._mapped = Mapped(mapped.rows, mapped.layout, mapped.timed, mapped.names, mapped.kept, 0)
        return mapped

    def _check_count(self, kept: int) -> None:
        limit = self._config.sample_limit or 0
        if limit and kept > limit:
            raise ScrapeError("limit", f"{kept} samples exceed sample_limit {limit}")

    def _series(self, raw: bytes) -> LabelSet | None:
        try:
            labels = parse_series(raw)
        except ValueError as error:
            raise ScrapeError("format", str(error)) from error
        merged = _with_target(labels, self._labels, honor=self._config.honor_labels)
        after = relabel(merged, self._config.metric_relabel_configs)
        if after is None:
            return None
        if "__name__" not in after:
            raise ScrapeError("format", f"metric relabelling removed the name of {raw.decode(errors='replace')[:80]}")
        self._check_labels(after)
        return label_set(after)

    def _check_labels(self, labels: Mapping[str, str]) -> None:
        config, name = self._config, labels["__name__"]
        if config.label_limit and len(labels) > config.label_limit:
            raise ScrapeError("limit", f"{name} has {len(labels)} labels, more than label_limit {config.label_limit}")
        for label, value in labels.items():
            if config.label_name_length_limit and len(label.encode()) > config.label_name_length_limit:
                raise ScrapeError("limit", f"label name {label[:40]!r} of {name} exceeds label_name_length_limit")
            if config.label_value_length_limit and len(value.encode()) > config.label_value_length_limit:
                raise ScrapeError("limit", f"the value of label {label!r} of {name} exceeds label_value_length_limit")


def _with_target(labels: Mapping[str, str], target: Mapping[str, str], *, honor: bool) -> dict[str, str]:
    """Return both label sets joined; where both have a name, the page's moves to `exported_*` unless honoured."""
    merged = {name: value for name, value in labels.items() if value}
    if honor:
        return {**{name: value for name, value in target.items() if name not in labels}, **merged}
    moved = [(name, merged[name]) for name in target if name in merged]
    merged.update(target)
    for name, value in sorted(moved, key=lambda pair: len(pair[0])):
        new = _PREFIX + name
        while new in merged:
            new = _PREFIX + new
        merged[new] = value
    return merged
