"""One alert with its story."""

from services.api.alerts.model import Alert, AlertDetail
from services.api.alerts.timeline import build_timeline
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.problem import ProblemError, storage_away
from services.common.storage import StorageUnavailableError


async def find_alert(api: Api, alert_id: str) -> Alert:
    """Return one alert from memory or from the record; raises ProblemError 404 or 503."""
    alert = api.view.get(alert_id)
    if alert is None:
        try:
            alert = await api.record.one(alert_id)
        except StorageUnavailableError as error:
            raise storage_away("The alert is not among those in memory, and the record can't be read") from error
    if alert is None:
        raise ProblemError(404, "unknown-alert", "There is no such alert.", "Take an id from alerts/active.")
    return alert


async def find_detail(api: Api, alert_id: str) -> AlertDetail:
    """Return one alert with its story; raises ProblemError 404 or 503."""
    alert = await find_alert(api, alert_id)
    try:
        actions = await api.record.actions(alert_id) or api.view.actions_of(alert_id)
        sent = await api.record.notifications(alert_id)
        notes = await api.notes.of(alert_id)
        verdict = await api.notes.verdict(alert_id)
    except StorageUnavailableError:
        # The link in a message that says "Postgres is down" must open a page that can be acknowledged.
        entries = build_timeline(alert, api.view.actions_of(alert_id), [])
        return AlertDetail(**dict(alert), timeline=entries, verdict=None, complete=False)
    timeline = build_timeline(alert, actions, sent, notes)
    return AlertDetail(**dict(alert), timeline=timeline, verdict=verdict, complete=True)


async def _detail(api: Api, call: Call[Nothing, Nothing]) -> AlertDetail:
    return await find_detail(api, call.path["id"])


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
