"""When a rule would have fired, from what its expression gave. Pure."""

import math

from services.api.alerts.chart import series_of
from services.api.alerts.model import ChartSeries
from services.api.overview.evaluated import Matrix
from services.api.rules.model import DryRun, Firing

POINTS = 1000
FINE_POINTS = 10_000
_LEAST, _FINE_LEAST = 5, 15
SHOWN = 100
_NAME = "__name__"


def grid(now: float, hours: float, *, recorded: bool = False) -> tuple[float, float, int]:
    """Return start, end and step in whole seconds; over recorded values the step is fine enough for a short breach."""
    end, seconds = float(int(now)), hours * 3600
    if recorded:
        return end - seconds, end, max(_FINE_LEAST, math.ceil(seconds / FINE_POINTS))
    return end - seconds, end, max(_LEAST, math.ceil(seconds / POINTS))


def dry_run(
    expr: str, matrix: Matrix, hold: float, window: tuple[float, float, int], *, recorded: bool = False
) -> DryRun:
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
        expr=expr, start=start, end=end, step=step, count=len(found), firings=found[-SHOWN:], recorded=recorded,
        series=[_thinned(one) for one in series_of(matrix, {})],
    )  # fmt: skip


def _thinned(series: ChartSeries) -> ChartSeries:
    stride = math.ceil(len(series.points) / POINTS)
    return series if stride <= 1 else series.model_copy(update={"points": series.points[::stride]})


def _runs(times: list[float], step: int) -> list[tuple[float, float]]:
    runs: list[tuple[float, float]] = []
    for at in times:
        if runs and at - runs[-1][1] <= step * 1.5:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs
