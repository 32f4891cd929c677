"""Arithmetic and comparison between scalars and vectors."""

import numpy as np

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.join import join_vectors
from services.evaluator.promql.operators import elementwise
from services.evaluator.promql.setops import combine_sets
from services.evaluator.promql.storage import Floats
from services.evaluator.promql.values import Scalar, Value, Vector, both


def apply_binary(run: Run, node: ast.Binary, left: Value, right: Value) -> Value:
    """Apply the operator of a node to its two sides' values."""
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        return Scalar(elementwise(node.op, left.values, right.values)[0])
    if isinstance(left, Vector) and isinstance(right, Vector):
        if node.op in ast.SET_OPERATORS:
            return combine_sets(run, node, left, right)
        return join_vectors(run, node, left, right)
    if isinstance(left, Vector) and isinstance(right, Scalar):
        return _with_scalar(run, node, left, right.values, swapped=False)
    if isinstance(left, Scalar) and isinstance(right, Vector):
        return _with_scalar(run, node, right, left.values, swapped=True)
    raise TypeError(f"no operator {node.op} between {type(left).__name__} and {type(right).__name__}")


def _with_scalar(run: Run, node: ast.Binary, vector: Vector, scalar: Floats, *, swapped: bool) -> Vector:
    left, right = (scalar, vector.values) if swapped else (vector.values, scalar)
    values, holds = elementwise(node.op, np.asarray(left), np.asarray(right))
    if holds is None or node.returns_bool:
        return run.unnamed(Vector(vector.table, values, vector.present))
    return Vector(vector.table, vector.values, both(vector.present, holds))
