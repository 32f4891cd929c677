"""Figures of alerts over days."""

from aiohttp import web

from services.api.context import Api
from services.api.endpoint import Call, Route, json_response
from services.api.model import Nothing
from services.api.statistics.model import Statistics, StatisticsQuery
from services.api.statistics.store import FRESH


async def _statistics(api: Api, call: Call[StatisticsQuery, Nothing]) -> web.StreamResponse:
    response = json_response(await api.statistics.of(call.query.days), request=call.request)
    response.headers["Cache-Control"] = f"private, max-age={FRESH:.0f}"
    return response


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/alerts/statistics",
        name="getAlertStatistics",
        summary="Times to acknowledge and resolve, precision, noisiest rules, uptimes; counted at most every 30 s",
        role="viewer",
        handler=_statistics,
        answer=Statistics,
        query=StatisticsQuery,
        body=Nothing,
    ),
)
