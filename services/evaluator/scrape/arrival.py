"""The news that samples came in; it drives the evaluation of rules."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Arrival:
    """New samples of these metric names, taken at `at`; their source brings them every `interval` seconds.

    `through` names the rule groups whose evaluation led here, so that groups that read each other come to rest.
    """

    names: frozenset[str]
    interval: float
    at: float
    through: frozenset[str] = frozenset()


OnArrival = Callable[[Arrival], None]
