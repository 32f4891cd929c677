"""The watched WebSocket server."""

from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENT = ComponentSpec(
    key="websocket",
    title="WebSocket",
    card=(
        PanelSpec("websocket_connections", "Connections", "tocsin:websocket_connections", "count"),
        PanelSpec("websocket_latency", "WebSocket latency", "tocsin:websocket_latency_seconds", "seconds", grid=2),
        PanelSpec("websocket_errors", "Error rate", "tocsin:websocket_error_ratio", "ratio"),
    ),
)
