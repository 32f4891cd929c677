"""One query's state: steps, storage, limits, annotations, and the results shared within a tick."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql import ast
from services.evaluator.promql.annotations import Annotations
from services.evaluator.promql.durations import milliseconds
from services.evaluator.promql.errors import EvaluationError, QueryTimeoutError, SampleLimitError
from services.evaluator.promql.grid import counted
from services.evaluator.promql.storage import Block, Floats, Matcher, Storage, Times
from services.evaluator.promql.table import Labels, Table
from services.evaluator.promql.values import Vector

if TYPE_CHECKING:
    from services.evaluator.promql.shared import Unions

DUPLICATES = "vector cannot contain metrics with the same labelset"


class Tables:
    """The tables of the storage's layouts, least recently used first out; bounded by rows."""

    def __init__(self, max_rows: int = 4_000_000) -> None:
        self.max_rows = max_rows
        self._rows = 0
        self._tables: OrderedDict[Hashable, Table] = OrderedDict()

    def of(self, blocks: Sequence[Block]) -> Table:
        """Return the table of the blocks' series, the same object as long as the layouts stay."""
        key = tuple([block.layout for block in blocks])
        table = self._tables.get(key)
        if table is None:
            rows: Sequence[Labels] = (
                blocks[0].labels if len(blocks) == 1 else [labels for block in blocks for labels in block.labels]
            )
            table = self._tables[key] = Table(rows, unique=True)
            self._rows += table.size
            while self._rows > self.max_rows and len(self._tables) > 1:
                self._rows -= self._tables.popitem(last=False)[1].size
        self._tables.move_to_end(key)
        return table


@dataclass
class Budget:
    """What a query may still use."""

    max_samples: int
    deadline: float
    monotonic: Callable[[], float] | None
    samples: int = 0

    def spend(self, samples: int) -> None:
        """Count samples read. Raises SampleLimitError."""
        self.samples += samples
        if self.samples > self.max_samples:
            raise SampleLimitError(
                f"query processing would load more than {self.max_samples} samples into memory; "
                "narrow the selectors or the range"
            )

    def check_time(self) -> None:
        """Raise QueryTimeoutError past the deadline."""
        if self.monotonic is not None and self.monotonic() > self.deadline:
            raise QueryTimeoutError("query timed out in expression evaluation; narrow the selectors or the range")


@dataclass
class Settings:
    """What the engine is set to, and `native_calls`: how often it met a function of native histograms."""

    lookback_ms: int
    subquery_step_ms: int
    delayed_names: bool
    native_calls: int = 0


@dataclass
class Run:
    """One evaluation over steps (T, ms); sub-queries derive their own with other steps."""

    storage: Storage
    settings: Settings
    tables: Tables
    budget: Budget
    start_ms: int
    end_ms: int
    step_ms: int
    steps: Times
    annotations: Annotations = field(default_factory=Annotations)
    memo: dict[Hashable, Any] = field(default_factory=dict)
    shared: "Unions | None" = None
    """What rules of this tick compute together; None in queries of their own."""
    scope: Hashable = None
    """Which of a tick's rules compute together."""

    def at_steps(self, steps: Times) -> "Run":
        """Return the same query over other steps."""
        key = ("steps", int(steps[0]) if len(steps) else 0, len(steps), int(steps[-1]) if len(steps) else 0)
        return replace(self, steps=steps, memo=self.memo.setdefault(key, {}), shared=None)

    def milliseconds(self, duration: ast.Duration, *, positive: bool = False) -> int:
        """Work out a duration of the expression."""
        span = (self.end_ms - self.start_ms) / 1000
        return milliseconds(duration, step_s=self.step_ms / 1000, range_s=span, positive=positive)

    def eval_times(self, at: ast.At | None, offset: ast.Duration) -> tuple[Times, bool]:
        """Return the times to look at (T, or 1 and True when `@` fixes them)."""
        shift = self.milliseconds(offset)
        if at is None:
            return self.steps - shift, False
        fixed = {"time": at.t_ms, "start": self.start_ms, "end": self.end_ms}[at.kind]
        return np.array([fixed - shift], np.int64), True

    def bounds(self, times: Times, edges_ms: Times) -> NDArray[np.intp]:
        """Count, for each axis and edge (G x K), the columns with a time <= the edge; once for equal requests."""
        if len(edges_ms) != 1:
            return counted(times, edges_ms)
        key = ("bounds", id(times), int(edges_ms[0]))
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = times, counted(times, edges_ms)  # the times are held, so that the id stays theirs
        return found[1]

    def select(
        self, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int, *, each: int | None = None
    ) -> Sequence[Block]:
        """Read from the storage, once for equal requests; `each` samples of a series are used, None: all."""
        key = ("select", matchers, start_ms, end_ms)
        blocks = self.memo.get(key)
        if blocks is None:
            self.budget.check_time()
            blocks = [block for block in self.storage.select(matchers, start_ms, end_ms) if len(block.labels)]
            self.memo[key] = blocks
        self.budget.spend(sum([block.samples if each is None else each * len(block.labels) for block in blocks]))
        return blocks

    def unnamed(self, vector: Vector) -> Vector:
        """Take the metric names away; an error where two series become one."""
        table = vector.table.unnamed(delayed=self.settings.delayed_names)
        return self.distinct(Vector(table, vector.values, vector.present))

    def distinct(self, vector: Vector) -> Vector:
        """Refuse two samples with equal labels at one step. Raises EvaluationError."""
        if not self.settings.delayed_names and not vector.table.unique:
            refuse_duplicates(vector)
        return vector

    def constant(self, value: float) -> Floats:
        """Return the value for every step."""
        return np.full(len(self.steps), value)


def refuse_duplicates(vector: Vector) -> None:
    """Raise EvaluationError when two present samples of a step have equal labels."""
    table = vector.table
    ids = table.cached("identity", lambda: identities(table))
    counts = np.zeros((table.size, vector.steps), np.intp)
    np.add.at(counts, ids, vector.mask)
    if (counts > 1).any():
        raise EvaluationError(DUPLICATES)


def identities(table: Table) -> "np.ndarray[Any, np.dtype[np.intp]]":
    """Return for each row the first row with equal labels."""
    seen: dict[Hashable, int] = {}
    keys = [frozenset(row.items()) for row in table.labels]
    return np.array([seen.setdefault(key, index) for index, key in enumerate(keys)], np.intp)


def merged(vector: Vector) -> Vector:
    """Make one row of rows with equal labels, present at different steps. Raises EvaluationError at a common one."""
    table = vector.table
    if table.unique:
        return vector
    refuse_duplicates(vector)
    ids = table.cached("identity", lambda: identities(table))
    mask, cells = vector.mask.copy(), np.array(vector.values)
    for row in np.flatnonzero(ids != np.arange(table.size)).tolist():
        first = ids[row]
        cells[first] = np.where(mask[row], cells[row], cells[first])
        mask[first] |= mask[row]
    kept = np.flatnonzero(ids == np.arange(table.size))
    once = table.cached("once", lambda: table.take(kept))
    return Vector(once, cells[kept], mask[kept])
