"""Functions about what is there: absence, and the passage between scalars and vectors."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.functions.base import Function, Invocation
from services.evaluator.promql.functions.clock import NOBODY
from services.evaluator.promql.storage import Bools
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Scalar, Value, Vector


@lru_cache(maxsize=4096)
def _absent_table(expr: ast.Expr) -> Table:
    return Table([absent_labels(expr)], unique=True)


def absent_labels(expr: ast.Expr) -> Mapping[str, str]:
    """Return the labels that a selector's equality matchers promise; none for other expressions."""
    expr = ast.unwrap(expr)
    if isinstance(expr, ast.RangeSelector):
        expr = expr.selector
    if not isinstance(expr, ast.Selector):
        return {}
    labels: dict[str, str] = {}
    spoiled = set()
    for matcher in expr.matchers:
        if matcher.name == "__name__":
            continue
        if matcher.op == "=" and matcher.name not in labels and matcher.name not in spoiled:
            labels[matcher.name] = matcher.value
        else:
            spoiled.add(matcher.name)
            labels.pop(matcher.name, None)
    return {name: value for name, value in labels.items() if value}


def _absence(call: Invocation, seen: Bools) -> Vector:
    table = _absent_table(call.node.args[0])
    return Vector(table, np.ones((1, len(seen))), ~seen[None, :])


def _absent(call: Invocation) -> Value:
    return _absence(call, np.asarray(call.vector(0).mask.any(axis=0)))


def _absent_over_time(call: Invocation) -> Value:
    samples = call.windows(0)
    filled = np.asarray(samples.hi > samples.lo, np.bool_)
    if samples.grid.axes is not None:
        filled = filled[np.unique(samples.grid.axes)]
    seen = np.zeros(filled.shape[1], np.bool_)
    if samples.grid.size:
        seen |= filled.any(axis=0)
    return _absence(call, np.broadcast_to(seen, (len(call.run.steps),)))


def _scalar(call: Invocation) -> Value:
    vector = call.vector(0)
    single = vector.mask.sum(axis=0) == 1
    value = np.where(vector.mask, vector.values, 0.0).sum(axis=0)
    return Scalar(np.where(single, value, np.nan))


def _vector(call: Invocation) -> Value:
    return Vector(NOBODY, call.scalar(0)[None, :])


PRESENCE = (
    Function("absent", "absent(v instant-vector)", "1 where the vector is empty.", _absent),
    Function(
        "absent_over_time", "absent_over_time(v range-vector)", "1 where no series has a sample.", _absent_over_time
    ),
    Function("scalar", "scalar(v instant-vector)", "The value of the only series, else NaN.", _scalar),
    Function("vector", "vector(s scalar)", "A series without labels.", _vector),
)
