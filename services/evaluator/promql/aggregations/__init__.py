"""Aggregations: one `Aggregation` per operator, in the tuple of its family."""

from services.evaluator.promql.aggregations.base import Aggregation
from services.evaluator.promql.aggregations.fold import FOLDS
from services.evaluator.promql.aggregations.rank import RANKS

AGGREGATIONS: dict[str, Aggregation] = {item.name: item for family in (FOLDS, RANKS) for item in family}

__all__ = ["AGGREGATIONS", "Aggregation"]
