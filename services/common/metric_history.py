"""The levels of the metric history and their partitions: what its writer and its readers agree on. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

DAY = 86_400


@dataclass(frozen=True)
class Level:
    """One table; a row of it stands for `seconds` (0: for one sample)."""

    key: str
    table: str
    seconds: int
    days: int
    """How many days one partition holds; they are counted from the epoch."""

    def start(self, at: float) -> int:
        """Return where the partition that holds that time begins, in days since the epoch."""
        return math.floor(at / DAY / self.days) * self.days

    def starts(self, first: float, last: float) -> Iterable[int]:
        """Return the starts of all partitions between two times."""
        return range(self.start(first), self.start(last) + 1, self.days)

    def partition(self, start: int) -> str:
        """Return the name of the partition that begins with that day."""
        return f"{self.table}_{datetime.fromtimestamp(start * DAY, UTC):%Y%m%d}"


LEVELS: tuple[Level, ...] = (
    Level("samples", "metric_samples", 0, 1),
    Level("minute", "metric_rollup_1m", 60, 1),
    Level("five_minutes", "metric_rollup_5m", 300, 7),
    Level("hour", "metric_rollup_1h", 3600, 28),
)
"""From the finest to the coarsest."""


def start_of(name: str) -> int | None:
    """Return the first day (since the epoch) of a partition by its name; None when the name is none of ours."""
    _, _, text = name.rpartition("_")
    if len(text) != len("20261231") or not text.isascii() or not text.isdigit():
        return None
    try:
        day = datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(day.timestamp()) // DAY
