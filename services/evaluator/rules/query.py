"""Results of queries as rules need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from services.evaluator.promql import EvaluationError, Expr, PromqlError, Result, ScalarResult, VectorResult

_HINT = ": an expression is missing"
Element: TypeAlias = tuple[Mapping[str, str], float]
"""Labels and value of one element of a vector."""


class Queries(Protocol):
    """Evaluates expressions at one time: an engine's tick, or a server's answers."""

    def instant(self, expr: str | Expr) -> Result:
        """Return the result; raises PromqlError."""
        ...


@dataclass(frozen=True, slots=True)
class Queried:
    """A sample for templates."""

    labels: Mapping[str, str]
    value: float


def elements(result: Result) -> list[Element]:
    """Return the elements of a vector, a scalar as the one element without labels; raises EvaluationError."""
    match result.value:
        case VectorResult():
            return list(zip(result.value.labels, result.value.values.tolist(), strict=True))
        case ScalarResult():
            return [({}, result.value.value)]
        case _:
            raise EvaluationError("rule result is not a vector or scalar")


def template_query(tick: Queries, text: str) -> list[Queried]:
    """Evaluate a query of a template at the tick's time; raises ValueError with the text to show."""
    try:
        return [Queried(labels, value) for labels, value in elements(tick.instant(text))]
    except PromqlError as error:
        place = f"{error.line}:{error.column}: parse error: " if error.line else ""
        # Alerts' texts are compared with Prometheus', which says no more than that.
        raise ValueError(f"{place}{error.message.removesuffix(_HINT)}") from error
