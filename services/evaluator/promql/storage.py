"""The border between the engine and whatever holds the samples."""

import struct
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

import numpy as np
import re2
from numpy.typing import NDArray

from services.evaluator.promql.errors import PromqlError

STALE_BITS = 0x7FF0000000000002
ABSENT_BITS = 0x7FF8000000000ABC
STALE: float = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]
ABSENT: float = struct.unpack("<d", struct.pack("<Q", ABSENT_BITS))[0]

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]
MatchOp = Literal["=", "!=", "=~", "!~"]

_REGEX = re2.Options()
_REGEX.dot_nl = True
_REGEX.log_errors = False


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> "re2._Regexp":
    """Return the RE2 pattern; a dot matches a newline too, as in Prometheus. Raises PromqlError."""
    try:
        return re2.compile(pattern, _REGEX)
    except re2.error as problem:
        detail = problem.args[0]
        text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise PromqlError(f"error parsing regexp {pattern!r}: {text}") from None


class Matcher(NamedTuple):
    """One condition on a label's value; a missing label has the empty value. Regexes are RE2 and match in full.

    A tuple, as many look-ups a tick hash it.
    """

    name: str
    op: MatchOp
    value: str

    def matches(self, value: str) -> bool:
        """Tell whether a label value meets the condition."""
        return self.predicate()(value)

    def predicate(self) -> Callable[[str], bool]:
        """Return the condition as a function, cheaper than `matches` for many values."""
        wanted = self.value
        if self.op == "=":
            return wanted.__eq__
        if self.op == "!=":
            return wanted.__ne__
        fullmatch = compile_regex(wanted).fullmatch
        if self.op == "=~":
            return lambda value: fullmatch(value) is not None
        return lambda value: fullmatch(value) is None


class Matrix(Protocol):
    """What blocks are rows of, for reading many blocks at once; its arrays are by row."""

    @property
    def axes(self) -> Rows:
        """Each row's axis, its place in the times."""
        ...

    @property
    def last_hole(self) -> Times:
        """See Block."""
        ...

    @property
    def last_drop(self) -> Times:
        """See Block."""
        ...

    def view(self, start_ms: int, end_ms: int) -> tuple[Times, Floats]:
        """Return times and values of the columns that hold every sample with start < t <= end."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Series that share time axes.

    `labels`: n label sets with `__name__`, never changed by anybody. `times`: m ascending milliseconds, or g x m
    with `axes` (n) naming each series' row. `values`: n x m, or r x m with `rows` (n) naming each series' row; a cell
    is a sample, ABSENT or STALE (by their bits). The engine looks at times itself, so columns may reach beyond the
    times asked for. `layout`: equal values mean equal labels in equal order; joins and groupings are cached on it.
    `last_hole` and `last_drop` (n, ms), where known: no ABSENT or STALE cell, and no decrease, after that time.
    `within`: what `rows` are rows of; it tells holes and drops where the block does not.
    `starts` (as `values`, ms), where known: since when each sample has counted; 0 is unknown.
    """

    labels: Sequence[Mapping[str, str]]
    times: Times
    values: Floats
    layout: Hashable
    axes: Rows | None = None
    rows: Rows | None = None
    last_hole: Times | None = None
    last_drop: Times | None = None
    starts: Times | None = None
    within: Matrix | None = None

    def holes(self) -> Times | None:
        """`last_hole`, or the matrix' own."""
        return self.last_hole if self.within is None or self.rows is None else self.within.last_hole[self.rows]

    def drops(self) -> Times | None:
        """`last_drop`, or the matrix' own."""
        return self.last_drop if self.within is None or self.rows is None else self.within.last_drop[self.rows]

    @property
    def samples(self) -> int:
        """The number of cells."""
        return len(self.labels) * int(self.values.shape[1])

    def matrix(self) -> Floats:
        """The cells as n x m."""
        return self.values if self.rows is None else self.values[self.rows]

    def pick(self, some: Rows) -> Floats:
        """The cells of some series."""
        return self.values[some if self.rows is None else self.rows[some]]

    def axis_times(self) -> Times:
        """The times as g x m."""
        return self.times[None, :] if self.times.ndim == 1 else self.times


class Storage(Protocol):
    """Where samples come from."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        """Return the samples with start < t <= end of every series that meets all matchers."""
        ...


def absent_cells(values: Floats) -> Bools:
    """Tell which cells hold no sample at all."""
    return np.asarray(values.view(np.int64) == ABSENT_BITS, dtype=np.bool_)


def stale_cells(values: Floats) -> Bools:
    """Tell which cells hold a staleness marker."""
    return np.asarray(values.view(np.int64) == STALE_BITS, dtype=np.bool_)
