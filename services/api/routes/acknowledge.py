"""Taking an alert on."""

from services.api.alerts.model import AcknowledgeBody, Alert
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing


async def _acknowledge(api: Api, call: Call[Nothing, AcknowledgeBody]) -> Alert:
    return await api.acknowledger.acknowledge(call.path["id"], call.identity.username, call.body.comment)


ROUTES = (
    Route(
        method="POST",
        path="/api/admin/monitoring/alerts/{id}/acknowledge",
        name="acknowledgeAlert",
        summary="Take an alert on: repeats stop; of several the first counts",
        role="operator",
        handler=_acknowledge,
        answer=Alert,
        query=Nothing,
        body=AcknowledgeBody,
        problems=(404, 409, 503),
    ),
)
