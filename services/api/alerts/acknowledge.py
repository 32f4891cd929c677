"""Acknowledging: published first, recorded second (docs/adr/0030)."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Literal

import structlog

from services.api.actions import publish_action
from services.api.alerts.model import Acknowledged, Alert, Refused
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

    async def acknowledge(self, alert_id: str, by: str, comment: str, expires_in: float | None = None) -> Alert:
        """Return the alert with who acknowledged it; raises ProblemError 404, 409 or 503."""
        async with self._one_at_a_time:
            alert = await self._find(alert_id)
            if alert.acknowledged is not None:
                return alert
            actions = [self._action("acknowledge", alert_id, by, comment, expires_in)]
            await self._take(actions, "The acknowledgement")
        await self._keep(actions)
        return self._view.get(alert_id) or alert

    async def unacknowledge(self, alert_id: str, by: str, comment: str) -> Alert:
        """Return the alert with nobody who has taken it on; raises ProblemError 404, 409 or 503."""
        async with self._one_at_a_time:
            alert = await self._find(alert_id)
            if alert.acknowledged is None:
                return alert
            actions = [self._action("unacknowledge", alert_id, by, comment)]
            await self._take(actions, "This")
        await self._keep(actions)
        return self._view.get(alert_id) or alert

    async def acknowledge_many(
        self, alert_ids: Sequence[str], by: str, comment: str, expires_in: float | None = None
    ) -> Acknowledged:
        """Take on all that can be, and say why others can't; raises ProblemError 503, and then none is taken on."""
        refused: list[Refused] = []
        found: dict[str, Alert] = {}
        async with self._one_at_a_time:
            for alert_id in dict.fromkeys(alert_ids):
                try:
                    found[alert_id] = await self._find(alert_id)
                except ProblemError as problem:
                    refused.append(Refused(id=alert_id, reason=problem.kind, detail=problem.detail))
            open_ids = [alert_id for alert_id, alert in found.items() if alert.acknowledged is None]
            actions = [self._action("acknowledge", alert_id, by, comment, expires_in) for alert_id in open_ids]
            if actions:
                await self._take(actions, "The acknowledgement")
        await self._keep(actions)
        alerts = [self._view.get(alert_id) or alert for alert_id, alert in found.items()]
        return Acknowledged(alerts=alerts, refused=refused)

    def _action(
        self,
        kind: Literal["acknowledge", "unacknowledge"],
        alert_id: str,
        by: str,
        text: str,
        expires_in: float | None = None,
    ) -> ActionEvent:
        return ActionEvent(
            action_id=str(uuid.uuid4()), kind=kind, at=self._clock.now(), by=by, alert_id=alert_id, comment=text,
            expires_in=expires_in,
        )  # fmt: skip

    async def _take(self, actions: Sequence[ActionEvent], what: str) -> None:
        await publish_action(self._bus, self._metrics, *actions, what=what)
        for action in actions:
            self._view.apply_action(action)

    async def _keep(self, actions: Sequence[ActionEvent]) -> None:
        try:
            await self._record.store_actions(actions)
        except StorageUnavailableError as error:
            # The stream has it: repeats stop now, and the recorder writes it when Postgres is back.
            log.warning("acknowledge_recorded_later", alerts=len(actions), reason="storage_away", error=error)
        for action in actions:
            log.info("alert_action", kind=action.kind, alert_id=action.alert_id, by=action.by)

    async def _find(self, alert_id: str) -> Alert:
        alert = self._view.get(alert_id)
        if alert is None:
            try:
                alert = await self._record.one(alert_id)
            except StorageUnavailableError as error:
                raise storage_away("The alert is not among those in memory, and the record can't be read") from error
            if alert is None:
                raise ProblemError(404, "unknown-alert", "There is no such alert.", "Take an id from alerts/active.")
            if alert.status == "firing":
                # Known to the record alone: from now on here too, so that the answer shows it.
                self._view.apply_recorded(alert, heard=alert.starts_at)
        if alert.status == "resolved":
            raise ProblemError(
                409, "already-resolved", "The alert has resolved.", "Nothing is left to do; see its history."
            )
        return alert
