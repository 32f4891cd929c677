"""The state of components and of Tocsin's services."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.overview.model import Health


async def _health(api: Api, _call: Call[Nothing, Nothing]) -> Health:
    return api.overview.health(api.clock.now())


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/health/services",
        name="getServiceHealth",
        summary="The state of each component, and which of Tocsin's services live",
        role="viewer",
        handler=_health,
        answer=Health,
        query=Nothing,
        body=Nothing,
    ),
)
