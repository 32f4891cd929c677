"""All endpoints, one file for each subject; a test compares this tuple with the folder."""

from typing import Any

from services.api.endpoint import Route
from services.api.routes import (
    acknowledge,
    active,
    api_rules,
    auth,
    chart,
    checks,
    deployments,
    detail,
    document,
    errors,
    health,
    history,
    live,
    notes,
    ping,
    realtime,
    rules,
    silences,
    tokens,
    trends,
)

ROUTES: tuple[Route[Any, Any], ...] = (
    *auth.ROUTES,
    *realtime.ROUTES,
    *trends.ROUTES,
    *deployments.ROUTES,
    *health.ROUTES,
    *active.ROUTES,
    *history.ROUTES,
    *acknowledge.ROUTES,
    *detail.ROUTES,
    *chart.ROUTES,
    *notes.ROUTES,
    *rules.ROUTES,
    *api_rules.ROUTES,
    *silences.ROUTES,
    *checks.ROUTES,
    *ping.ROUTES,
    *errors.ROUTES,
    *live.ROUTES,
    *tokens.ROUTES,
    *document.ROUTES,
)
