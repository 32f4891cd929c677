"""The watched Celery workers."""

from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENT = ComponentSpec(
    key="celery",
    title="Celery",
    card=(
        PanelSpec("celery_workers", "Active workers", "tocsin:celery_active_workers", "count"),
        PanelSpec("celery_queue", "Celery queue", "tocsin:celery_queue_length", "count", grid=4),
        PanelSpec("celery_failures", "Task failures", "tocsin:celery_failure_ratio", "ratio"),
    ),
)
