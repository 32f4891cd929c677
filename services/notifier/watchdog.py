"""The evaluator's watchdog: its silence is an alert of our own."""

from dataclasses import dataclass

import structlog
from redis.asyncio import Redis

from services.common.clock import Clock
from services.common.events import AlertEvent, AlertStatus, RuleRef
from services.common.heartbeat import read_heartbeats
from services.common.labels import fingerprint
from services.notifier.alerts import OWN_GROUP
from services.notifier.engine import Report
from services.notifier.pipeline import Pipeline
from services.notifier.store import Extra

_LIFETIMES = 3
_RESEND = 60.0
_HOLDS = 300.0
LABELS = {
    "alertname": "TocsinEvaluatorDown",
    "category": "system",
    "component": "tocsin",
    "impact": "outage",
    "severity": "critical",
}
FINGERPRINT = fingerprint(LABELS)
log = structlog.get_logger(__name__)


@dataclass
class Watchdog:
    """Judges from signs of life: heartbeats, events on the stream, posted events."""

    interval: float
    grace: float
    started_at: float
    heard_at: float | None = None
    heard_since: float | None = None
    """Since when it has been heard without a gap."""

    def hear(self, now: float) -> None:
        """Take a sign of life in."""
        if self.heard_at is None or self.heard_since is None or now - self.heard_at > self.limit:
            self.heard_since = now
        self.heard_at = now

    @property
    def limit(self) -> float:
        """So many seconds of silence mean that it is down."""
        return self.interval * _LIFETIMES

    def is_down(self, now: float) -> bool:
        """Tell whether it has been silent too long; never within the grace after our own start."""
        if now - self.started_at < self.grace:
            return False
        return self.heard_at is None or now - self.heard_at > self.limit

    def alive_since(self, now: float) -> float | None:
        """Return since when it is heard; None when it is not heard now."""
        return self.heard_since if self.heard_at is not None and now - self.heard_at <= self.limit else None


class EvaluatorWatch:
    """Reads the heartbeats and raises or resolves `TocsinEvaluatorDown`."""

    def __init__(self, pipeline: Pipeline, redis: Redis, clock: Clock, watchdog: Watchdog) -> None:
        self._pipeline, self._redis, self._clock, self._watchdog = pipeline, redis, clock, watchdog
        self._published_at = 0.0

    async def round(self) -> None:
        """Judge once, then wait an interval; raises the client's error when Redis is away: then nothing is known."""
        if self._pipeline.store.online:
            await self.judge()
        await self._clock.sleep(self._watchdog.interval)

    async def judge(self) -> None:
        """Look for signs of life, and say it when that changes something or is due to be said again."""
        beats = await read_heartbeats(self._redis)
        now = self._clock.now()
        if any(beat.service == "evaluator" for beat in beats):
            self._watchdog.hear(now)
        event = self._event(self._watchdog.is_down(now), now)
        if event is None:
            return
        self._published_at = now
        report = Report(event)
        extra = Extra(publish=[event.encode()])
        await self._pipeline.step(lambda at: self._apply(report, at), extra)

    def _apply(self, report: Report, now: float) -> None:
        self._pipeline.engine.apply([report], now)

    def _event(self, down: bool, now: float) -> AlertEvent | None:  # noqa: FBT001 - the one thing that decides
        known = self._pipeline.state.newest(FINGERPRINT)
        firing = known is not None and known.firing
        if down != firing:
            log.warning("evaluator_silent" if down else "evaluator_back", limit=self._watchdog.limit)
        elif known is None or now - self._published_at < _RESEND:
            return None
        if down:
            starts_at = known.event.starts_at if known is not None and firing else now
            return _alert(AlertStatus.FIRING, starts_at, now + _HOLDS, now, self._watchdog.limit)
        assert known is not None  # noqa: S101 - not down and nothing known returned above
        ends_at = now if firing else known.event.ends_at
        return _alert(AlertStatus.RESOLVED, known.event.starts_at, ends_at, now, self._watchdog.limit)


def _alert(status: AlertStatus, starts_at: float, ends_at: float | None, now: float, limit: float) -> AlertEvent:
    return AlertEvent(
        fingerprint=FINGERPRINT,
        status=status,
        labels=LABELS,
        annotations={
            "summary": "The evaluator is silent: no rule is being checked",
            "description": f"No heartbeat and no event of any evaluator for more than {limit:g} s.",
            "action": "Start the evaluator (tocsin evaluator) and read its log; until then nothing else can alert.",
        },
        active_at=starts_at,
        starts_at=starts_at,
        ends_at=ends_at,
        sent_at=now,
        rule=RuleRef(name=LABELS["alertname"], group=OWN_GROUP),
    )
