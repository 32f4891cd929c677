"""One-to-one and many-to-one matching of two vectors.

Which rows meet follows from the labels alone and is kept with the tables; which of them are present is looked at per
step. A signature held by several rows of the "one" side is an error only at a step where two of them are present.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.fill import fill_missing, group_labels, keys_of
from services.evaluator.promql.operators import elementwise
from services.evaluator.promql.storage import Bools, Rows
from services.evaluator.promql.table import METADATA, Labels, Table
from services.evaluator.promql.values import Vector, both

MAX_LOOSE_PAIRS = 4


@dataclass(frozen=True, eq=False, slots=True)
class Join:
    """`many`, `one`: rows that meet, pair by pair. `one_ids`/`many_ids`: signature of each row, from 0."""

    many: Rows
    one: Rows
    many_ids: Rows
    one_ids: Rows
    signatures: int
    one_unique: bool
    many_unique: bool
    keys: list[Hashable]
    table: Table


def join_vectors(run: Run, node: ast.Binary, left: Vector, right: Vector) -> Vector:
    """Match two vectors and apply the operator. Raises EvaluationError on many-to-many matches."""
    matching = node.matching or ast.Matching()
    many, one = (right, left) if matching.card == "one-to-many" else (left, right)
    if matching.fill_left is not None or matching.fill_right is not None:
        # As in Prometheus, fill_left fills the many side also where group_right makes that the right one.
        many, one = fill_missing(matching, many, one)
    join = _join_of(node, matching, many, one)
    if not join.one_unique and len(join.many) > MAX_LOOSE_PAIRS * (many.table.size + one.table.size):
        many, one = _compact(many), _compact(one)
        join = _make_join(node, matching, many.table, one.table)
    if not join.one_unique:
        _refuse_many(join, matching, one)
    return _apply(run, node, matching, join, many, one)


def _join_of(node: ast.Binary, matching: ast.Matching, many: Vector, one: Vector) -> Join:
    key = ("join", node.op in ast.COMPARISONS, node.returns_bool, matching)
    return many.table.cached_with(one.table, key, lambda: _make_join(node, matching, many.table, one.table))


def _make_join(node: ast.Binary, matching: ast.Matching, many: Table, one: Table) -> Join:
    many_keys, one_keys = keys_of(many, matching), keys_of(one, matching)
    ids: dict[Hashable, int] = {}
    one_ids = np.array([ids.setdefault(key, len(ids)) for key in one_keys], np.intp)
    many_ids = np.array([ids.setdefault(key, len(ids)) for key in many_keys], np.intp)
    rows_of: dict[int, list[int]] = {}
    for row, number in enumerate(one_ids.tolist()):
        rows_of.setdefault(number, []).append(row)
    pairs = [(row, other) for row, number in enumerate(many_ids.tolist()) for other in rows_of.get(number, ())]
    many_rows = np.array([pair[0] for pair in pairs], np.intp)
    one_rows = np.array([pair[1] for pair in pairs], np.intp)
    keeps_name = node.op in ast.COMPARISONS and not node.returns_bool
    labels = [_result_labels(many.row(i), one.row(j), matching, keeps_name=keeps_name) for i, j in pairs]
    return Join(
        many_rows,
        one_rows,
        many_ids,
        one_ids,
        len(ids),
        len(rows_of) == one.size,
        len(set(many_keys)) == many.size,
        list(ids),
        Table(labels, pending=_pending(many, many_rows)),
    )


def _pending(many: Table, rows: Rows) -> Bools | None:
    return None if many.pending is None else many.pending[rows]


def _result_labels(many: Labels, one: Labels, matching: ast.Matching, *, keeps_name: bool) -> Mapping[str, str]:
    hidden = frozenset() if keeps_name else frozenset(METADATA)
    if matching.card == "one-to-one":
        if matching.on:
            return {name: many[name] for name in matching.labels if many.get(name) and name not in hidden}
        hidden |= frozenset(matching.labels)
    labels = {name: value for name, value in many.items() if name not in hidden}
    for name in matching.include:
        value = one.get(name)
        if value:
            labels[name] = value
        else:
            labels.pop(name, None)
    return labels


def _compact(vector: Vector) -> Vector:
    """Leave out the rows that are present at no step."""
    if vector.present is None:
        return vector
    rows = np.flatnonzero(vector.present.any(axis=1))
    return Vector(vector.table.take(rows), vector.values[rows], vector.present[rows])


def _refuse_many(join: Join, matching: ast.Matching, one: Vector) -> None:
    counts = np.zeros((join.signatures, one.steps), np.intp)
    np.add.at(counts, join.one_ids, one.mask)
    crowded = np.flatnonzero((counts > 1).any(axis=1))
    if not len(crowded):
        return
    rows = np.flatnonzero((join.one_ids == crowded[0]) & one.mask.any(axis=1))[:2]
    side = "left" if matching.card == "one-to-many" else "right"
    first, second = sorted(_written(one.table.row(int(row))) for row in rows)
    group = _written(group_labels(one.table.row(int(rows[0])), matching))
    raise EvaluationError(
        f"found duplicate series for the match group {group} on the {side} hand-side of the operation: "
        f"[{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _written(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{labels[name]}"' for name in sorted(labels)) + "}"


def _apply(run: Run, node: ast.Binary, matching: ast.Matching, join: Join, many: Vector, one: Vector) -> Vector:
    many_values, one_values = many.values[join.many], one.values[join.one]
    left, right = (one_values, many_values) if matching.card == "one-to-many" else (many_values, one_values)
    values, holds = elementwise(node.op, left, right)
    present = both(
        None if many.present is None else many.present[join.many],
        None if one.present is None else one.present[join.one],
    )
    _refuse_multiple(join, matching, Vector(join.table, values, present))
    if holds is not None and not node.returns_bool:
        present, values = both(present, holds), left
    result = Vector(join.table, values, present)
    if run.settings.delayed_names and (holds is None or node.returns_bool):
        return Vector(join.table.unnamed(delayed=True), values, present)
    return run.distinct(result)


def _refuse_multiple(join: Join, matching: ast.Matching, result: Vector) -> None:
    if matching.card != "one-to-one" or join.many_unique:
        return
    counts = np.zeros((join.signatures, result.steps), np.intp)
    np.add.at(counts, join.many_ids[join.many], result.mask)
    if (counts > 1).any():
        raise EvaluationError(
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        )
