"""The operators as functions of arrays."""

from collections.abc import Callable

import numpy as np

from services.evaluator.promql.storage import Bools, Floats

Operator = Callable[[Floats, Floats], Floats]
Comparison = Callable[[Floats, Floats | float], Bools]


ARITHMETIC: dict[str, Operator] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: dict[str, Comparison] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def elementwise(op: str, left: Floats, right: Floats) -> tuple[Floats, Bools | None]:
    """Return values and, for a comparison, where it holds; a comparison's values are 0 and 1."""
    if op in ARITHMETIC:
        return ARITHMETIC[op](left, right), None
    holds = COMPARISON[op](left, right)
    return holds.astype(np.float64), holds
