"""`fill`, `fill_left`, `fill_right`: a stand-in for a series without a partner."""

from services.evaluator.promql import ast
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.values import Vector


def fill_missing(node: ast.Binary, matching: ast.Matching, left: Vector, right: Vector) -> tuple[Vector, Vector]:
    """Add stand-ins to both sides."""
    raise EvaluationError("fill is not supported yet", *node.position)
