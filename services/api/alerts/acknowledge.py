"""Acknowledging: published first, recorded second (docs/adr/0030)."""

import asyncio
import uuid

import structlog

from services.api.actions import publish_action
from services.api.alerts.model import Alert
from services.api.alerts.record import AlertRecord
from services.api.alerts.view import AlertView
from services.api.metrics import ApiMetrics
from services.api.problem import ProblemError, storage_away
from services.common.bus import Bus
from services.common.clock import Clock
from services.common.events import ActionEvent
from services.common.storage import StorageUnavailableError

log = structlog.get_logger(__name__)


class Acknowledger:
    """Takes alerts on for people; of several at once the first counts and all get the same answer."""

    def __init__(self, view: AlertView, record: AlertRecord, bus: Bus, clock: Clock, metrics: ApiMetrics) -> None:
        self._view, self._record, self._bus, self._clock, self._metrics = view, record, bus, clock, metrics
        self._one_at_a_time = asyncio.Lock()

    async def acknowledge(self, alert_id: str, by: str, comment: str) -> Alert:
        """Return the alert with who acknowledged it; raises ProblemError 404, 409 or 503."""
        async with self._one_at_a_time:
            alert = await self._find(alert_id)
            if alert.status == "resolved":
                raise ProblemError(
                    409, "already-resolved", "The alert has resolved.", "Nothing is left to do; see its history."
                )
            if alert.acknowledged is not None:
                return alert
            action = ActionEvent(
                action_id=str(uuid.uuid4()),
                kind="acknowledge",
                at=self._clock.now(),
                by=by,
                alert_id=alert_id,
                comment=comment,
            )
            await publish_action(self._bus, self._metrics, action, what="The acknowledgement")
            self._view.apply_action(action)
        try:
            await self._record.store_actions([action])
        except StorageUnavailableError as error:
            # The stream has it: repeats stop now, and the recorder writes it when Postgres is back.
            log.warning("acknowledge_recorded_later", alert_id=alert_id, reason="storage_away", error=error)
        log.info("acknowledged", alert_id=alert_id, by=by)
        return self._view.get(alert_id) or alert

    async def _find(self, alert_id: str) -> Alert:
        alert = self._view.get(alert_id)
        if alert is None:
            try:
                recorded = await self._record.one(alert_id)
            except StorageUnavailableError as error:
                raise storage_away("The alert is not among those in memory, and the record can't be read") from error
            if recorded is None:
                raise ProblemError(404, "unknown-alert", "There is no such alert.", "Take an id from alerts/active.")
            if recorded.status == "firing":
                # Known to the record alone: from now on here too, so that the answer below shows it.
                self._view.apply_recorded(recorded, heard=recorded.starts_at)
            alert = recorded
        return alert
