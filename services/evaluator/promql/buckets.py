"""Classic histograms: the buckets of each one as a row of a matrix."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.evaluator.promql.lexer import parse_number
from services.evaluator.promql.storage import Bools, Floats, Rows
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Vector

if TYPE_CHECKING:
    from collections.abc import Hashable

SMALL_DELTA = 1e-12
LEAST = 2  # buckets that a histogram needs


@dataclass(frozen=True, eq=False, slots=True)
class Histograms:
    """Which row is which bucket: `slots` (n) in a G x B matrix, -1 for rows without a bound; `bounds` G x B."""

    table: Table
    rows: Rows
    slots: Rows
    bounds: Floats
    widths: Rows
    malformed: tuple[tuple[str, str], ...]


def histograms_of(table: Table) -> Histograms:
    """Group a table's rows into histograms by all labels but `le`; kept with the table."""
    return table.cached("histograms", lambda: _make(table))


def _bound(text: str | None) -> float | None:
    if text is None:
        return None
    sign, digits = (-1.0, text[1:]) if text[:1] == "-" else (1.0, text.removeprefix("+"))
    if digits.lower() in {"inf", "infinity"}:
        return sign * np.inf
    value = None if not digits or digits[-1] in "smhdwy" else parse_number(digits)
    return None if value is None else sign * value


def _grouped(table: Table) -> tuple[list[int], Table]:
    """Return each row's histogram and the histograms' labels, the metric name included."""
    seen: dict[Hashable, int] = {}
    first: list[int] = []
    ids = []
    for row, key in enumerate(table.signatures(("le",), on=False)):
        number = seen.setdefault(key, len(seen))
        if number == len(first):
            first.append(row)
        ids.append(number)
    rows = [{name: value for name, value in table.row(row).items() if name != "le"} for row in first]
    return ids, Table(rows, pending=None if table.pending is None else table.pending[first], unique=True)


def _make(table: Table) -> Histograms:
    ids, own = _grouped(table)
    per_group: list[dict[float, None]] = [{} for _ in range(own.size)]
    bounds_of: list[float | None] = []
    malformed: dict[tuple[str, str], None] = {}
    for labels, group in zip(table.labels, ids, strict=True):
        bound = _bound(labels.get("le"))
        bounds_of.append(bound)
        if bound is None:
            malformed[labels.get("__name__", ""), labels.get("le", "")] = None
        else:
            per_group[group][bound] = None
    width = max((len(found) for found in per_group), default=0)
    bounds = np.full((len(per_group), width), np.nan)
    place: list[dict[float, int]] = []
    for group, found in enumerate(per_group):
        ordered = sorted(found)
        bounds[group, : len(ordered)] = ordered
        place.append({bound: index for index, bound in enumerate(ordered)})
    rows = [row for row, bound in enumerate(bounds_of) if bound is not None]
    slots = [
        group * width + place[group][bound] for group, bound in zip(ids, bounds_of, strict=True) if bound is not None
    ]
    widths = np.array([len(found) for found in per_group], np.intp)
    return Histograms(own, np.array(rows, np.intp), np.array(slots, np.intp), bounds, widths, tuple(malformed))


@dataclass(frozen=True, eq=False, slots=True)
class Buckets:
    """One step's histograms: G x B bounds and cumulative counts, `widths` of them real; `fixed`: made monotonic."""

    bounds: Floats
    counts: Floats
    widths: Rows
    fixed: Bools

    @property
    def total(self) -> Floats:
        """Observations of each histogram, NaN without a +Inf bucket."""
        rows = np.arange(len(self.widths))
        last = np.maximum(self.widths - 1, 0)
        if not self.bounds.shape[1]:
            return np.full(len(rows), np.nan)
        endless = (self.widths > 0) & np.isposinf(self.bounds[rows, last])
        return np.where(endless, self.counts[rows, last], np.nan)


def buckets_at(histograms: Histograms, vector: Vector, step: int, *, monotonic: bool = True) -> Buckets:
    """Bring the samples of one step into the matrix; absent buckets are closed up."""
    shape = histograms.bounds.shape
    counts, seen = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1], np.bool_)
    rows, slots = histograms.rows, histograms.slots
    if vector.present is not None:
        here = vector.present[rows, step]
        rows, slots = rows[here], slots[here]
    np.add.at(counts, slots, vector.values[rows, step])
    seen[slots] = True
    counts, seen = counts.reshape(shape), seen.reshape(shape)
    bounds, widths = histograms.bounds, histograms.widths
    if not (seen.sum(axis=1) == widths).all():
        order = np.argsort(~seen, axis=1, kind="stable")
        counts, bounds = np.take_along_axis(counts, order, axis=1), np.take_along_axis(bounds, order, axis=1)
        widths = seen.sum(axis=1)
    counts, fixed = _monotonic(counts, widths) if monotonic else (counts, np.zeros(shape[0], np.bool_))
    return Buckets(bounds, counts, widths, fixed)


def _monotonic(counts: Floats, widths: Rows) -> tuple[Floats, Bools]:
    """Lift falling counts to the one before; differences below 1e-12 are taken for rounding and not reported."""
    fixed = np.zeros(len(counts), np.bool_)
    if counts.shape[1] < LEAST:
        return counts, fixed
    rise = counts[:, 1:] - counts[:, :-1]
    if ((rise == 0) | (rise >= SMALL_DELTA * (np.abs(counts[:, 1:]) + np.abs(counts[:, :-1])))).all():
        return counts, fixed  # as nearly always
    counts = counts.copy()
    for column in range(1, counts.shape[1]):
        before, here = counts[:, column - 1], counts[:, column]
        real = column < widths
        close = np.abs(before - here) < SMALL_DELTA * (np.abs(before) + np.abs(here))
        falls = (here < before) & real
        fixed |= falls & ~close
        counts[:, column] = np.where((falls | close) & real, before, here)
    return counts, fixed


def quantile(buckets: Buckets, q: float) -> Floats:
    """Return each histogram's q-quantile by linear interpolation; NaN without observations or a +Inf bucket."""
    total = buckets.total
    if np.isnan(q) or q < 0 or q > 1:
        return np.full(len(total), np.nan if np.isnan(q) else np.copysign(np.inf, q - 0.5))
    groups, width = buckets.counts.shape
    if width < LEAST:
        return np.full(groups, np.nan)
    rows, columns = np.arange(groups), np.arange(width)
    rank = q * total
    reached = (buckets.counts >= rank[:, None]) & (columns < buckets.widths[:, None] - 1)
    found = np.where(reached.any(axis=1), np.argmax(reached, axis=1), np.maximum(buckets.widths - 1, 0))
    before = np.maximum(found - 1, 0)
    first = found == 0
    low = np.where(first, 0.0, buckets.bounds[rows, before])
    below = np.where(first, 0.0, buckets.counts[rows, before])
    high, count = buckets.bounds[rows, found], buckets.counts[rows, found] - below
    value = low + (high - low) * ((rank - below) / count)
    value = np.where(first & (high <= 0), high, value)
    last = found == buckets.widths - 1
    value = np.where(last, buckets.bounds[rows, np.maximum(buckets.widths - 2, 0)], value)
    return np.where((buckets.widths >= LEAST) & (total != 0) & ~np.isnan(total), value, np.nan)


def fraction(buckets: Buckets, lower: float, upper: float) -> Floats:
    """Return the share of each histogram's observations between two values, by linear interpolation."""
    total = buckets.total
    if np.isnan(lower) or np.isnan(upper):
        return np.full(len(total), np.nan)
    share = (_rank(buckets, upper) - _rank(buckets, lower)) / total if lower < upper else np.zeros(len(total))
    return np.where((total != 0) & ~np.isnan(total), share, np.nan)


def _rank(buckets: Buckets, value: float) -> Floats:
    """Return how many observations lie at or below a value."""
    groups, width = buckets.counts.shape
    rank = np.zeros(groups)
    done = np.zeros(groups, np.bool_)
    before = np.zeros(groups)
    low = np.full(groups, -np.inf)
    for column in range(width):
        real = (column < buckets.widths) & ~done
        high, count = buckets.bounds[:, column], buckets.counts[:, column]
        start = np.where(high > 0, 0.0, -np.inf) if column == 0 else low
        reached = real & (start >= value)
        inside = real & (start < value) & (high > value)
        part = before + (count - before) * (value - start) / (high - start)
        part = np.where(np.isinf(start) | np.isinf(high), np.where(np.isinf(start), count, before), part)
        rank = np.where(reached, before, np.where(inside, part, rank))
        done |= reached | inside
        before, low = np.where(real, count, before), np.where(real, high, low)
    total = buckets.total
    return np.where(done, np.minimum(rank, total), total)
