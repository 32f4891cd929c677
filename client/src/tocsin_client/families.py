"""The registry of name families: one file and one line each."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry

from tocsin_client.fastapi_metrics import FastApiFamily, FastApiMetrics
from tocsin_client.http_metrics import HttpMetrics
from tocsin_client.measured import Family
from tocsin_client.otel_metrics import OtelMetrics
from tocsin_client.registered import once

FamilyName: TypeAlias = Literal["instrumentator", "fastapi", "otel"]

FAMILIES: tuple[tuple[FamilyName, Callable[[CollectorRegistry, str], Family]], ...] = (
    ("instrumentator", lambda registry, _app_name: once(registry, HttpMetrics)),
    ("fastapi", lambda registry, app_name: FastApiFamily(once(registry, FastApiMetrics), app_name)),
    ("otel", lambda registry, _app_name: once(registry, OtelMetrics)),
)


def open_families(registry: CollectorRegistry, names: Sequence[str], app_name: str) -> tuple[Family, ...]:
    """Return the families of these names, each once; raises ValueError for a name that there is not."""
    known = dict(FAMILIES)
    for name in names:
        if name not in known:
            raise ValueError(f"there is no family of names {name!r}; compat takes: {', '.join(known)}")
    return tuple(make(registry, app_name) for name, make in FAMILIES if name in names)
