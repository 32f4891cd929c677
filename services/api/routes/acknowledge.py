"""Taking alerts on, one or many, and giving one back."""

from services.api.alerts.model import AcknowledgeBody, Acknowledged, AcknowledgeManyBody, Alert, UnacknowledgeBody
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.model import Nothing

_PATH = "/api/admin/monitoring/alerts"


async def _acknowledge(api: Api, call: Call[Nothing, AcknowledgeBody]) -> Alert:
    body = call.body
    return await api.acknowledger.acknowledge(call.path["id"], call.identity.username, body.comment, body.expires_in)


async def _unacknowledge(api: Api, call: Call[Nothing, UnacknowledgeBody]) -> Alert:
    return await api.acknowledger.unacknowledge(call.path["id"], call.identity.username, call.body.comment)


async def _many(api: Api, call: Call[Nothing, AcknowledgeManyBody]) -> Acknowledged:
    body = call.body
    return await api.acknowledger.acknowledge_many(body.ids, call.identity.username, body.comment, body.expires_in)


ROUTES = (
    Route(
        method="POST",
        path=f"{_PATH}/{{id}}/acknowledge",
        name="acknowledgeAlert",
        summary="Take an alert on, for a time if wanted: repeats stop; of several the first counts",
        role="operator",
        handler=_acknowledge,
        answer=Alert,
        query=Nothing,
        body=AcknowledgeBody,
        problems=(404, 409, 503),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/{{id}}/unacknowledge",
        name="unacknowledgeAlert",
        summary="Give an alert back: repeats go on; one that nobody has taken on stays as it is",
        role="operator",
        handler=_unacknowledge,
        answer=Alert,
        query=Nothing,
        body=UnacknowledgeBody,
        problems=(404, 409, 503),
    ),
    Route(
        method="POST",
        path=f"{_PATH}/acknowledge",
        name="acknowledgeAlerts",
        summary="Take many alerts on; those that can't be are named, the others are taken",
        role="operator",
        handler=_many,
        answer=Acknowledged,
        query=Nothing,
        body=AcknowledgeManyBody,
        problems=(503,),
    ),
)
