"""The record of alerts, page by page."""

from services.api.alerts.model import AlertHistory, HistoryQuery
from services.api.alerts.page import BadCursorError
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError


async def _history(api: Api, call: Call[HistoryQuery, Nothing]) -> AlertHistory:
    try:
        alerts, next_cursor = await api.record.page(call.query)
    except BadCursorError as error:
        raise ProblemError(
            400, "bad-cursor", "The cursor is none that was given.", "Take next_cursor of the page before."
        ) from error
    return AlertHistory(alerts=alerts, next_cursor=next_cursor)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/alerts/history",
        name="getAlertHistory",
        summary="All alerts of the record, newest first",
        role="viewer",
        handler=_history,
        answer=AlertHistory,
        query=HistoryQuery,
        body=Nothing,
        problems=(503,),
    ),
)
