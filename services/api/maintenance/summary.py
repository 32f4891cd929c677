"""Sums up alerts and checks; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from services.api.alerts.model import Alert
from services.api.checklist.model import Task
from services.api.checks.model import Check
from services.api.maintenance.model import (
    CheckCounts,
    MaintenanceHealth,
    MaintenanceMetrics,
    MaintenanceStatus,
    TaskCounts,
)

CATEGORIES = ("code_quality", "system")
_OVERDUE = frozenset({"late", "down"})


def concerned(alerts: Iterable[Alert]) -> list[Alert]:
    """Return the alerts that are maintenance's own, in their order."""
    return [alert for alert in alerts if alert.category in CATEGORIES]


def is_open(alert: Alert) -> bool:
    """Tell whether nobody has dismissed it; to dismiss is to acknowledge."""
    return alert.acknowledged is None


def health(
    alerts: Sequence[Alert], checks: Sequence[Check] | None, tasks: Sequence[Task] | None, now: float
) -> MaintenanceHealth:
    """Return how it is with these alerts; `checks=None`, `tasks=None`: nothing is known of them."""
    left = [alert for alert in alerts if is_open(alert)]
    states = {check.state for check in checks or ()}
    overdue_tasks = [task.name for task in tasks or () if task.state == "overdue"]
    status: MaintenanceStatus = "ok"
    if "down" in states or any(alert.severity == "critical" for alert in left):
        status = "critical"
    elif "late" in states or overdue_tasks or left:
        status = "attention"
    elif checks is None or tasks is None:
        status = "unknown"
    return MaintenanceHealth(
        at=now,
        status=status,
        open_alerts=len(left),
        overdue=[check.name for check in checks or () if check.state in _OVERDUE],
        checks_known=checks is not None,
        overdue_tasks=overdue_tasks,
        tasks_known=tasks is not None,
    )


def metrics(
    alerts: Sequence[Alert], checks: Sequence[Check] | None, tasks: Sequence[Task] | None, now: float
) -> MaintenanceMetrics:
    """Return the counts."""
    left = [alert for alert in alerts if is_open(alert)]
    return MaintenanceMetrics(
        at=now,
        open_alerts=len(left),
        dismissed_alerts=len(alerts) - len(left),
        by_severity=dict(Counter(alert.severity for alert in left)),
        by_category={category: sum(alert.category == category for alert in left) for category in CATEGORIES},
        checks=None if checks is None else CheckCounts.model_validate(Counter(check.state for check in checks)),
        tasks=None if tasks is None else TaskCounts.model_validate(Counter(task.state for task in tasks)),
    )
