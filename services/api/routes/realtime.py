"""The metrics of the overview."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.overview.model import Realtime


async def _realtime(api: Api, _call: Call[Nothing, Nothing]) -> Realtime:
    return api.overview.realtime(api.clock.now())


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/metrics/realtime",
        name="getRealtimeMetrics",
        summary="All panels with values, limits and the last 15 minutes",
        role="viewer",
        handler=_realtime,
        answer=Realtime,
        query=Nothing,
        body=Nothing,
    ),
)
