"""The news that samples came in; it drives the evaluation of rules."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Arrival:
    """New samples of these metric names, taken at `at`; their `source` brings them every `interval` seconds."""

    names: frozenset[str]
    interval: float
    at: float
    source: str = ""


OnArrival = Callable[[Arrival], None]
