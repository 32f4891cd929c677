"""The API's composition root."""

import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import aiohttp
import structlog
from aiohttp import web

from services.api.alerts.direct import DirectAlerts
from services.api.alerts.feed import AlertFeed
from services.api.assembly import Assembled, Surroundings, assemble
from services.api.auth.authenticator import Authenticator
from services.api.config import ApiConfig
from services.api.context import Api
from services.api.endpoint import add_routes
from services.api.guard import add_guard
from services.api.limits import RequestLimit
from services.api.metrics import ApiMetrics
from services.api.passthrough import add_passthrough
from services.api.poller import HeartbeatPoller, Poller
from services.api.recorder import Recorder
from services.api.routes import ROUTES
from services.api.static_files import FOLDER, StaticFiles
from services.api.tls import ServerTls
from services.common.bus import RedisBus, connect_redis
from services.common.clock import Clock
from services.common.config import ConfigError, Shared
from services.common.heartbeat import HeartbeatWriter
from services.common.lifecycle import keep_running, spawn
from services.common.storage import Database, StorageUnavailableError
from services.common.telemetry import Telemetry
from services.common.tokens import ensure_token_file
from services.common.web import is_loopback, serve, service_app

_MAX_PAUSE = 5.0
_MEASURE_SECONDS = 10.0
Loops: TypeAlias = dict[str, Callable[[], Awaitable[None]]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RunningApi:
    """A started API; it stops when the stack that it was built on closes."""

    port: int
    _feed: AlertFeed
    _authenticator: Authenticator
    _static: StaticFiles
    _tls: ServerTls | None

    def ready(self) -> str:
        """Return "" when pages and programs get true answers, else what is missing."""
        return _readiness(self._feed)

    async def reload(self) -> None:
        """Read the built dashboard and the certificate anew and check all sessions and tokens anew."""
        self._static.load()
        self._authenticator.forget_all()
        if self._tls is not None:
            try:
                self._tls.reload()
            except ConfigError as error:
                log.warning("reload_failed", error=str(error))
                return
        log.info("reloaded")


def _readiness(feed: AlertFeed) -> str:
    return "" if feed.loaded else "no alerts are loaded yet: neither Postgres nor Redis nor the evaluator has answered"


async def build(
    stack: AsyncExitStack, config: ApiConfig, shared: Shared, *, clock: Clock, base: Path, static: Path = FOLDER
) -> RunningApi:
    """Start the API on the stack; raises ConfigError and PortTakenError.

    Postgres, Redis and the evaluator may be away at the start and come later.
    """
    if shared.postgres is None or shared.redis is None:
        raise ConfigError("the API needs `postgres:` and `redis:` in the config")
    telemetry = Telemetry("api")
    database = Database(shared.postgres.resolve(), name="api")
    stack.push_async_callback(database.close)
    redis = connect_redis(shared.redis.resolve())
    stack.push_async_callback(redis.aclose)
    around = Surroundings(
        config=config,
        shared=shared,
        base=base,
        clock=clock,
        telemetry=telemetry,
        metrics=ApiMetrics(telemetry.registry),
        database=database,
        redis=redis,
        bus=RedisBus(redis, clock),
        http=await stack.enter_async_context(aiohttp.ClientSession()),
        token=ensure_token_file(base / shared.token_path),
    )
    assembled = assemble(around)
    api = assembled.api
    for counted in (api.checks, api.checklist, api.quality):
        telemetry.registry.register(counted)
    stack.push_async_callback(api.audit_runner.stop)
    files = StaticFiles(static)
    tls = None if config.tls is None else ServerTls(config.tls, base)
    port = await serve(
        stack,
        _web_app(around, assembled, files),
        config.listen,
        setting="api.listen",
        tls=None if tls is None else tls.context,
    )
    for name, work in _loops(around, assembled, config.instance or f"{socket.gethostname()}:{port}").items():
        spawn(stack, keep_running(name, work, clock=clock, telemetry=telemetry, max_pause=_MAX_PAUSE), name=name)
    return RunningApi(port, assembled.feed, api.authenticator, files, tls)


def _web_app(around: Surroundings, assembled: Assembled, files: StaticFiles) -> web.Application:
    config, api, feed = around.config, assembled.api, assembled.feed
    limit = RequestLimit(config.rate_limits, config.trusted_proxies, around.clock, around.metrics)
    app = service_app(
        around.telemetry, around.clock, lambda: _readiness(feed), token=None, max_body=config.max_body_bytes
    )
    opened = add_routes(app, api, ROUTES) | add_passthrough(app, around.http, config.notifier_url)
    app.router.add_get("/{path:.*}", files.handle)
    open_metrics = config.open_metrics or is_loopback(config.listen)
    add_guard(
        app,
        api.authenticator,
        limit,
        opened,
        external_url=api.external_url,
        https=api.https,
        open_metrics=open_metrics,
    )

    async def end_live(_app: web.Application) -> None:
        api.hub.shut_down()

    app.on_shutdown.append(end_live)
    return app


def _loops(around: Surroundings, assembled: Assembled, instance: str) -> Loops:
    api, feed, clock, telemetry = assembled.api, assembled.feed, around.clock, around.telemetry
    poller = Poller(api.overview, api.evaluator, clock, around.metrics, telemetry, interval=around.config.poll_interval)
    writer = HeartbeatWriter(
        around.redis,
        telemetry,
        clock,
        instance=instance,
        interval=around.shared.heartbeat_interval,
        ready=lambda: _readiness(feed),
    )
    return {
        "evaluator": poller.round,
        "heartbeats": HeartbeatPoller(api.overview, around.redis, clock, telemetry).round,
        "heartbeat": writer.round,
        **_alert_loops(feed, Recorder(around.bus, api.record, around.metrics, consumer=instance), clock, telemetry),
        "direct": DirectAlerts(feed, api.view, api.evaluator, api.overview, clock).round,
        "checks": api.checks.round,
        "checklist": api.checklist.round,
        "quality": api.quality.round,
        "rules": assembled.delivery.round,
        "on-call": api.on_call.delivery.round,
        **_live_loops(api),
    }


def _alert_loops(feed: AlertFeed, recorder: Recorder, clock: Clock, telemetry: Telemetry) -> Loops:
    async def read_record() -> None:
        try:
            await feed.record_round()
        except StorageUnavailableError:
            telemetry.dependency_up.labels("postgres").set(0)
            raise
        telemetry.dependency_up.labels("postgres").set(1)

    async def measure() -> None:
        await recorder.measure()
        await clock.sleep(_MEASURE_SECONDS)

    return {
        "alerts": feed.alerts_round,
        "actions": feed.actions_round,
        "record": read_record,
        "recorder": recorder.round,
        "lag": measure,
    }


def _live_loops(api: Api) -> Loops:
    return {
        "live": api.hub.batch_round,
        "ping": api.hub.ping_round,
        "sessions": lambda: api.hub.session_round(api.authenticator),
    }
