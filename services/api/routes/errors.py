"""Errors of watched services by kind."""

from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.errors.model import Errors, ErrorsQuery
from services.api.model import Nothing


async def _list(api: Api, call: Call[ErrorsQuery, Nothing]) -> Errors:
    return await api.errors.find(call.query)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/errors",
        name="listErrors",
        summary="Errors in the logs of watched services by kind, each with its trend and last example",
        role="viewer",
        handler=_list,
        answer=Errors,
        query=ErrorsQuery,
        body=Nothing,
        problems=(503,),
    ),
)
