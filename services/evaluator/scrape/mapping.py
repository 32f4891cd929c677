"""From a page's series to the series that are kept: target labels, relabelling, limits."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.evaluator.head import LabelSet, Layout, Tail, label_set
from services.evaluator.scrape.config import ScrapeConfig
from services.evaluator.scrape.errors import ScrapeError
from services.evaluator.scrape.exposition import parse_series
from services.evaluator.scrape.relabel import relabel
from services.evaluator.scrape.shapes import Shape
from services.evaluator.scrape.targets import Target

_PREFIX = "exported_"
_METRIC, _LABEL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*"), re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


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
        return None if self.timed or len(self.rows) == shape.count else self.rows


NOTHING = Mapped(np.empty(0, np.int64), Layout(()), (), frozenset(), 0, 0)
Keep = Callable[[str], bool] | None
_Found = Sequence[LabelSet | None]
# In place of labels: a series that no rule needs.
_UNWANTED = label_set({})


class SeriesMapper:
    """One target's mapping, computed anew only when the shape changes."""

    def __init__(self, target: Target, config: ScrapeConfig) -> None:
        self._labels = dict(target.labels)
        self._tail = Tail(self._labels)
        self._config = config
        self._shape: Shape | None = None
        self._mapped: Mapped | None = None
        self._keep: Keep = None
        self._found: _Found = ()

    def map(self, shape: Shape, keep: Keep = None) -> Mapped:
        """Return the mapping of a shape, of metric names that `keep` takes (None: all).

        Raises ScrapeError for a bad series and for what exceeds a limit.
        """
        old = self._shape
        if self._mapped is not None and old is not None and keep is self._keep:
            if shape is not old and shape.same_series(old):
                self._shape = shape
            if shape is self._shape:
                return self._mapped
        before = dict(zip(old.series, self._found, strict=True)) if old is not None else {}
        reusable = before if keep is self._keep else {}
        if keep is not self._keep:
            self._shape, self._found, self._keep = None, (), keep
        chosen = _Chosen(shape)
        known: dict[bytes, LabelSet | None] = {}
        found: list[LabelSet | None] = []
        for row, raw in enumerate(shape.series):
            one = known[raw] = reusable[raw] if raw in reusable else self._series(raw, shape, row)
            found.append(one)
            if one is not None:
                repeats = shape.times is not None and shape.times[row] is not None
                chosen.take(row, raw, one, timed=self._config.honor_timestamps and repeats, may_repeat=repeats)
        self._check_count(shape.count, chosen.kept)
        mapped = chosen.mapped(sum(1 for raw, one in known.items() if one is not None and raw not in before))
        whole = len(mapped.layout.labels) == shape.count
        self._shape, self._found = shape, mapped.layout.labels if whole else tuple(found)
        # Series are "added" once: the next scrape of the same shape adds none.
        self._mapped = replace(mapped, added=0)
        return mapped

    def _check_count(self, scraped: int, kept: int) -> None:
        limit = self._config.sample_limit or 0
        if limit and kept > limit:
            raise ScrapeError("limit", f"{kept} samples exceed sample_limit {limit}", scraped=scraped, kept=kept)

    def _series(self, raw: bytes, shape: Shape, row: int) -> LabelSet | None:
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
        if self._keep is not None and not self._keep(after["__name__"]):
            return _UNWANTED
        made = LabelSet(after, self._tail, shape.texts[row])
        shape.texts[row] = made.own
        return made

    def _check_labels(self, labels: Mapping[str, str]) -> None:
        config, name = self._config, labels["__name__"]
        if config.label_limit and len(labels) > config.label_limit:
            raise ScrapeError("limit", f"{name} has {len(labels)} labels, more than label_limit {config.label_limit}")
        if config.legacy_names and not (_METRIC.fullmatch(name) and all(map(_LABEL.fullmatch, labels))):
            raise ScrapeError("format", f"{name[:80]!r} has a name that metric_name_validation_scheme legacy refuses")
        for label, value in labels.items():
            if config.label_name_length_limit and len(label.encode()) > config.label_name_length_limit:
                raise ScrapeError("limit", f"label name {label[:40]!r} of {name} exceeds label_name_length_limit")
            if config.label_value_length_limit and len(value.encode()) > config.label_value_length_limit:
                raise ScrapeError("limit", f"the value of label {label!r} of {name} exceeds label_value_length_limit")


class _Chosen:
    """What a shape's series come to, one after the other."""

    def __init__(self, shape: Shape) -> None:
        self.kept = 0
        self._shape = shape
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
        whole = len(self._rows) == self._shape.count
        rows = self._shape.every if whole else np.array(self._rows, dtype=np.int64)
        layout = Layout(self._labels, self._shape.owns)
        if whole:
            self._shape.owns = layout.labels.owns
        return Mapped(rows, layout, tuple(self._timed), names, self.kept, added)


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
