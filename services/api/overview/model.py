"""Shapes of the overview's answers; times are seconds since the epoch."""

from typing import Literal, TypeAlias

from services.api.model import Answer, Severity

Unit: TypeAlias = Literal["seconds", "ratio", "count", "per_second", "bytes"]
Trend: TypeAlias = Literal["up", "down", "flat", "none"]
PanelStatus: TypeAlias = Literal["ok", "warning", "critical", "unknown"]
ComponentStatus: TypeAlias = Literal["healthy", "degraded", "down", "unknown"]
Overall: TypeAlias = Literal["operational", "degraded", "down", "unknown"]


class Threshold(Answer):
    """A limit that a rule sets: the panel's value breaches it when `value op limit` holds."""

    severity: Severity
    op: Literal["<", "<=", ">", ">=", "==", "!="]
    value: float
    rule: str


class Panel(Answer):
    """One number of the overview with its limits and its last 15 minutes."""

    key: str
    title: str
    component: str
    unit: Unit
    value: float | None
    change: float | None
    """Against 5 minutes ago, relative: 0.5 is half as much again."""
    trend: Trend
    status: PanelStatus
    thresholds: list[Threshold]
    spark: list[tuple[float, float]]
    """At most 60 points of time and value."""
    grid: bool
    """Whether it stands in the metrics grid."""


class Realtime(Answer):
    """All panels, those of the grid first."""

    at: float
    panels: list[Panel]


class ComponentHealth(Answer):
    """One component's state as the rules see it."""

    key: str
    title: str
    status: ComponentStatus
    message: str
    last_check: float | None
    metrics: list[Panel]


class ServiceHealth(Answer):
    """One of Tocsin's own services that shows a heartbeat."""

    service: str
    instance: str
    ready: bool
    detail: str
    at: float
    version: str


class ExternalService(Answer):
    """One service of others: how its check went."""

    name: str
    status: Literal["up", "down", "unknown"]
    seconds: float | None
    """How long the check took."""


class Health(Answer):
    """The state of the watched stack and of Tocsin itself."""

    at: float
    overall: Overall
    components: list[ComponentHealth]
    external: list[ExternalService]
    """Services of others that probes with a label `external` watch."""
    services: list[ServiceHealth]
    missing_services: list[str]
