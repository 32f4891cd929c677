"""Services of others that the stack needs, from what their probes recorded. Pure."""

import math
from collections.abc import Sequence

from services.api.overview.evaluated import Vector
from services.api.overview.model import ExternalService
from services.api.overview.ring import tidy

UP, SECONDS = "tocsin:external_up", "tocsin:external_seconds"
_LABEL = "external"


def external_services(vector: Vector) -> tuple[ExternalService, ...]:
    """Return those that a recorded value names, by name."""
    up, seconds = _by_name(vector, UP), _by_name(vector, SECONDS)
    return tuple(
        ExternalService(name=name, status=_status(up.get(name)), seconds=_finite(seconds.get(name)))
        for name in sorted(up | seconds)
    )


def unknown(known: Sequence[ExternalService]) -> list[ExternalService]:
    """Return the same without what nobody can tell now."""
    return [one.model_copy(update={"status": "unknown", "seconds": None}) for one in known]


def _by_name(vector: Vector, metric: str) -> dict[str, float]:
    return {
        sample.metric[_LABEL]: float(sample.value[1])
        for sample in vector.result
        if sample.metric.get("__name__") == metric and sample.metric.get(_LABEL)
    }


def _status(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "unknown"
    return "up" if value > 0 else "down"


def _finite(value: float | None) -> float | None:
    return None if value is None else tidy(value)
