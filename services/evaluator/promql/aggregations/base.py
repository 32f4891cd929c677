"""What an aggregation is."""

from collections.abc import Callable
from dataclasses import dataclass

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.table import Grouping
from services.evaluator.promql.values import Value, Vector

Body = Callable[[Run, ast.Aggregate, Vector, Grouping, Value | None], Vector]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An operator: `body` gets the vector, its groups and the parameter's value."""

    name: str
    doc: str
    body: Body
