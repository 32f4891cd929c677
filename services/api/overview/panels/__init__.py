"""The components of the dashboard, one file each; the order is that of the cards."""

from services.api.overview.panels import celery, fastapi, payments, postgres, redis, websocket
from services.api.overview.spec import ComponentSpec, PanelSpec

COMPONENTS: tuple[ComponentSpec, ...] = (
    fastapi.COMPONENT,
    postgres.COMPONENT,
    redis.COMPONENT,
    websocket.COMPONENT,
    celery.COMPONENT,
    payments.COMPONENT,
)


def panels_in_order() -> tuple[tuple[ComponentSpec, PanelSpec], ...]:
    """Return all panels with their components: those of the grid by their place, then the rest."""
    every = [(component, panel) for component in COMPONENTS for panel in component.panels]
    return tuple(sorted(every, key=lambda pair: pair[1].grid or len(every) + 1))
