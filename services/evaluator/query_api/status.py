"""`/api/v1/status/buildinfo` and `runtimeinfo`, which Grafana asks for."""

import platform
from collections.abc import Sequence

from aiohttp import web

from services import __version__
from services.common.clock import Clock
from services.evaluator.fallback import rfc3339
from services.evaluator.query_api.encode import success

COMPATIBLE_WITH = "3.5.0"
"""The Prometheus whose HTTP API this is like; clients choose their ways by it."""


class StatusRoutes:
    """Tells what runs."""

    def __init__(self, clock: Clock) -> None:
        self._started = clock.now()

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/v1/status/buildinfo", self._build),
            web.get("/api/v1/status/runtimeinfo", self._runtime),
        ]

    async def _build(self, _request: web.Request) -> web.Response:
        return success({
            "version": COMPATIBLE_WITH, "revision": "", "branch": "", "buildUser": "", "buildDate": "",
            "goVersion": "", "application": "Tocsin", "tocsinVersion": __version__,
            "pythonVersion": platform.python_version(),
        })  # fmt: skip

    async def _runtime(self, _request: web.Request) -> web.Response:
        return success({"startTime": rfc3339(self._started)})
