"""Alertmanager's HTTP API, version 2: alerts, receivers, status; and the reload."""

from collections.abc import Awaitable, Callable

import orjson
import re2
from aiohttp import web
from pydantic import ValidationError

from services import __version__
from services.common.config import ConfigError
from services.notifier.alerts import AlertRecord
from services.notifier.data import rfc3339
from services.notifier.matchers import Matcher, parse_matchers
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.posted import PostedAlert, to_report


class ApiV2:
    """Handlers over one pipeline."""

    def __init__(
        self, pipeline: Pipeline, *, started_at: float, reload: Callable[[], Awaitable[None]], heard: Callable[[], None]
    ) -> None:
        self._pipeline, self._started_at = pipeline, started_at
        self._reload, self._heard = reload, heard

    def add_routes(self, app: web.Application) -> None:
        """Put the handlers on the application."""
        app.router.add_post("/api/v2/alerts", self.post_alerts)
        app.router.add_get("/api/v2/alerts", self.get_alerts)
        app.router.add_get("/api/v2/receivers", self.get_receivers)
        app.router.add_get("/api/v2/status", self.get_status)
        app.router.add_post("/-/reload", self.reload)

    async def post_alerts(self, request: web.Request) -> web.Response:
        """Take alerts in; those that are right are kept even when others are not. 503 where another copy works."""
        try:
            items = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            return _problem(400, f"the body is not JSON: {error}")
        if not isinstance(items, list):
            return _problem(400, "the body must be a list of alerts")
        posted, problems = _parse(items)

        def change(now: float) -> None:
            reports = []
            state, timeout = self._pipeline.state, self._pipeline.generation.config.global_.resolve_timeout
            for index, alert in posted:
                try:
                    reports.append(to_report(alert, now, resolve_timeout=timeout, newest=state.newest))
                except ValueError as error:
                    problems.append(f"{index}: {error}")
            self._pipeline.metrics.events.labels("post").inc(len(reports))
            self._pipeline.engine.apply(reports, now)

        try:
            await self._pipeline.step(change)
        except StandbyError as error:
            return _problem(503, str(error))
        if any(alert.tocsin is not None for _, alert in posted):
            self._heard()
        return _problem(400, "; ".join(problems)) if problems else web.json_response({})

    async def get_alerts(self, request: web.Request) -> web.Response:
        """List the alerts that fire, by `filter`, `receiver` and `active`."""
        try:
            matchers = [matcher for text in request.query.getall("filter", []) for matcher in parse_matchers(text)]
            receiver = re2.compile(f"^(?:{request.query.get('receiver', '.*')})$")
        except (ValueError, re2.error) as error:
            return _problem(400, str(error))
        if request.query.get("active", "true") == "false":
            return _json([])
        found = []
        for record in self._pipeline.state.alerts.values():
            if record.firing and _fits(record, matchers):
                receivers = self._receivers(record)
                if any(receiver.fullmatch(name) for name in receivers):
                    found.append(_gettable(record, receivers))
        return _json(sorted(found, key=lambda alert: str(alert["fingerprint"])))

    def _receivers(self, record: AlertRecord) -> list[str]:
        return [route.receiver for route in self._pipeline.generation.tree.match(record.event.labels)]

    async def get_receivers(self, _request: web.Request) -> web.Response:
        """List the receivers' names."""
        return _json([{"name": name} for name in self._pipeline.generation.receivers])

    async def get_status(self, _request: web.Request) -> web.Response:
        """Tell version, start and configuration (secrets hidden)."""
        unknown = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
        return _json({
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


def _parse(items: list[object]) -> tuple[list[tuple[int, PostedAlert]], list[str]]:
    posted: list[tuple[int, PostedAlert]] = []
    problems: list[str] = []
    for index, item in enumerate(items):
        try:
            posted.append((index, PostedAlert.model_validate(item)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            problems.append(f"{index}: {where}: {first['msg'].removeprefix('Value error, ')}")
    return posted, problems


def _fits(record: AlertRecord, matchers: list[Matcher]) -> bool:
    return all(matcher.matches(record.event.labels) for matcher in matchers)


def _gettable(record: AlertRecord, receivers: list[str]) -> dict[str, object]:
    event = record.event
    return {
        "annotations": event.annotations,
        "endsAt": rfc3339(event.ends_at if event.ends_at is not None else event.sent_at),
        "fingerprint": event.fingerprint,
        "receivers": [{"name": name} for name in receivers],
        "startsAt": rfc3339(event.starts_at),
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": rfc3339(record.updated_at),
        "generatorURL": event.generator_url,
        "labels": event.labels,
    }


def _json(data: object) -> web.Response:
    return web.Response(body=orjson.dumps(data), content_type="application/json")


def _problem(status: int, text: str) -> web.Response:
    # Alertmanager answers errors with a bare JSON string.
    return web.Response(status=status, body=orjson.dumps(text), content_type="application/json")
