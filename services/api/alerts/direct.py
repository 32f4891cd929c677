"""New alerts while Redis is away: read from the evaluator itself, so that the page is not blind meanwhile."""

from collections.abc import Mapping
from datetime import datetime

import structlog
from pydantic import BaseModel, ConfigDict, Field

from services.api.alerts.feed import AlertFeed
from services.api.alerts.view import AlertView
from services.api.evaluator import EvaluatorClient, EvaluatorError
from services.api.overview.evaluated import RuleGroups
from services.api.overview.state import OverviewState
from services.common.clock import Clock
from services.common.events import AlertEvent, AlertStatus, Muted, RuleRef
from services.common.labels import ALERT_NAME

SECONDS = 2.0
log = structlog.get_logger(__name__)


class _Own(BaseModel):
    model_config = ConfigDict(extra="ignore")

    fingerprint: str
    starts_at: float | None = None
    value: float | None = None
    muted: Muted = Muted.NO
    muted_until: float | None = None
    flapping: bool = False


class _Active(BaseModel):
    model_config = ConfigDict(extra="ignore")

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    state: str
    active_at: str = Field(alias="activeAt")
    tocsin: _Own | None = None


class ActiveAnswer(BaseModel):
    """The data of the evaluator's `/api/v1/alerts`."""

    model_config = ConfigDict(extra="ignore")

    alerts: list[_Active]


def firing_events(answer: ActiveAnswer, rules: Mapping[str, RuleRef], now: float) -> list[AlertEvent]:
    """Return what fires as the events that would stand on the stream; pure.

    `rules` by their names; a rule that is not among them is told by its name alone.
    """
    return [
        AlertEvent(
            fingerprint=alert.tocsin.fingerprint,
            status=AlertStatus.FIRING,
            labels=alert.labels,
            annotations=alert.annotations,
            value=alert.tocsin.value,
            active_at=datetime.fromisoformat(alert.active_at).timestamp(),
            starts_at=alert.tocsin.starts_at,
            sent_at=now,
            rule=rules.get(name, RuleRef(name=name)),
            muted=alert.tocsin.muted,
            muted_until=alert.tocsin.muted_until,
            flapping=alert.tocsin.flapping,
        )
        for alert in answer.alerts
        for name in (alert.labels.get(ALERT_NAME, ""),)
        if alert.state == "firing" and alert.tocsin is not None and alert.tocsin.starts_at is not None
    ]


def rule_refs(groups: RuleGroups | None) -> dict[str, RuleRef]:
    """Return the alerting rules by name; of two of one name the first."""
    found: dict[str, RuleRef] = {}
    for group in groups.groups if groups is not None else ():
        for rule in group.rules:
            if rule.type == "alerting":
                extra = rule.model_extra or {}
                held = extra.get("duration")
                ref = RuleRef(
                    name=rule.name,
                    group=group.name,
                    file=group.file,
                    expr=rule.query,
                    for_seconds=float(held) if isinstance(held, int | float) else 0.0,
                )
                found.setdefault(rule.name, ref)
    return found


class DirectAlerts:
    """Works only while the stream can't be read; the stream's own events then count above what was read here."""

    def __init__(
        self, feed: AlertFeed, view: AlertView, evaluator: EvaluatorClient, overview: OverviewState, clock: Clock
    ) -> None:
        self._feed, self._view, self._evaluator = feed, view, evaluator
        self._overview, self._clock = overview, clock
        self._seen: dict[str, AlertEvent] | None = None
        """What fired at the last answer of an unbroken row of them."""

    async def round(self) -> None:
        """Wait, then take what fires from the evaluator if the stream is away."""
        await self._clock.sleep(SECONDS)
        if not self._feed.stream_away:
            self._seen = None
            return
        try:
            answer = await self._evaluator.active(ActiveAnswer)
        except EvaluatorError as error:
            # An evaluator that comes back may have lost its state: what it no longer tells need not have ended.
            self._seen = None
            log.debug("direct_alerts_failed", reason=error.reason)
            return
        self._take(firing_events(answer, rule_refs(self._overview.rules), self._clock.now()))

    def _take(self, events: list[AlertEvent]) -> None:
        if self._seen is None:
            log.warning("alerts_read_from_evaluator", reason="stream_away", firing=len(events))
        firing = {event.alert_id: event for event in events}
        now = self._clock.now()
        for alert_id, event in (self._seen or {}).items():
            if alert_id not in firing:
                end = {"status": AlertStatus.RESOLVED, "ends_at": now, "sent_at": now}
                self._view.apply_event(event.model_copy(update=end))
        for event in events:
            self._view.apply_event(event)
        self._seen = firing
        self._feed.loaded = True
