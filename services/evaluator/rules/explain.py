"""What a rule tells about itself: its last evaluations and its health."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

KEPT = 20


class Evaluation(NamedTuple):
    """One evaluation: when, how long (s), how many series it gave, and the error, empty when it went well.

    `samples`: how many it looked at; 0 where another server evaluated it.
    """

    at: float
    seconds: float
    series: int
    error: str = ""
    samples: int = 0


@dataclass
class RuleHealth:
    """A rule's last evaluations, oldest first."""

    evaluations: deque[Evaluation] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, evaluation: Evaluation) -> None:
        """Remember an evaluation; only the newest twenty stay."""
        self.evaluations.append(evaluation)

    @property
    def last(self) -> Evaluation | None:
        """The newest evaluation."""
        return self.evaluations[-1] if self.evaluations else None

    @property
    def last_error(self) -> str:
        """The newest evaluation's error."""
        return self.evaluations[-1].error if self.evaluations else ""

    @property
    def health(self) -> Literal["unknown", "ok", "err"]:
        """Prometheus' word for it."""
        if self.last is None:
            return "unknown"
        return "err" if self.last.error else "ok"
