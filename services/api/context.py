"""What the handlers of the routes work with."""

from dataclasses import dataclass

from services.api.alerts.acknowledge import Acknowledger
from services.api.alerts.notes import AlertNotes
from services.api.alerts.record import AlertRecord
from services.api.alerts.view import AlertView
from services.api.auth.accounts import AccountStore
from services.api.auth.authenticator import Authenticator
from services.api.auth.store import AuthStore
from services.api.checklist.book import ChecklistBook
from services.api.checks.book import CheckBook
from services.api.config import ApiConfig
from services.api.errors.reader import ErrorReader
from services.api.evaluator import EvaluatorClient
from services.api.live.hub import LiveHub
from services.api.oidc.login import OidcLogin
from services.api.oncall.book import OnCallBook
from services.api.overview.state import OverviewState
from services.api.quality.book import QualityBook
from services.api.quality.run import AuditRunner
from services.api.rules.book import RuleBook
from services.api.silences.book import SilenceBook
from services.api.statistics.store import StatisticsStore
from services.api.status.reader import StatusReader
from services.api.trends.store import TrendStore
from services.common.clock import Clock


@dataclass(frozen=True)
class Api:
    """The collaborators, built by `app.py`."""

    config: ApiConfig
    external_url: str
    clock: Clock
    view: AlertView
    record: AlertRecord
    notes: AlertNotes
    evaluator: EvaluatorClient
    overview: OverviewState
    acknowledger: Acknowledger
    authenticator: Authenticator
    auth_store: AuthStore
    hub: LiveHub
    silences: SilenceBook
    on_call: OnCallBook
    rules: RuleBook
    statistics: StatisticsStore
    accounts: AccountStore
    trends: TrendStore
    checks: CheckBook
    checklist: ChecklistBook
    quality: QualityBook
    audit_runner: AuditRunner
    errors: ErrorReader
    status: StatusReader
    oidc: OidcLogin | None
    document: bytes
    """The OpenAPI document."""

    @property
    def https(self) -> bool:
        """Whether people reach the API by HTTPS only, its own or a proxy's."""
        return self.config.tls is not None or self.external_url.startswith("https://")
