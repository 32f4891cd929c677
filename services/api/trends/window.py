"""Which part of time is asked for, in which steps, and which level of the record answers it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.common.metric_history import LEVELS, Level

MAX_POINTS = 500
MAX_ROWS = 3_000
_STEPS = (
    15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """From `start` to before `end`, seconds since the epoch, both whole multiples of `step` seconds."""

    start: float
    end: float
    step: int

    def moved(self, seconds: float) -> "Window":
        """Return the same length of time, that much later."""
        return replace(self, start=self.start + seconds, end=self.end + seconds)


def window_of(start: float, end: float, least: int = 0) -> Window:
    """Return the window with the smallest step that gives at most 500 points and is at least `least` seconds."""
    for step in _STEPS:
        first, last = start // step * step, -(-end // step) * step
        if step >= least and (last - first) / step <= MAX_POINTS:
            return Window(first, last, step)
    raise ValueError(f"{end - start:.0f} s are more than can be shown")


def choose(window: Window, oldest: Mapping[str, float], first: float | None) -> tuple[Level, Window]:
    """Return the level with the fewest rows that has what is asked for, and the window with a step that it can give.

    `oldest`: since when each level is kept, by its key; `first`: the time of the oldest value there is.
    """
    start = window.start if first is None else max(window.start, first)
    fit = [level for level in LEVELS if level.seconds <= window.step and _reaches(level, start, oldest)]
    level = fit[-1] if fit else next((one for one in LEVELS if _reaches(one, start, oldest)), LEVELS[-1])
    if level.seconds <= window.step:
        return level, window
    return level, window_of(window.start, window.end, level.seconds)


def finest(window: Window, oldest: Mapping[str, float], first: float | None) -> Level:
    """Return the finest level that has what is asked for in not too many rows: for figures over all of it."""
    start = window.start if first is None else max(window.start, first)
    rows = [level for level in LEVELS if (window.end - window.start) / (level.seconds or _STEPS[0]) <= MAX_ROWS]
    return next((level for level in rows if _reaches(level, start, oldest)), LEVELS[-1])


def _reaches(level: Level, start: float, oldest: Mapping[str, float]) -> bool:
    return level.key in oldest and oldest[level.key] <= start
