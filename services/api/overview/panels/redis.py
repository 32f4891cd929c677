"""The watched Redis."""

from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENT = ComponentSpec(
    key="redis",
    title="Redis",
    card=(
        PanelSpec("cache_hit_rate", "Cache hit rate", "tocsin:redis_hit_ratio", "ratio", grid=6),
        PanelSpec("memory", "Memory", "tocsin:redis_memory_ratio", "ratio", grid=8),
        PanelSpec("redis_clients", "Clients", "tocsin:redis_clients", "count"),
    ),
)
