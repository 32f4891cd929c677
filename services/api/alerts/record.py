"""The lasting record of alerts in Postgres; every method raises StorageUnavailableError while it is away."""

import math
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from services.api.alerts.build import alert_from_event, alert_from_row, recorded_alert
from services.api.alerts.model import Alert, HistoryQuery, RecordedAlert
from services.api.alerts.page import conditions, cursor_of
from services.common.events import ActionEvent, AlertEvent, AlertStatus
from services.common.storage import Database, Queries

_SQL = Queries(Path(__file__).parents[1] / "queries" / "history.sql")
_OF_ALERTS = frozenset({"acknowledge", "unacknowledge"})


class AlertRecord:
    """Writes and reads `alert_history` and `alert_actions`; reads `notifications`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store_events(self, events: Sequence[AlertEvent]) -> None:
        """Bring the record up to these events; an old or doubled one changes nothing."""
        newest: dict[str, AlertEvent] = {}
        for event in events:
            known = newest.get(event.alert_id)
            if known is None or _age(event) >= _age(known):
                newest[event.alert_id] = event
        if newest:
            rows = [_row(newest[alert_id]) for alert_id in sorted(newest)]
            await self._database.execute(_SQL["upsert_alerts"], orjson.dumps(rows).decode())

    async def store_actions(self, actions: Sequence[ActionEvent]) -> list[ActionEvent]:
        """Store what people did, once each; return those whose alert the record does not have yet."""
        if not actions:
            return []
        wanted = [action for action in actions if action.kind in _OF_ALERTS and action.alert_id]
        ids = sorted({action.alert_id for action in wanted})
        async with self._database.connection() as connection, connection.transaction():
            # The lock makes two that acknowledge at once agree on who was first.
            known = {row["alert_id"] for row in await connection.fetch(_SQL["lock_alerts"], ids)}
            rows = [_action_row(action) for action in wanted if action.alert_id in known]
            await connection.executemany(_SQL["insert_action"], rows)
            await connection.execute(_SQL["refresh_acknowledged"], sorted(known))
            await connection.executemany(_SQL["audit_action"], [_audit_row(action) for action in actions])
        return [action for action in wanted if action.alert_id not in known]

    async def recent(self, heard_after: float) -> list[tuple[Alert, float]]:
        """Return what fires, and what was heard of since then, with the time of the newest event."""
        rows = await self._database.fetch(_SQL["recent"], heard_after)
        return [(alert_from_row(dict(row)), row["heard"]) for row in rows]

    async def page(self, query: HistoryQuery) -> tuple[list[RecordedAlert], str | None]:
        """Return one page, newest first, and the next one's cursor; raises BadCursorError."""
        condition, values = conditions(query)
        statement = _SQL["page"].replace("WHERE true", f"WHERE {condition}")
        async with self._database.connection() as connection, connection.transaction():
            # A plan for whatever text would walk the whole record in search of a rare one.
            await connection.execute(_SQL["plan_each"])
            rows = await connection.fetch(f"{statement} LIMIT {query.limit + 1:d}", *values)
        shown = rows[: query.limit]
        told = await self._database.fetch(_SQL["told"], [row["alert_id"] for row in shown])
        became = {row["alert_id"]: dict(row) for row in told}
        alerts = [recorded_alert(dict(row), became[row["alert_id"]]) for row in shown]
        more = len(rows) > query.limit
        return alerts, cursor_of(shown[-1]["starts"], shown[-1]["alert_id"]) if more else None

    async def one(self, alert_id: str) -> Alert | None:
        """Return one alert."""
        row = await self._database.fetchrow(_SQL["one"], alert_id)
        if row is None:
            return None
        counts = await self.notification_counts([alert_id])
        return alert_from_row(dict(row), counts.get(alert_id, 0))

    async def actions(self, alert_id: str) -> list[ActionEvent]:
        """Return what people did about an alert, oldest first."""
        rows = await self._database.fetch(_SQL["actions"], alert_id)
        return [ActionEvent.model_validate({**dict(row), "alert_id": alert_id}) for row in rows]

    async def notifications(self, alert_id: str) -> list[Mapping[str, Any]]:
        """Return the attempts to tell somebody of an alert, oldest first, at most 500."""
        return [dict(row) for row in await self._database.fetch(_SQL["notifications"], alert_id)]

    async def labels_since(self, at: float) -> list[dict[str, str]]:
        """Return the labels of the episodes that began since then, at most 10,000."""
        return [orjson.loads(row["labels"]) for row in await self._database.fetch(_SQL["labels_since"], at)]

    async def notification_counts(self, alert_ids: Sequence[str]) -> dict[str, int]:
        """Return how many messages were delivered for each alert (those with none are left out)."""
        if not alert_ids:
            return {}
        rows = await self._database.fetch(_SQL["notification_counts"], list(alert_ids))
        return {row["alert_id"]: row["delivered"] for row in rows}


def _age(event: AlertEvent) -> tuple[float, bool]:
    return event.sent_at, event.status is AlertStatus.RESOLVED


def _row(event: AlertEvent) -> dict[str, Any]:
    alert = alert_from_event(event)
    kept = {"fingerprint", "status", "name", "severity", "category", "component", "labels", "annotations", "rule"}
    times = {"active_at", "starts_at", "ends_at", "muted", "muted_until", "flapping"}
    value = alert.value if alert.value is not None and math.isfinite(alert.value) else None
    return {**alert.model_dump(include=kept | times), "alert_id": alert.id, "value": value, "sent_at": event.sent_at}


def _action_row(action: ActionEvent) -> tuple[object, ...]:
    until = action.at + action.expires_in if action.expires_in else None
    return uuid.UUID(action.action_id), action.alert_id, action.kind, action.at, action.by, action.comment, until


def _audit_row(action: ActionEvent) -> tuple[uuid.UUID, float, str, str, str, str]:
    target = action.alert_id or action.silence_id or action.receiver
    detail: dict[str, Any] = {"comment": action.comment} if action.comment else {}
    if action.silence is not None:
        detail = action.silence.model_dump(mode="json", by_alias=True)
    return uuid.UUID(action.action_id), action.at, action.by, action.kind, target, orjson.dumps(detail).decode()
