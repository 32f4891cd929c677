"""How Tocsin itself does."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing
from services.api.status.model import Status


async def _status(api: Api, _call: Call[Nothing, Nothing]) -> Status:
    return await api.status.read()


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/status",
        name="getStatus",
        summary="Tocsin's own services, streams, scrapes, rules, deliveries and storage; parts that are away say why",
        role="viewer",
        handler=_status,
        answer=Status,
        query=Nothing,
        body=Nothing,
    ),
)
