"""PromQL functions: one `Function` each, in the tuple of its family."""

from services.evaluator.promql.functions.base import Function
from services.evaluator.promql.functions.clock import CLOCKS
from services.evaluator.promql.functions.histogram import HISTOGRAMS
from services.evaluator.promql.functions.info import INFO
from services.evaluator.promql.functions.labels import LABELS
from services.evaluator.promql.functions.mathematics import MATHEMATICS
from services.evaluator.promql.functions.over_time import OVER_TIME
from services.evaluator.promql.functions.presence import PRESENCE
from services.evaluator.promql.functions.rate import RATES
from services.evaluator.promql.functions.regression import REGRESSIONS

FAMILIES = (RATES, OVER_TIME, REGRESSIONS, MATHEMATICS, CLOCKS, LABELS, INFO, PRESENCE, HISTOGRAMS)
FUNCTIONS: dict[str, Function] = {function.name: function for family in FAMILIES for function in family}

__all__ = ["FAMILIES", "FUNCTIONS", "Function"]
