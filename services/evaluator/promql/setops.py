"""`and`, `or`, `unless`: presence by signature, values from one side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.storage import Bools, Floats, Rows
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Vector

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True, eq=False, slots=True)
class Sides:
    """Signature numbers of the rows of both sides."""

    left: Rows
    right: Rows
    count: int


def combine_sets(run: Run, node: ast.Binary, left: Vector, right: Vector) -> Vector:
    """Apply a set operator."""
    matching = node.matching or ast.Matching("many-to-many")
    names = matching.labels if matching.on else (*matching.labels, "__name__")
    sides = left.table.cached_with(
        right.table, ("sides", matching.on, names), lambda: _sides(left.table, right.table, names, on=matching.on)
    )
    if node.op == "or":
        return run.distinct(_union(sides, left, right))
    met = _seen(sides.right, right.mask, sides.count)[sides.left]
    return Vector(left.table, left.values, left.mask & (met if node.op == "and" else ~met))


def _sides(left: Table, right: Table, names: tuple[str, ...], *, on: bool) -> Sides:
    ids: dict[Hashable, int] = {}
    numbers = [
        np.array([ids.setdefault(key, len(ids)) for key in table.signatures(names, on=on)], np.intp)
        for table in (left, right)
    ]
    return Sides(numbers[0], numbers[1], len(ids))


def _seen(ids: Rows, mask: Bools, count: int) -> Bools:
    out = np.zeros((count, mask.shape[1]), np.bool_)
    np.logical_or.at(out, ids, mask)
    return out


def _union(sides: Sides, left: Vector, right: Vector) -> Vector:
    if not right.table.size:
        return left
    met = _seen(sides.left, left.mask, sides.count)[sides.right]
    values: Floats = np.concatenate([left.values, right.values])
    return Vector(left.table.concat(right.table), values, np.concatenate([left.mask, right.mask & ~met]))
