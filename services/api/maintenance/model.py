"""Shapes of maintenance in answers and requests; times are seconds since the epoch."""

from typing import Literal, TypeAlias

from pydantic import Field

from services.api.alerts.model import Alert
from services.api.model import Answer, Body

MaintenanceStatus: TypeAlias = Literal["ok", "attention", "critical", "unknown"]


class MaintenanceQuery(Body):
    """Which alerts to show."""

    dismissed: bool = False
    """Also those that somebody has dismissed."""


class MaintenanceAlerts(Answer):
    """Firing alerts of the categories code_quality and system, worst first."""

    alerts: list[Alert]


class DismissBody(Body):
    """Why nothing is done about it now."""

    reason: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")


class CheckCounts(Answer):
    """How many heartbeat checks are in each state."""

    new: int = 0
    up: int = 0
    late: int = 0
    down: int = 0
    started: int = 0


class TaskCounts(Answer):
    """How many tasks of the checklist are in each state."""

    waiting: int = 0
    due: int = 0
    overdue: int = 0
    unknown: int = 0


class MaintenanceHealth(Answer):
    """The whole in a word, and what speaks for it."""

    at: float
    status: MaintenanceStatus
    """critical: a critical alert is open, or a job is down; attention: a lesser alert is open, a job is late or a
    task of the checklist is overdue."""
    open_alerts: int
    overdue: list[str]
    """Names of checks that are late or down."""
    checks_known: bool
    """False: Postgres is away, so nothing is known of the checks."""
    overdue_tasks: list[str]
    """Names of tasks of the checklist that were not done in time."""
    tasks_known: bool


class MaintenanceMetrics(Answer):
    """Counts for a chart or a report."""

    at: float
    open_alerts: int
    dismissed_alerts: int
    by_severity: dict[str, int]
    """Open alerts."""
    by_category: dict[str, int]
    checks: CheckCounts | None
    """Null while nothing is known of the checks."""
    tasks: TaskCounts | None
    """Null while nothing is known of the checklist."""
