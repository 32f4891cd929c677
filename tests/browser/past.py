"""The past in the stand-in API: waves for every panel, a deployment and an alert, and what a test takes away."""

import math
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import ValidationError

from services.api.problem import ProblemError
from services.api.trends.catalog import PANEL_METRICS, describe, recorded_name
from services.api.trends.csv import as_csv
from services.api.trends.model import (
    Marker,
    MetricList,
    Point,
    RecordedMetric,
    SeriesStats,
    TrendMetric,
    Trends,
    TrendSeries,
    TrendsOf,
)
from services.api.trends.read import WEEK
from services.api.trends.window import Window, window_of
from tests.browser import samples

if TYPE_CHECKING:
    from tests.browser.stub import StubApi

MONITORING = "/api/admin/monitoring"
OWN = "tocsin:shop_orders_per_second"
_GAP = (0.4, 0.45)


class Past:
    """Answers about the past; `away` is what the API says instead, `empty` takes all values away."""

    def __init__(self, stub: "StubApi") -> None:
        self._stub = stub
        self.away: ProblemError | None = None
        self.empty = False
        self.asked: list[dict[str, str]] = []

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(f"{MONITORING}/metrics/names", self._names)
        app.router.add_get(f"{MONITORING}/performance/trends", self._trends)

    async def _names(self, request: web.Request) -> web.Response:
        self._check(request)
        metrics = [
            RecordedMetric(**describe(name).model_dump(), last_at=time.time(), series=1)
            for name in (*PANEL_METRICS, OWN)
        ]
        return web.json_response(MetricList(metrics=metrics).model_dump(mode="json"))

    async def _trends(self, request: web.Request) -> web.Response:
        self._check(request)
        self.asked.append(dict(request.query))
        try:
            query = TrendsOf.model_validate(dict(request.query))
        except ValidationError as error:
            raise ProblemError(400, "invalid-request", str(error), "Correct it.") from error
        window = window_of(*query.ends(time.time()))
        answer = self._answer(query, window)
        if query.format == "csv":
            headers = {"Content-Disposition": 'attachment; filename="tocsin-trends.csv"'}
            return web.Response(text=as_csv(answer), content_type="text/csv", headers=headers)
        return web.json_response(answer.model_dump(mode="json"))

    def _check(self, request: web.Request) -> None:
        self._stub.user(request)
        if self.away is not None:
            raise self.away

    def _answer(self, query: TrendsOf, window: Window) -> Trends:
        compared = WEEK if query.compare == "week" else 0.0
        third = (window.end - window.start) / 3
        return Trends(
            start=window.start,
            end=window.end,
            step=window.step,
            level="minute",
            stats_step=60,
            compared_seconds=compared,
            metrics=[self._metric(recorded_name(name), window, compared) for name in query.metrics],
            markers=[]
            if self.empty
            else [
                Marker(at=window.start + third, end=None, kind="deployment", text="2.4.1", component="fastapi",
                       severity="", link="https://ci.example/7"),
                Marker(at=window.start + 2 * third, end=None, kind="alert", text="High Celery queue backlog",
                       component="celery", severity="warning", link="/alerts/00-1"),
            ],
        )  # fmt: skip

    def _metric(self, metric: str, window: Window, compared: float) -> TrendMetric:
        info = describe(metric)
        now = samples.realtime(time.time(), {})
        panel: Any = next((panel for panel in now.panels if panel.key == info.key), None)
        usual = 5.0 if panel is None or not panel.value else float(panel.value)
        points = [] if self.empty else _wave(usual, window)
        values = [avg for _, avg, _, _ in points] or [0.0]
        mean = sum(values) / len(values)
        stats = SeriesStats(
            avg=mean, min=min(values) * 0.9, max=max(values) * 1.15, last=values[-1], p50=mean,
            p95=max(values) * 0.99, p99=max(values), count=len(values) * 4,
        )  # fmt: skip
        series = TrendSeries(
            labels={},
            points=points,
            stats=stats if points else None,
            compared=[(at, avg * 0.8, low, high) for at, avg, low, high in points] if compared else [],
            change=0.25 if compared else None,
        )
        limits = [] if panel is None else panel.thresholds
        return TrendMetric(**info.model_dump(), thresholds=limits, series=[series], truncated=False)


def _wave(usual: float, window: Window) -> list[Point]:
    size = round((window.end - window.start) / window.step)
    points = []
    for index in range(size):
        if _GAP[0] < index / size < _GAP[1]:
            continue
        value = usual * (1 + 0.15 * math.sin(index / size * 18 + usual) + 0.04 * math.sin(index * 1.7))
        points.append((window.start + index * window.step, value, value * 0.9, value * 1.15))
    return points
