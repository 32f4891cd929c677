"""The history of metrics: the names, one metric's past, and several side by side."""

from aiohttp import web
from pydantic import BaseModel

from services.api.context import Api
from services.api.endpoint import Call, Route, json_response
from services.api.model import Nothing
from services.api.trends.csv import as_csv
from services.api.trends.model import HistoryOf, MetricHistory, MetricList, Trends, TrendsOf
from services.api.trends.read import read_history, read_trends

_CACHE_SECONDS = 10
_CSV = "text/csv"


def _cached(answer: BaseModel, request: web.Request) -> web.Response:
    response = json_response(answer, request=request)
    # As often as new values come.
    response.headers["Cache-Control"] = f"private, max-age={_CACHE_SECONDS}"
    return response


async def _names(api: Api, call: Call[Nothing, Nothing]) -> web.Response:
    return _cached(MetricList(metrics=await api.trends.metrics()), call.request)


async def _history(api: Api, call: Call[HistoryOf, Nothing]) -> web.Response:
    return _cached(await read_history(api.trends, call.query, api.clock.now()), call.request)


async def _trends(api: Api, call: Call[TrendsOf, Nothing]) -> web.Response:
    answer = await read_trends(api.trends, call.query, api.clock.now(), api.overview.thresholds)
    if call.query.format == "csv" or _wants_csv(call.request):
        response = web.Response(text=as_csv(answer), content_type=_CSV, charset="utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="tocsin-trends.csv"'
        response.headers["Cache-Control"] = "no-store"
    else:
        response = _cached(answer, call.request)
    # The same address gives both.
    response.headers["Vary"] = "Accept, Accept-Encoding"
    return response


def _wants_csv(request: web.Request) -> bool:
    kinds = [part.partition(";")[0].strip() for part in request.headers.get("Accept", "").split(",")]
    return _CSV in kinds and "application/json" not in kinds


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/metrics/names",
        name="getMetricNames",
        summary="The metrics whose past can be asked for",
        role="viewer",
        handler=_names,
        answer=MetricList,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="GET",
        path="/api/admin/monitoring/metrics/history",
        name="getMetricHistory",
        summary="One metric's past in at most 500 steps: mean, lowest and highest value of each",
        role="viewer",
        handler=_history,
        answer=MetricHistory,
        query=HistoryOf,
        body=Nothing,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/api/admin/monitoring/performance/trends",
        name="getTrends",
        summary="Several metrics side by side with percentiles, the week before, alerts and deployments",
        role="viewer",
        handler=_trends,
        answer=Trends,
        query=TrendsOf,
        body=Nothing,
        problems=(404,),
        other_types=(_CSV,),
    ),
)
