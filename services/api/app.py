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

from services.api.alerts.acknowledge import Acknowledger
from services.api.alerts.direct import DirectAlerts
from services.api.alerts.feed import AlertFeed
from services.api.alerts.notes import AlertNotes
from services.api.alerts.record import AlertRecord
from services.api.alerts.view import AlertView
from services.api.auth.accounts import AccountStore
from services.api.auth.authenticator import Authenticator
from services.api.auth.store import AuthStore
from services.api.auth.throttle import LoginThrottle
from services.api.checklist.book import ChecklistBook
from services.api.checklist.store import ChecklistStore
from services.api.checks.book import CheckBook
from services.api.checks.store import CheckStore
from services.api.config import ApiConfig
from services.api.context import Api
from services.api.endpoint import add_routes
from services.api.errors.reader import ErrorReader
from services.api.errors.tls import CollectorTrust
from services.api.evaluator import EvaluatorClient
from services.api.guard import add_guard
from services.api.limits import RequestLimit
from services.api.live.hub import LiveHub
from services.api.metrics import ApiMetrics
from services.api.notifier import NotifierClient
from services.api.oidc.login import OidcLogin, open_provider
from services.api.oidc.store import OidcUsers
from services.api.oncall.book import OnCallBook
from services.api.oncall.delivery import OnCallDelivery
from services.api.oncall.reader import PeopleReader
from services.api.oncall.store import OnCallStore
from services.api.openapi import document_bytes
from services.api.overview.state import OverviewState
from services.api.passthrough import add_passthrough
from services.api.poller import HeartbeatPoller, Poller
from services.api.quality.book import QualityBook
from services.api.quality.run import AuditRunner
from services.api.quality.store import QualityStore
from services.api.recorder import Recorder
from services.api.routes import ROUTES
from services.api.rules.book import RuleBook
from services.api.rules.delivery import RuleDelivery
from services.api.rules.identity import FOLDER as RULE_FOLDER
from services.api.rules.store import RuleStore
from services.api.silences.book import SilenceBook
from services.api.static_files import FOLDER, StaticFiles
from services.api.statistics.store import StatisticsStore
from services.api.status.reader import StatusReader
from services.api.tls import ServerTls
from services.api.trends.store import TrendStore
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
    metrics = ApiMetrics(telemetry.registry)
    token = ensure_token_file(base / shared.token_path)
    database = Database(shared.postgres.resolve(), name="api")
    stack.push_async_callback(database.close)
    redis = connect_redis(shared.redis.resolve())
    stack.push_async_callback(redis.aclose)
    http = await stack.enter_async_context(aiohttp.ClientSession())
    bus = RedisBus(redis, clock)
    view, record = AlertView(), AlertRecord(database)
    overview = OverviewState(view, stale_after=config.stale_after, shown=config.components)
    feed = AlertFeed(view, record, bus, clock, metrics, overview.unbroken_since)
    store = AuthStore(database, clock, session_seconds=config.session_hours * 3600)
    evaluator = EvaluatorClient(http, config.evaluator_url, token)
    rules, trends = RuleStore(database, clock), TrendStore(database)
    choices = OnCallStore(database, clock)
    delivery = RuleDelivery(rules, base / shared.data_dir / RULE_FOLDER, clock)
    audits = QualityStore(database, clock)
    api = Api(
        config=config,
        external_url=shared.external_url,
        clock=clock,
        view=view,
        record=record,
        notes=AlertNotes(database, clock),
        evaluator=evaluator,
        overview=overview,
        acknowledger=Acknowledger(view, record, bus, clock, metrics),
        authenticator=Authenticator(
            store, LoginThrottle(config.login_limits), clock, metrics, token, local_logins=config.local_logins
        ),
        auth_store=store,
        hub=LiveHub(view, overview, clock, metrics),
        rules=RuleBook(rules, delivery, evaluator, overview, trends, clock),
        statistics=StatisticsStore(database, clock, config.components),
        accounts=AccountStore(database, clock),
        silences=SilenceBook(NotifierClient(http, config.notifier_url, token), view, bus, clock, metrics),
        on_call=OnCallBook(
            PeopleReader(http, config.notifier_url, token, clock),
            choices,
            OnCallDelivery(choices, redis, clock),
            clock,
        ),
        trends=trends,
        checks=CheckBook(CheckStore(database, clock), clock),
        checklist=ChecklistBook(ChecklistStore(database, clock), evaluator, clock),
        quality=QualityBook(audits, config.quality, clock),
        audit_runner=AuditRunner(audits, config.quality, base, clock),
        errors=ErrorReader(http, config.collector_url, token, clock, trust=CollectorTrust(config.collector_tls, base)),
        status=StatusReader(
            evaluator=evaluator,
            pages={"evaluator": f"{config.evaluator_url}/metrics", "notifier": f"{config.notifier_url}/metrics"},
            token=token,
            http=http,
            registry=telemetry.registry,
            redis=redis,
            database=database,
            overview=overview,
            clock=clock,
        ),
        oidc=None
        if config.oidc is None
        else OidcLogin(
            config.oidc,
            open_provider(config.oidc, base, clock),
            OidcUsers(database, clock),
            store,
            clock,
            metrics,
            shared.external_url,
        ),
        document=document_bytes(),
    )
    telemetry.registry.register(api.checks)
    telemetry.registry.register(api.checklist)
    telemetry.registry.register(api.quality)
    stack.push_async_callback(api.audit_runner.stop)
    files = StaticFiles(static)
    tls = None if config.tls is None else ServerTls(config.tls, base)
    limit = RequestLimit(config.rate_limits, config.trusted_proxies, clock, metrics)
    port = await serve(
        stack,
        _web_app(api, telemetry, feed, files, http, limit),
        config.listen,
        setting="api.listen",
        tls=None if tls is None else tls.context,
    )
    instance = config.instance or f"{socket.gethostname()}:{port}"
    poller = Poller(
        overview,
        evaluator,
        clock,
        metrics,
        telemetry,
        interval=config.poll_interval,
    )
    writer = HeartbeatWriter(
        redis,
        telemetry,
        clock,
        instance=instance,
        interval=shared.heartbeat_interval,
        ready=lambda: _readiness(feed),
    )
    loops = {
        "evaluator": poller.round,
        "heartbeats": HeartbeatPoller(overview, redis, clock, telemetry).round,
        "heartbeat": writer.round,
        **_alert_loops(feed, Recorder(bus, record, metrics, consumer=instance), clock, telemetry),
        "direct": DirectAlerts(feed, view, evaluator, overview, clock).round,
        "checks": api.checks.round,
        "checklist": api.checklist.round,
        "quality": api.quality.round,
        "rules": delivery.round,
        "on-call": api.on_call.delivery.round,
        **_live_loops(api),
    }
    for name, work in loops.items():
        spawn(stack, keep_running(name, work, clock=clock, telemetry=telemetry, max_pause=_MAX_PAUSE), name=name)
    return RunningApi(port, feed, api.authenticator, files, tls)


def _web_app(
    api: Api,
    telemetry: Telemetry,
    feed: AlertFeed,
    files: StaticFiles,
    http: aiohttp.ClientSession,
    limit: RequestLimit,
) -> web.Application:
    config = api.config
    app = service_app(telemetry, api.clock, lambda: _readiness(feed), token=None, max_body=config.max_body_bytes)
    opened = add_routes(app, api, ROUTES) | add_passthrough(app, http, config.notifier_url)
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
