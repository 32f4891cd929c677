"""When a rule would have fired, from what its expression gave. Pure."""

import math

from services.api.alerts.chart import series_of
from services.api.overview.evaluated import Matrix
from services.api.rules.model import DryRun, Firing

POINTS = 1000
SHOWN = 100
_NAME = "__name__"


def grid(now: float, hours: float) -> tuple[float, float, int]:
    """Return start, end and step in whole seconds."""
    end = float(int(now))
    seconds = hours * 3600
    return end - seconds, end, max(5, math.ceil(seconds / POINTS))


def dry_run(expr: str, matrix: Matrix, hold: float, window: tuple[float, float, int]) -> DryRun:
    """Return the firings: a series that is there at each step for `hold` seconds fires, and ends when it is gone."""
    start, end, step = window
    found: list[Firing] = []
    for one in matrix.result:
        labels = {name: value for name, value in one.metric.items() if name != _NAME}
        for first, last in _runs([at for at, _ in one.values], step):
            if last - first >= hold:
                over = None if last > end - step else last + step
                found.append(Firing(labels=labels, starts_at=first + hold, ends_at=over))
    found.sort(key=lambda firing: firing.starts_at)
    return DryRun(
        expr=expr, start=start, end=end, step=step, count=len(found), firings=found[-SHOWN:],
        series=series_of(matrix, {}),
    )  # fmt: skip


def _runs(times: list[float], step: int) -> list[tuple[float, float]]:
    runs: list[tuple[float, float]] = []
    for at in times:
        if runs and at - runs[-1][1] <= step * 1.5:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs
