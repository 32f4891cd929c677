"""One alert with its story."""

from services.api.alerts.model import AlertDetail
from services.api.alerts.timeline import build_timeline
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError, storage_away
from services.common.storage import StorageUnavailableError


async def _detail(api: Api, call: Call[Nothing, Nothing]) -> AlertDetail:
    alert_id = call.path["id"]
    seen = api.view.get(alert_id)
    try:
        alert = seen or await api.record.one(alert_id)
        if alert is None:
            raise ProblemError(404, "unknown-alert", "There is no such alert.", "Take an id from alerts/active.")
        actions = await api.record.actions(alert_id) or api.view.actions_of(alert_id)
        sent = await api.record.notifications(alert_id)
    except StorageUnavailableError as error:
        # The link in a message that says "Postgres is down" must open a page that can be acknowledged.
        if seen is None:
            raise storage_away("The alert is not among those in memory, and the record can't be read") from error
        entries = build_timeline(seen, api.view.actions_of(alert_id), [])
        return AlertDetail(**dict(seen), timeline=entries, complete=False)
    return AlertDetail(**dict(alert), timeline=build_timeline(alert, actions, sent), complete=True)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/alerts/{id}",
        name="getAlert",
        summary="One alert, whether it fires or not, with its story",
        role="viewer",
        handler=_detail,
        answer=AlertDetail,
        query=Nothing,
        body=Nothing,
        problems=(404, 503),
    ),
)
