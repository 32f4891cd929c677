"""Puts the API's collaborators together; what they talk to is opened by the composition root."""

from dataclasses import dataclass
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from services.api.alerts.acknowledge import Acknowledger
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
from services.api.errors.reader import ErrorReader
from services.api.errors.tls import CollectorTrust
from services.api.evaluator import EvaluatorClient
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
from services.api.quality.book import QualityBook
from services.api.quality.run import AuditRunner
from services.api.quality.store import QualityStore
from services.api.rules.book import RuleBook
from services.api.rules.delivery import RuleDelivery
from services.api.rules.identity import FOLDER as RULE_FOLDER
from services.api.rules.store import RuleStore
from services.api.silences.book import SilenceBook
from services.api.statistics.store import StatisticsStore
from services.api.status.reader import StatusReader
from services.api.trends.store import TrendStore
from services.common.bus import Bus
from services.common.clock import Clock
from services.common.config import Shared
from services.common.storage import Database
from services.common.telemetry import Telemetry


@dataclass(frozen=True)
class Surroundings:
    """What one API runs with: its configuration, its clock, and the ways to the others."""

    config: ApiConfig
    shared: Shared
    base: Path
    clock: Clock
    telemetry: Telemetry
    metrics: ApiMetrics
    database: Database
    redis: Redis
    bus: Bus
    http: aiohttp.ClientSession
    token: str
    """The service token."""


@dataclass(frozen=True)
class Assembled:
    """The collaborators of the routes, and those that only loops use."""

    api: Api
    feed: AlertFeed
    delivery: RuleDelivery


def assemble(around: Surroundings) -> Assembled:
    """Make every collaborator; nothing is asked or started yet."""
    config, clock, database, token = around.config, around.clock, around.database, around.token
    view, record = AlertView(), AlertRecord(database)
    overview = OverviewState(view, stale_after=config.stale_after, shown=config.components)
    store = AuthStore(database, clock, session_seconds=config.session_hours * 3600)
    evaluator = EvaluatorClient(around.http, config.evaluator_url, token)
    rules, trends = RuleStore(database, clock), TrendStore(database)
    delivery = RuleDelivery(rules, around.base / around.shared.data_dir / RULE_FOLDER, clock)
    audits = QualityStore(database, clock)
    notifier = NotifierClient(around.http, config.notifier_url, token)
    trust = CollectorTrust(config.collector_tls, around.base)
    api = Api(
        config=config,
        external_url=around.shared.external_url,
        clock=clock,
        view=view,
        record=record,
        notes=AlertNotes(database, clock),
        evaluator=evaluator,
        overview=overview,
        acknowledger=Acknowledger(view, record, around.bus, clock, around.metrics),
        authenticator=_authenticator(around, store),
        auth_store=store,
        hub=LiveHub(view, overview, clock, around.metrics),
        rules=RuleBook(rules, delivery, evaluator, overview, trends, clock),
        statistics=StatisticsStore(database, clock, config.components),
        accounts=AccountStore(database, clock),
        silences=SilenceBook(notifier, view, around.bus, clock, around.metrics),
        on_call=_on_call(around),
        trends=trends,
        checks=CheckBook(CheckStore(database, clock), clock),
        checklist=ChecklistBook(ChecklistStore(database, clock), evaluator, clock),
        quality=QualityBook(audits, config.quality, clock),
        audit_runner=AuditRunner(audits, config.quality, around.base, clock),
        errors=ErrorReader(around.http, config.collector_url, token, clock, trust=trust),
        status=_status(around, evaluator, overview),
        oidc=_single_sign_on(around, store),
        document=document_bytes(),
    )
    feed = AlertFeed(view, record, around.bus, clock, around.metrics, overview.unbroken_since)
    return Assembled(api, feed, delivery)


def _authenticator(around: Surroundings, store: AuthStore) -> Authenticator:
    config = around.config
    throttle = LoginThrottle(config.login_limits)
    return Authenticator(store, throttle, around.clock, around.metrics, around.token, local_logins=config.local_logins)


def _on_call(around: Surroundings) -> OnCallBook:
    choices = OnCallStore(around.database, around.clock)
    reader = PeopleReader(around.http, around.config.notifier_url, around.token, around.clock)
    return OnCallBook(reader, choices, OnCallDelivery(choices, around.redis, around.clock), around.clock)


def _status(around: Surroundings, evaluator: EvaluatorClient, overview: OverviewState) -> StatusReader:
    config = around.config
    return StatusReader(
        evaluator=evaluator,
        pages={"evaluator": f"{config.evaluator_url}/metrics", "notifier": f"{config.notifier_url}/metrics"},
        token=around.token,
        http=around.http,
        registry=around.telemetry.registry,
        redis=around.redis,
        database=around.database,
        overview=overview,
        clock=around.clock,
    )


def _single_sign_on(around: Surroundings, store: AuthStore) -> OidcLogin | None:
    config, clock = around.config.oidc, around.clock
    if config is None:
        return None
    provider = open_provider(config, around.base, clock)
    users = OidcUsers(around.database, clock)
    return OidcLogin(config, provider, users, store, clock, around.metrics, around.shared.external_url)
