"""The last 15 minutes of each recorded series, a point a quarter minute."""

import math
from collections.abc import Iterable

from services.api.overview.model import Trend

STEP = 15
SPAN = 900
_POINTS = SPAN // STEP
_BACK = 300
_FLAT = 0.01
_DIGITS = 6


def tidy(value: float) -> float | None:
    """Return the value to six digits, as much as a panel shows; None for NaN and infinities."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


class Ring:
    """At most 60 points of one series; the newest value within a step stands for it."""

    def __init__(self) -> None:
        self._points: dict[int, float] = {}

    def add(self, at: float, value: float | None) -> None:
        """Take one value; NaN is a gap."""
        if value is None or (tidied := tidy(value)) is None:
            return
        self._points[int(at) // STEP] = tidied
        if len(self._points) > _POINTS:
            newest = max(self._points)
            self._points = {step: kept for step, kept in self._points.items() if step > newest - _POINTS}

    def fill(self, points: Iterable[tuple[float, float]]) -> None:
        """Take older points from the evaluator's store, but never in place of a newer one."""
        for at, value in points:
            if int(at) // STEP not in self._points:
                self.add(at, value)

    def points(self, now: float) -> list[tuple[float, float]]:
        """Return time and value of the last 15 minutes, oldest first."""
        first = int(now) // STEP - _POINTS + 1
        return [(float(step * STEP), self._points[step]) for step in sorted(self._points) if step >= first]

    def change(self, now: float, value: float | None) -> tuple[float | None, Trend]:
        """Return the relative change against 5 minutes ago (± one step), and its direction; within 1 % is flat."""
        then = (int(now) - _BACK) // STEP
        old = next((self._points[step] for step in (then, then + 1, then - 1) if step in self._points), None)
        if value is None or old is None:
            return None, "none"
        if old == 0:
            return (0.0, "flat") if value == 0 else (None, "up" if value > 0 else "down")
        change = (value - old) / abs(old)
        return tidy(change), "flat" if abs(change) < _FLAT else "up" if change > 0 else "down"
