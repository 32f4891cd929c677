"""What a function is, and the ways to make one's body."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.extended import check_extension
from services.evaluator.promql.grid import Windows
from services.evaluator.promql.select import Range, joined
from services.evaluator.promql.shared import Asked, Carried, Kernel
from services.evaluator.promql.storage import Floats
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Scalar, Text, Value, Vector


class Evaluator(Protocol):
    """How a body gets its arguments' values."""

    def value(self, run: Run, expr: ast.Expr) -> Value:
        """Evaluate an argument that is not a range vector."""
        ...

    def windows(self, run: Run, expr: ast.Expr) -> Range:
        """Evaluate a range vector."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Invocation:
    """One call of a function within a query."""

    run: Run
    node: ast.Call
    evaluator: Evaluator

    def vector(self, index: int) -> Vector:
        """The value of an instant vector argument."""
        value = self.evaluator.value(self.run, self.node.args[index])
        if not isinstance(value, Vector):
            raise TypeError(f"{self.node.name} takes a vector")
        return value

    def scalar(self, index: int) -> Floats:
        """The values of a scalar argument, one per step."""
        value = self.evaluator.value(self.run, self.node.args[index])
        if not isinstance(value, Scalar):
            raise TypeError(f"{self.node.name} takes a scalar")
        return value.values

    def text(self, index: int) -> str:
        """The value of a string argument."""
        value = self.evaluator.value(self.run, self.node.args[index])
        if not isinstance(value, Text):
            raise TypeError(f"{self.node.name} takes a string")
        return value.value

    def windows(self, index: int) -> Range:
        """The value of a range vector argument."""
        samples = self.evaluator.windows(self.run, self.node.args[index])
        check_extension(samples.extension, self.node.name)
        return samples


Body = Callable[[Invocation], Value]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: `signature` and `doc` go to the manual; `body` computes it."""

    name: str
    signature: str
    doc: str
    body: Body


def over_windows(
    kernel: Kernel,
    *,
    keeps_name: bool = False,
    matrix: int = 0,
    timed: bool = False,
    counter: bool = False,
    note: "Note | None" = None,
    carried: Carried | None = None,
) -> Body:
    """Make a body of a kernel `(windows, *scalars) -> values, present` that is applied to each step's windows.

    `matrix`: which argument is the range vector, the others being scalars. `timed`: the kernel looks at the time of
    evaluation, so equal windows may give different results. `counter`: a decrease is a reset.
    """

    def body(call: Invocation) -> Value:
        scalars = [call.scalar(index) for index in range(len(call.node.args)) if index != matrix]
        result = _together(call, matrix, kernel, scalars, carried)
        if result is None:
            samples = call.windows(matrix)
            if counter and samples.extension:
                samples = replace(samples, counter=True)
            if note is not None:
                note(call, samples.table, samples)
            result = apply_kernel(call.run, samples, kernel, scalars, once=not scalars and not timed)
        elif note is not None:
            note(call, result.table, None)
        return result if keeps_name else call.run.unnamed(result)

    return body


def _together(
    call: Invocation, matrix: int, kernel: Kernel, scalars: list[Floats], carried: Carried | None
) -> Vector | None:
    """Compute with the other rules of the tick, where that can be done."""
    run, node = call.run, ast.unwrap(call.node.args[matrix])
    if run.shared is None or not isinstance(node, ast.RangeSelector):
        return None
    selector = node.selector
    if selector.at is not None or selector.extension:
        return None
    span, shift = run.milliseconds(node.window, positive=True), run.milliseconds(selector.offset)
    numbers = tuple([float(scalar[0]) for scalar in scalars])
    if any(number != number for number in numbers):  # noqa: PLR0124  NaN is no key
        return None
    end, spent = int(run.steps[0]) - shift, run.budget.samples
    blocks = run.select(selector.matchers, end - span, end)
    asked = Asked(kernel, numbers, carried, span, shift)
    parts = []
    for block in blocks:
        part = run.shared.results(run, asked, block)
        if part is None:
            run.budget.samples = spent  # they are selected again
            return None
        parts.append((part[0][:, None], None if part[1] is None else part[1][:, None]))
    return joined(run, list(blocks), parts, fixed=False)


Note = Callable[[Invocation, Table, Range | None], None]
"""Notes what the user should know of a call over the series of a table; the windows where they were cut."""


def apply_kernel(run: Run, samples: Range, kernel: Kernel, scalars: list[Floats], *, once: bool) -> Vector:
    """Apply a kernel step by step; once where all steps have the same windows."""
    steps = len(run.steps)
    if samples.table.size == 0:
        return Vector(samples.table, np.empty((0, steps)))
    columns, masks = [], []
    for step in range(1 if once and samples.fixed else steps):
        if not step % 64:
            run.budget.check_time()
        values, present = kernel(samples.at(step), *[float(scalar[step]) for scalar in scalars])
        columns.append(values)
        masks.append(present)
    out = columns[0][:, None] if len(columns) == 1 else np.stack(columns, axis=1)
    shape = (samples.table.size, steps)
    if all(mask is None for mask in masks):
        return Vector(samples.table, np.broadcast_to(out, shape))
    size = samples.table.size
    mask = np.stack([np.ones(size, np.bool_) if mask is None else mask for mask in masks], axis=1)
    return Vector(samples.table, np.broadcast_to(out, shape), np.broadcast_to(mask, shape))


def elementwise(function: Callable[..., Floats]) -> Body:
    """Make a body of a function of values (n x T) and scalars (T)."""

    def body(call: Invocation) -> Value:
        vector = call.vector(0)
        scalars = [call.scalar(index) for index in range(1, len(call.node.args))]
        return call.run.unnamed(Vector(vector.table, np.asarray(function(vector.values, *scalars)), vector.present))

    return body


def names_of(table: Table) -> list[str]:
    """Return the distinct metric names of series."""
    return table.cached("names", lambda: list(dict.fromkeys(row.get("__name__", "") for row in table.labels)))


__all__ = [
    "Body",
    "Evaluator",
    "Function",
    "Invocation",
    "Kernel",
    "Windows",
    "apply_kernel",
    "elementwise",
    "names_of",
    "over_windows",
]
