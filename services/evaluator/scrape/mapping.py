"""From a page's series to the series that are kept: target labels, relabelling, limits."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

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

    `rows` are the samples (indexes into the shape's series) of `layout`'s series, in its order; `timed` are series
    that bring their own timestamp: sample, labels. Both hold only what the head keeps; `kept` counts all that
    relabelling left, `added` those of them that are new.
    """

    rows: NDArray[np.int64]
    layout: Layout
    timed: tuple[tuple[int, Mapping[str, str]], ...]
    names: frozenset[str]
    kept: int
    added: int

    def wanted(self, shape: Shape) -> NDArray[np.int64] | None:
        """Return which values are worth parsing; None: all."""
        return None if self.timed or len(self.rows) == len(shape.series) else self.rows


NOTHING = Mapped(np.empty(0, np.int64), Layout(()), (), frozenset(), 0, 0)
Keep = Callable[[str], bool] | None
_Known = dict[bytes, LabelSet | None]
# In place of labels: a series that no rule needs.
_UNWANTED = label_set({})


class SeriesMapper:
    """One target's mapping, computed anew only when the shape changes."""

    def __init__(self, target: Target, config: ScrapeConfig) -> None:
        self._labels = dict(target.labels)
        self._config = config
        self._shape: Shape | None = None
        self._mapped: Mapped | None = None
        self._keep: Keep = None
        self._known: _Known = {}

    def map(self, shape: Shape, keep: Keep = None) -> Mapped:
        """Return the mapping of a shape, of metric names that `keep` takes (None: all).

        Raises ScrapeError for a bad series and for what exceeds a limit.
        """
        if self._mapped is not None and shape is self._shape and keep is self._keep:
            return self._mapped
        before = self._known
        if keep is not self._keep:
            self._known, self._keep = {}, keep
        known: _Known = {}
        chosen = _Chosen()
        for row, raw in enumerate(shape.series):
            found = self._known[raw] if raw in self._known else self._series(raw)
            known[raw] = found
            if found is not None:
                timed = self._config.honor_timestamps and shape.times is not None and shape.times[row] is not None
                repeats = shape.times is not None and shape.times[row] is not None
                chosen.take(row, raw, found, timed=timed, may_repeat=repeats)
        self._check_count(chosen.kept)
        added = sum(1 for raw in known if raw not in before and known[raw] is not None)
        self._shape, self._known = shape, known
        mapped = chosen.mapped(added)
        # Series are "added" once: the next scrape of the same shape adds none.
        self._mapped = replace(mapped, added=0)
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
        return label_set(after) if self._keep is None or self._keep(after["__name__"]) else _UNWANTED

    def _check_labels(self, labels: Mapping[str, str]) -> None:
        config, name = self._config, labels["__name__"]
        if config.label_limit and len(labels) > config.label_limit:
            raise ScrapeError("limit", f"{name} has {len(labels)} labels, more than label_limit {config.label_limit}")
        for label, value in labels.items():
            if config.label_name_length_limit and len(label.encode()) > config.label_name_length_limit:
                raise ScrapeError("limit", f"label name {label[:40]!r} of {name} exceeds label_name_length_limit")
            if config.label_value_length_limit and len(value.encode()) > config.label_value_length_limit:
                raise ScrapeError("limit", f"the value of label {label!r} of {name} exceeds label_value_length_limit")


class _Chosen:
    """What a shape's series come to, one after the other."""

    def __init__(self) -> None:
        self.kept = 0
        self._rows: list[int] = []
        self._labels: list[LabelSet] = []
        self._timed: list[tuple[int, LabelSet]] = []
        self._seen: set[Hashable] = set()

    def take(self, row: int, raw: bytes, labels: LabelSet, *, timed: bool, may_repeat: bool) -> None:
        # Of series that nobody needs the raw text is identity enough.
        identity: Hashable = raw if labels is _UNWANTED else frozenset(labels.items())
        if identity in self._seen and not may_repeat:
            return  # The same series twice in a page: the first counts, as in Prometheus.
        self._seen.add(identity)
        self.kept += 1
        if labels is _UNWANTED:
            return
        if timed:
            self._timed.append((row, labels))
        else:
            self._rows.append(row)
            self._labels.append(labels)

    def mapped(self, added: int) -> Mapped:
        names = frozenset(one["__name__"] for one in (*self._labels, *(one for _, one in self._timed)))
        rows = np.array(self._rows, dtype=np.int64)
        return Mapped(rows, Layout(tuple(self._labels)), tuple(self._timed), names, self.kept, added)


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
