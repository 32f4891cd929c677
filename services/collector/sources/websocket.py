"""WebSocket servers, checked from outside; what the app sees of its own connections comes with the FastAPI source."""

from typing import Annotated

from pydantic import AfterValidator

from services.collector.probes.websocket import PROBER, WebSocketModule, websocket_target
from services.collector.sources.probed import ProbedTarget, probe_kind

WsUrl = Annotated[str, AfterValidator(websocket_target)]


class WebSocketTarget(WebSocketModule, ProbedTarget):
    """One server: how it is checked stands beside its address."""

    url: WsUrl


KIND = probe_kind(
    PROBER,
    WebSocketTarget,
    lambda target: target.url,
    module=lambda target: target,
    up=("websocket_up", "1 when the server took a connection and answered, 0 when not."),
)
