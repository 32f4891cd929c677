"""The OpenAPI document."""

from aiohttp import web

from services.api.context import Api
from services.api.endpoint import Call, Route, bytes_response
from services.api.model import Nothing


async def _document(api: Api, call: Call[Nothing, Nothing]) -> web.StreamResponse:
    return bytes_response(api.document, request=call.request)


ROUTES = (
    Route(
        method="GET",
        path="/api/openapi.json",
        name="getOpenApi",
        summary="This document",
        role="viewer",
        handler=_document,
        answer=None,
        query=Nothing,
        body=Nothing,
    ),
)
