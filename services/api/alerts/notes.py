"""Comments and verdicts on alerts, in Postgres; every method raises StorageUnavailableError while it is away."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson

from services.api.alerts.model import Verdict, VerdictKind
from services.common.clock import Clock
from services.common.storage import Database, Queries

_SQL = Queries(Path(__file__).parents[1] / "queries" / "notes.sql")


class AlertNotes:
    """The notifier needs none of this, so it goes to the record alone and not over the stream."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def comment(self, alert_id: str, by: str, text: str) -> bool:
        """Keep a comment; return False when there is no such alert."""
        return await self._add(alert_id, by, "comment", text)

    async def judge(self, alert_id: str, by: str, verdict: VerdictKind) -> bool:
        """Keep whether the alert was useful, in place of an earlier verdict; return False when there is none such."""
        return await self._add(alert_id, by, "verdict", verdict)

    async def _add(self, alert_id: str, by: str, kind: Literal["comment", "verdict"], text: str) -> bool:
        now = self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            if await connection.fetchval(_SQL["insert_note"], alert_id, now, by, kind, text) is None:
                return False
            if kind == "verdict":
                await connection.execute(_SQL["set_verdict"], alert_id, text, by, now)
            detail = orjson.dumps({"text": text}).decode()
            await connection.execute(_SQL["audit"], now, by, kind, alert_id, detail)
        return True

    async def of(self, alert_id: str) -> list[Mapping[str, Any]]:
        """Return an alert's notes, oldest first."""
        return [dict(row) for row in await self._database.fetch(_SQL["notes"], alert_id)]

    async def verdict(self, alert_id: str) -> Verdict | None:
        """Return what was last said of an alert's use."""
        row = await self._database.fetchrow(_SQL["verdict"], alert_id)
        return None if row is None else Verdict(verdict=row["verdict"], by=row["by"], at=row["at"])
