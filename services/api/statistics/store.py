"""Counts alerts in Postgres and keeps the answer for half a minute; raises StorageUnavailableError while it is away."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.api.statistics.model import RuleFigures, SeverityFigures, Statistics, Uptime
from services.common.clock import Clock
from services.common.storage import Database, Queries

FRESH = 30.0
_SQL = Queries(Path(__file__).parents[1] / "queries" / "statistics.sql")
_DAY = 86_400.0
_WEEK = 7 * _DAY


class StatisticsStore:
    """One answer for each span is counted at most every 30 seconds, however many ask."""

    def __init__(self, database: Database, clock: Clock, components: Sequence[str]) -> None:
        self._database, self._clock, self._components = database, clock, components
        self._kept: dict[int, tuple[float, Statistics]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, days: int) -> Statistics:
        """Return the figures of the last so many days."""
        async with self._one_at_a_time:
            now = self._clock.monotonic()
            kept = self._kept.get(days)
            if kept is not None and now - kept[0] < FRESH:
                return kept[1]
            counted = await self._count(days)
            self._kept[days] = (now, counted)
            return counted

    async def _count(self, days: int) -> Statistics:
        end = self._clock.now()
        start = end - days * _DAY
        async with self._database.connection() as connection, connection.transaction(readonly=True):
            totals = await connection.fetchrow(_SQL["totals"], start, end)
            rules = await connection.fetch(_SQL["rules"], start, end)
            severities = await connection.fetch(_SQL["severities"], start, end)
            outages = await connection.fetch(_SQL["outages"], start, end)
            people = await connection.fetchval(_SQL["responders"])
        down = {row["component"]: row["seconds"] for row in outages}
        return Statistics(
            start=start,
            end=end,
            **dict(totals or {}),
            **_judged(dict(totals or {}), people, (end - start) / _WEEK),
            severities=[SeverityFigures(**dict(row)) for row in severities],
            noisiest=[RuleFigures(**dict(row)) for row in rules],
            uptimes=uptimes(down, self._components, end - start),
        )


def _judged(totals: Mapping[str, Any], people: int, weeks: float) -> dict[str, float | None]:
    useless = totals["false_alarms"] + totals["noise"]
    judged = totals["true_alarms"] + useless
    return {
        "precision": totals["true_alarms"] / judged if judged else None,
        "false_alarms_per_person_and_week": useless / people / weeks if people else None,
    }


def uptimes(down: Mapping[str, float], components: Sequence[str], seconds: float) -> list[Uptime]:
    """Return the uptime of each component that is shown or had an outage; a component without one was up."""
    known = dict.fromkeys([*components, *down])
    return [
        Uptime(component=name, down_seconds=lost, ratio=max(0.0, 1 - lost / seconds))
        for name in known
        for lost in (down.get(name, 0.0),)
    ]
