"""The watched FastAPI app."""

from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENT = ComponentSpec(
    key="fastapi",
    title="FastAPI",
    card=(
        PanelSpec("api_response_time", "API response time", "tocsin:fastapi_response_seconds:avg", "seconds", grid=1),
        PanelSpec("error_rate", "Error rate", "tocsin:fastapi_error_ratio", "ratio", grid=5),
        PanelSpec("api_uptime", "Uptime", "tocsin:fastapi_uptime_ratio", "ratio"),
    ),
    others=(
        PanelSpec("active_sessions", "Active sessions", "tocsin:active_sessions", "count", grid=7),
        PanelSpec("api_requests", "Requests", "tocsin:fastapi_requests_per_second", "per_second"),
    ),
)
