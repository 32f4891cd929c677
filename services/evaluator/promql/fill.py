"""`fill`, `fill_left`, `fill_right`: a stand-in value for a series without a partner."""

from collections.abc import Hashable

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.storage import Rows
from services.evaluator.promql.table import Labels, Table
from services.evaluator.promql.values import Vector


def fill_missing(matching: ast.Matching, left: Vector, right: Vector) -> tuple[Vector, Vector]:
    """Add stand-ins for what each side lacks; their labels are those that the match looks at."""
    filled_left = left if matching.fill_left is None else _filled(matching, left, right, matching.fill_left)
    filled_right = right if matching.fill_right is None else _filled(matching, right, left, matching.fill_right)
    return filled_left, filled_right


def keys_of(table: Table, matching: ast.Matching) -> list[Hashable]:
    """Return the key of each row for a match."""
    if matching.on:
        return table.signatures(matching.labels, on=True)
    return table.signatures((*matching.labels, "__name__"), on=False)


def group_labels(labels: Labels, matching: ast.Matching) -> Labels:
    """Return the labels that a match looks at."""
    if matching.on:
        return {name: labels[name] for name in matching.labels if labels.get(name)}
    return {name: value for name, value in labels.items() if name not in matching.labels and name != "__name__"}


def _filled(matching: ast.Matching, side: Vector, other: Vector, stand_in: float) -> Vector:
    """Return a side with one row more per key of the other side, present where the other is and this is not."""
    ids: dict[Hashable, int] = {}
    other_ids = _numbers(keys_of(other.table, matching), ids)
    rows = len(ids)
    own_ids = _numbers(keys_of(side.table, matching), ids)
    wanted, met = np.zeros((len(ids), other.steps), np.bool_), np.zeros((len(ids), other.steps), np.bool_)
    np.logical_or.at(wanted, other_ids, other.mask)
    np.logical_or.at(met, own_ids, side.mask)
    first = {number: row for row, number in reversed(list(enumerate(other_ids.tolist())))}
    labels = [group_labels(other.table.row(first[number]), matching) for number in range(rows)]
    return Vector(
        side.table.concat(Table(labels)),
        np.concatenate([side.values, np.full((rows, side.steps), stand_in)]),
        np.concatenate([side.mask, (wanted & ~met)[:rows]]),
    )


def _numbers(keys: list[Hashable], ids: dict[Hashable, int]) -> Rows:
    return np.array([ids.setdefault(key, len(ids)) for key in keys], np.intp)
