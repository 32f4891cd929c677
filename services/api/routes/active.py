"""What fires now."""

from services.api.alerts.model import ActiveAlerts
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing


async def _active(api: Api, _call: Call[Nothing, Nothing]) -> ActiveAlerts:
    return ActiveAlerts(alerts=api.view.firing())


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/alerts/active",
        name="getActiveAlerts",
        summary="What fires now: worst severity first, then the oldest",
        role="viewer",
        handler=_active,
        answer=ActiveAlerts,
        query=Nothing,
        body=Nothing,
    ),
)
