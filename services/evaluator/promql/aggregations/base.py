"""What an aggregation is."""

from collections.abc import Callable
from dataclasses import dataclass

from services.evaluator.promql import ast
from services.evaluator.promql.context import Run
from services.evaluator.promql.table import Grouping
from services.evaluator.promql.values import Value, Vector

Body = Callable[[Run, ast.Aggregate, Vector, Grouping, Value | None], Vector]

Check = Callable[[Value | None], object]


def _no_check(_param: Value | None) -> object:
    return None


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An operator: `body` gets the vector, its groups and the parameter's value; `check` refuses bad parameters."""

    name: str
    doc: str
    body: Body
    check: Check = _no_check
