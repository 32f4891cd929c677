"""The WebSocket of the dashboard."""

from aiohttp import web

from services.api.auth.client import same_origin
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.live.model import LiveQuery, LiveSnapshot
from services.api.model import Nothing
from services.api.problem import ProblemError


async def _live(api: Api, call: Call[LiveQuery, Nothing]) -> web.StreamResponse:
    # Browsers send cookies with any site's WebSocket request, and no same-origin rule stops them: the Origin does.
    if call.identity.via == "session" and not same_origin(call.request, api.external_url):
        raise ProblemError(
            403, "other-origin", "The request comes from another site's page.", "Use the page at the external_url."
        )
    if call.request.headers.get("Upgrade", "").lower() != "websocket":
        raise ProblemError(
            426,
            "not-a-websocket",
            "This address speaks WebSocket.",
            "Connect by ws:// or wss://.",
            headers={"Upgrade": "websocket"},
        )
    if api.hub.clients >= api.config.max_live_clients:
        raise ProblemError(
            503, "too-many-clients", "All live connections are taken.", "Raise api.max_live_clients, or add a copy."
        )
    return await api.hub.serve(call.request, call.identity, call.query)


ROUTES = (
    Route(
        method="GET",
        path="/api/admin/monitoring/live",
        name="live",
        summary="WebSocket: LiveSnapshot first, or LiveChanges since the query's; then LiveChanges and LivePing",
        role="viewer",
        handler=_live,
        answer=LiveSnapshot,
        query=LiveQuery,
        body=Nothing,
        status=101,
        problems=(426, 503),
    ),
)
