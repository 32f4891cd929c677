"""Alertmanager's HTTP API, version 2: what programs post and ask; and the reload."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from services import __version__
from services.common.config import ConfigError
from services.notifier.api_alerts import AlertsApi
from services.notifier.api_answers import answer
from services.notifier.api_silences import SilencesApi
from services.notifier.data import rfc3339
from services.notifier.pipeline import Pipeline


class ApiV2:
    """Handlers over one pipeline."""

    def __init__(
        self, pipeline: Pipeline, *, started_at: float, reload: Callable[[], Awaitable[None]], heard: Callable[[], None]
    ) -> None:
        self._pipeline, self._started_at, self._reload = pipeline, started_at, reload
        self._alerts, self._silences = AlertsApi(pipeline, heard), SilencesApi(pipeline)

    def add_routes(self, app: web.Application) -> None:
        """Put the handlers on the application."""
        router = app.router
        router.add_post("/api/v2/alerts", self._alerts.post)
        router.add_get("/api/v2/alerts", self._alerts.listed)
        router.add_get("/api/v2/alerts/groups", self._alerts.groups)
        router.add_post("/api/v2/silences", self._silences.post)
        router.add_get("/api/v2/silences", self._silences.listed)
        router.add_get("/api/v2/silence/{silence_id}", self._silences.get)
        router.add_delete("/api/v2/silence/{silence_id}", self._silences.delete)
        router.add_get("/api/v2/receivers", self.get_receivers)
        router.add_get("/api/v2/status", self.get_status)
        router.add_post("/-/reload", self.reload)

    async def get_receivers(self, _request: web.Request) -> web.Response:
        """List the receivers' names."""
        return answer([{"name": name} for name in self._pipeline.generation.receivers])

    async def get_status(self, _request: web.Request) -> web.Response:
        """Tell version, start and configuration (secrets hidden)."""
        unknown = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
        return answer({
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": self._pipeline.generation.shown()},
            "uptime": rfc3339(self._started_at),
            "versionInfo": {"version": __version__, **unknown},
        })  # fmt: skip

    async def reload(self, _request: web.Request) -> web.Response:
        """Read the configuration again; 400 with every mistake when it can't be used (the old one stays)."""
        try:
            await self._reload()
        except ConfigError as error:
            return web.Response(status=400, text=f"The configuration in force stays. {error}\n")
        return web.Response(text="Reloaded.\n")
