"""Answers questions about the past, from what the store reads."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.api.overview.model import Threshold
from services.api.problem import ProblemError
from services.api.trends.catalog import PANEL_METRICS, describe, recorded_name
from services.api.trends.model import (
    HistoryOf,
    HistorySeries,
    MetricHistory,
    Point,
    SeriesStats,
    TrendMetric,
    Trends,
    TrendSeries,
    TrendsOf,
    WindowQuery,
)
from services.api.trends.store import MOST_SERIES, TrendStore
from services.api.trends.window import Window, choose, finest, window_of
from services.common.metric_history import Level

WEEK = 604_800.0
Series = Mapping[int, Mapping[str, str]]


@dataclass(frozen=True)
class _Reach:
    """What there is to read: since when each level is kept, the oldest value, and the window that was asked for."""

    oldest: Mapping[str, float]
    first: float | None
    asked: Window

    def level(self) -> tuple[Level, Window]:
        return choose(self.asked, self.oldest, self.first)


async def read_history(store: TrendStore, query: HistoryOf, now: float) -> MetricHistory:
    """Return one metric's past; raises ProblemError 404 for a name that never had a value."""
    metric = recorded_name(query.metric)
    await _check_known(store, [metric])
    asked = _window(query, now)
    found = (await store.series([metric], query.labels or {}, asked.start))[metric]
    shown = _shown(found)
    reach = _Reach(*await store.reach(list(shown)), asked)
    level, window = reach.level()
    points = await store.points(level, list(shown), window)
    return MetricHistory(
        **describe(metric).model_dump(),
        start=window.start,
        end=window.end,
        step=window.step,
        level=level.key,
        series=[HistorySeries(labels=dict(labels), points=points.get(one, [])) for one, labels in shown.items()],
        truncated=len(found) > len(shown),
    )


async def read_trends(
    store: TrendStore, query: TrendsOf, now: float, thresholds: Mapping[str, Sequence[Threshold]]
) -> Trends:
    """Return several metrics side by side with what happened; `thresholds` are the rules' limits by metric.

    Raises ProblemError 404 for a name that never had a value.
    """
    metrics = list(dict.fromkeys(recorded_name(metric) for metric in query.metrics))
    await _check_known(store, metrics)
    asked = _window(query, now)
    back = WEEK if query.compare == "week" else 0.0
    found = await store.series(metrics, {}, asked.start)
    ids = [one for metric in metrics for one in _shown(found[metric])]
    reach = _Reach(*await store.reach(ids), asked)
    level, window = reach.level()
    fine = finest(window, reach.oldest, reach.first)
    infos = [describe(metric) for metric in metrics]
    # None needs another's answer, and Postgres has a process for each.
    points, stats, (before, before_stats), markers = await asyncio.gather(
        store.points(level, ids, window),
        store.stats(fine, ids, window),
        _before(store, reach, ids, window, back),
        store.markers(
            window.start,
            window.end,
            sorted({info.component for info in infos if info.component}),
            sorted({limit.rule for metric in metrics for limit in thresholds.get(metric, ())}),
        ),
    )
    return Trends(
        start=window.start,
        end=window.end,
        step=window.step,
        level=level.key,
        stats_step=fine.seconds,
        compared_seconds=back,
        metrics=[
            TrendMetric(
                **info.model_dump(),
                series=[
                    TrendSeries(
                        labels=dict(labels),
                        points=points.get(one, []),
                        stats=stats.get(one),
                        compared=before.get(one, []),
                        change=_change(stats.get(one), before_stats.get(one)),
                    )
                    for one, labels in _shown(found[info.metric]).items()
                ],
                truncated=len(found[info.metric]) > MOST_SERIES,
                thresholds=list(thresholds.get(info.metric, ())),
            )
            for info in infos
        ],
        markers=markers,
    )


async def _before(
    store: TrendStore, reach: _Reach, ids: Sequence[int], window: Window, back: float
) -> tuple[dict[int, list[Point]], dict[int, SeriesStats]]:
    """Return points of `back` seconds earlier, moved to where they are compared, and their figures."""
    if not back:
        return {}, {}
    level, earlier = choose(window.moved(-back), reach.oldest, reach.first)
    # Only the mean is asked of the figures, and that is the same at every level.
    points, stats = await asyncio.gather(store.points(level, ids, earlier), store.stats(level, ids, earlier))
    moved = {one: [(at + back, *rest) for at, *rest in found] for one, found in points.items()}
    return {one: [(at, avg, low, high) for at, avg, low, high in found] for one, found in moved.items()}, stats


def _window(query: WindowQuery, now: float) -> Window:
    start, end = query.ends(now)
    if start < 0 or end <= start:
        raise ProblemError(400, "invalid-request", "The time asked for does not end after it begins.", "Swap its ends.")
    try:
        return window_of(start, end)
    except ValueError as error:
        raise ProblemError(400, "invalid-request", f"{error}.", "Ask for a shorter time.") from error


async def _check_known(store: TrendStore, metrics: Sequence[str]) -> None:
    asked = [metric for metric in metrics if metric not in PANEL_METRICS]
    unknown = set(asked) - await store.known(asked) if asked else set()
    if unknown:
        raise ProblemError(
            404,
            "unknown-metric",
            f"Nothing is recorded under the name {min(unknown)}.",
            "See GET /api/admin/monitoring/metrics/names.",
        )


def _shown(series: Series) -> Series:
    return dict(list(series.items())[:MOST_SERIES])


def _change(now: SeriesStats | None, before: SeriesStats | None) -> float | None:
    if now is None or before is None or before.avg == 0:
        return None
    return (now.avg - before.avg) / abs(before.avg)
