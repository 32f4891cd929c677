"""The chart of one alert."""

from services.api.alerts.chart import chart
from services.api.alerts.model import AlertChart
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.evaluator import EvaluatorError, evaluator_away
from services.api.model import Nothing
from services.api.routes.detail import find_alert


async def _chart(api: Api, call: Call[Nothing, Nothing]) -> AlertChart:
    alert = await find_alert(api, call.path["id"])
    try:
        return await chart(alert, api.overview.rules, api.evaluator, api.clock.now())
    except EvaluatorError as error:
        raise evaluator_away(error) from error


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/alerts/{id}/chart",
        name="getAlertChart",
        summary="What an alert's rule compares, around the breach, with its limits",
        role="viewer",
        handler=_chart,
        answer=AlertChart,
        query=Nothing,
        body=Nothing,
        problems=(404, 503),
    ),
)
