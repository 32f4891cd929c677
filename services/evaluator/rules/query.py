"""Results of queries as rules need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from services.evaluator.promql import EvaluationError, PromqlError, Result, ScalarResult, Tick, VectorResult

Element: TypeAlias = tuple[Mapping[str, str], float]
"""Labels and value of one element of a vector."""


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


def template_query(tick: Tick, text: str) -> list[Queried]:
    """Evaluate a query of a template at the tick's time; raises ValueError with the text to show."""
    try:
        return [Queried(labels, value) for labels, value in elements(tick.instant(text))]
    except PromqlError as error:
        place = f"{error.line}:{error.column}: parse error: " if error.line else ""
        raise ValueError(f"{place}{error.message}") from error
