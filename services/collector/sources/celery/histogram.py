"""A histogram that many events a second may be counted in."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts by bound, not cumulated, and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, other: "Histogram") -> None:
        """Add another histogram of the same bounds."""
        self.counts = [one + two for one, two in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


def summed(histograms: Sequence[Histogram]) -> Histogram:
    """Return the sum of at least one histogram; the given ones stay as they are."""
    if len(histograms) == 1:
        return histograms[0]
    total = Histogram(histograms[0].bounds)
    for one in histograms:
        total.add(one)
    return total
