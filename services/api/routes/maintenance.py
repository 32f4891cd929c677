"""Maintenance: its alerts, and how it stands."""

from services.api.alerts.model import Alert
from services.api.context import Api
from services.api.endpoint import Call, Route
from services.api.maintenance.model import (
    DismissBody,
    MaintenanceAlerts,
    MaintenanceHealth,
    MaintenanceMetrics,
    MaintenanceQuery,
)
from services.api.maintenance.summary import CATEGORIES, concerned, health, is_open, metrics
from services.api.model import Nothing
from services.api.problem import ProblemError

_PATH = "/api/maintenance"


async def _alerts(api: Api, call: Call[MaintenanceQuery, Nothing]) -> MaintenanceAlerts:
    found = concerned(api.view.firing())
    return MaintenanceAlerts(alerts=[alert for alert in found if call.query.dismissed or is_open(alert)])


async def _dismiss(api: Api, call: Call[Nothing, DismissBody]) -> Alert:
    known = api.view.get(call.path["id"])
    if known is not None and known.category not in CATEGORIES:
        raise ProblemError(
            409,
            "not-maintenance",
            f"The alert is of the category {known.category or 'none'!r}, which is not dismissed here.",
            "Acknowledge it: POST /api/admin/monitoring/alerts/{id}/acknowledge.",
        )
    return await api.acknowledger.acknowledge(call.path["id"], call.identity.username, call.body.reason.strip())


async def _health(api: Api, _call: Call[Nothing, Nothing]) -> MaintenanceHealth:
    return health(concerned(api.view.firing()), api.checks.known(), api.checklist.known(), api.clock.now())


async def _metrics(api: Api, _call: Call[Nothing, Nothing]) -> MaintenanceMetrics:
    return metrics(concerned(api.view.firing()), api.checks.known(), api.checklist.known(), api.clock.now())


ROUTES = (
    Route(
        method="GET",
        path=f"{_PATH}/alerts",
        name="listMaintenanceAlerts",
        summary="Firing alerts of the categories code_quality and system, worst first",
        role="viewer",
        handler=_alerts,
        answer=MaintenanceAlerts,
        query=MaintenanceQuery,
        body=Nothing,
    ),
    Route(
        method="POST",
        path=f"{_PATH}/alerts/{{id}}/dismiss",
        name="dismissMaintenanceAlert",
        summary="Acknowledge a maintenance alert with the reason why nothing is done now; of several the first counts",
        role="operator",
        handler=_dismiss,
        answer=Alert,
        query=Nothing,
        body=DismissBody,
        problems=(404, 409, 503),
    ),
    Route(
        method="GET",
        path=f"{_PATH}/health",
        name="getMaintenanceHealth",
        summary="How maintenance stands: open alerts, overdue jobs and tasks",
        role="viewer",
        handler=_health,
        answer=MaintenanceHealth,
        query=Nothing,
        body=Nothing,
    ),
    Route(
        method="GET",
        path=f"{_PATH}/metrics",
        name="getMaintenanceMetrics",
        summary="Counts of maintenance alerts, checks and tasks",
        role="viewer",
        handler=_metrics,
        answer=MaintenanceMetrics,
        query=Nothing,
        body=Nothing,
    ),
)
