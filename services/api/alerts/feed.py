"""Keeps the view up to date: from the streams as they come, from the record at the start and now and then."""

from collections.abc import Callable

import structlog
from pydantic import ValidationError

from services.api.alerts.expiry import expired
from services.api.alerts.record import AlertRecord
from services.api.alerts.view import RESOLVED_KEPT, AlertView
from services.api.metrics import ApiMetrics
from services.common.bus import Bus, BusUnavailableError
from services.common.clock import Clock
from services.common.events import ACTIONS_STREAM, ALERTS_STREAM, ActionEvent, AlertEvent

LOOK_BACK = 20 * 60.0
"""Seconds of the stream that hold all that fires and what resolved: the evaluator repeats each within 15 minutes."""
RECORD_SECONDS = 5.0
RELOAD_ROUNDS = 12
_BATCH = 1000
_BLOCK_MS = 1000
log = structlog.get_logger(__name__)


class AlertFeed:
    """Three loops that each get on without the others: alerts, actions, record."""

    def __init__(
        self,
        view: AlertView,
        record: AlertRecord,
        bus: Bus,
        clock: Clock,
        metrics: ApiMetrics,
        evaluator_heard_since: Callable[[float], float | None],
    ) -> None:
        self._view, self._record, self._bus, self._clock, self._metrics = view, record, bus, clock, metrics
        self._evaluator_heard_since = evaluator_heard_since
        self._read_since: float | None = None
        self._last_alert = f"{round(max(0.0, clock.now() - LOOK_BACK) * 1000)}-0"
        self._last_action = "0-0"
        self._rounds = 0
        self.loaded = False
        """Whether the record, the stream or the evaluator has been read: before, an empty page would be a lie."""
        self.stream_away = False
        """Whether the last try to read the stream failed."""

    async def alerts_round(self) -> None:
        """Take new alert events, waiting a moment for some."""
        try:
            entries = await self._bus.read_after(ALERTS_STREAM, self._last_alert, count=_BATCH, block_ms=_BLOCK_MS)
        except BusUnavailableError:
            self._read_since = None
            self.stream_away = True
            raise
        self.stream_away = False
        for entry in entries:
            self._last_alert = entry.entry_id
            try:
                event = AlertEvent.model_validate_json(entry.payload)
            except ValidationError:
                # The recorder sets it aside and says so.
                continue
            if self._view.apply_event(event) and self.loaded:
                self._metrics.event_delay.observe(max(0.0, self._clock.now() - event.sent_at))
        self._metrics.firing.set(len(self._view.firing()))
        if len(entries) < _BATCH:
            self.loaded = True
            self._read_since = self._clock.now() if self._read_since is None else self._read_since

    async def actions_round(self) -> None:
        """Take new actions: all that the stream keeps at the start, for it keeps a week of few."""
        for entry in await self._bus.read_after(ACTIONS_STREAM, self._last_action, count=_BATCH, block_ms=_BLOCK_MS):
            self._last_action = entry.entry_id
            try:
                self._view.apply_action(ActionEvent.model_validate_json(entry.payload))
            except ValidationError:
                # As above.
                continue

    async def record_round(self) -> None:
        """Take what the record has: counts of notifications each time, alerts at first and each minute."""
        if self._rounds % RELOAD_ROUNDS == 0:
            for alert, heard in await self._record.recent(self._clock.now() - RESOLVED_KEPT):
                self._view.apply_recorded(alert, heard)
            await self._expire()
            self._view.prune(self._clock.now())
            self.loaded = True
        self._rounds += 1
        asked = self._view.ids()
        self._view.set_notifications(await self._record.notification_counts(asked), asked)
        await self._clock.sleep(RECORD_SECONDS)

    async def _expire(self) -> None:
        now = self._clock.now()
        heard_since = self._evaluator_heard_since(now)
        if heard_since is None or self._read_since is None:
            return
        ends = expired(self._view, now, max(heard_since, self._read_since))
        if ends:
            await self._record.store_events(ends)
        for end in ends:
            self._view.apply_event(end)
            log.warning("alert_expired", alert_id=end.alert_id, rule=end.rule.name, reason="not_confirmed")
