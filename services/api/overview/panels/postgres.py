"""The watched PostgreSQL."""

from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENT = ComponentSpec(
    key="postgres",
    title="PostgreSQL",
    card=(
        PanelSpec("db_connections", "Connections", "tocsin:postgres_connections_ratio", "ratio"),
        PanelSpec("db_query_p95", "DB query time P95", "tocsin:postgres_query_seconds:p95", "seconds", grid=3),
        PanelSpec("db_disk", "Disk", "tocsin:postgres_disk_ratio", "ratio"),
    ),
)
