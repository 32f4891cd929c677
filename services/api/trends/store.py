"""Reads the history of metrics; every method raises StorageUnavailableError while Postgres is away."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from services.api.trends.catalog import PANEL_METRICS, describe
from services.api.trends.model import Deployment, DeploymentBody, Marker, Point, RecordedMetric, SeriesStats
from services.api.trends.window import Window
from services.common.metric_history import DAY, LEVELS, Level, start_of
from services.common.storage import Database, Queries

if TYPE_CHECKING:
    import asyncpg

MOST_SERIES = 20
_SQL = Queries(Path(__file__).parents[1] / "queries" / "trends.sql")
# A sample is a roll-up of itself.
_SAMPLES = (
    "(SELECT series_id, at, value AS min, value AS max, value AS total, 1 AS count, value AS last"
    " FROM metric_samples) AS source"
)


class TrendStore:
    """The reader of what the evaluator records, of alerts as markers, and the writer of deployments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def metrics(self) -> list[RecordedMetric]:
        """Return the panels' metrics and all others that have a series."""
        rows = {row["metric"]: row for row in await self._database.fetch(_SQL["metrics"])}
        names = [*PANEL_METRICS, *(name for name in rows if name not in PANEL_METRICS)]
        return [_recorded(name, rows.get(name)) for name in names]

    async def known(self, metrics: Sequence[str]) -> set[str]:
        """Return which of these names have ever had a series."""
        return {row["metric"] for row in await self._database.fetch(_SQL["known"], list(metrics))}

    async def series(
        self, metrics: Sequence[str], labels: Mapping[str, str], since: float
    ) -> dict[str, dict[int, dict[str, str]]]:
        """Return by metric the ids and labels of series with a value since then: 21 at most, one more than is shown."""
        wanted = orjson.dumps(dict(labels)).decode()
        rows = await self._database.fetch(_SQL["series"], list(metrics), wanted, since, MOST_SERIES + 1)
        found: dict[str, dict[int, dict[str, str]]] = {metric: {} for metric in metrics}
        for row in rows:
            found[row["metric"]][row["series_id"]] = orjson.loads(row["labels"])
        return found

    async def reach(self, ids: Sequence[int]) -> tuple[dict[str, float], float | None]:
        """Return since when each level is kept, by its key, and the time of the oldest value of these series."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SQL["partitions"], [level.table for level in LEVELS])
            first = await connection.fetchval(_SQL["first"], list(ids))
        keys = {level.table: level.key for level in LEVELS}
        oldest: dict[str, float] = {}
        for row in rows:
            start = start_of(row["name"])
            if start is not None:
                key = keys[row["parent"]]
                oldest[key] = min(oldest.get(key, start * DAY), start * DAY)
        return oldest, first

    async def points(self, level: Level, ids: Sequence[int], window: Window) -> dict[int, list[Point]]:
        """Return by series the steps that have values."""
        rows = await self._database.fetch(_from(level, "points"), list(ids), window.start, window.end, window.step)
        return {row["series_id"]: list(zip(row["at"], row["avg"], row["min"], row["max"], strict=True)) for row in rows}

    async def stats(self, level: Level, ids: Sequence[int], window: Window) -> dict[int, SeriesStats]:
        """Return by series the figures over the whole window."""
        rows = await self._database.fetch(_from(level, "stats"), list(ids), window.start, window.end)
        return {row["series_id"]: _stats(row) for row in rows}

    async def markers(self, start: float, end: float, components: Sequence[str], rules: Sequence[str]) -> list[Marker]:
        """Return alerts of these components or rules, and all deployments, oldest first; at most 200 of each."""
        alerts = await self._database.fetch(_SQL["alerts"], start, end, list(components), list(rules))
        markers = [
            Marker(
                at=row["at"], end=row["end"], kind="alert", text=row["summary"] or row["name"],
                component=row["component"], severity=row["severity"], link=f"/alerts/{row['alert_id']}",
            )
            for row in alerts
        ]  # fmt: skip
        markers += [
            Marker(at=one.at, end=None, kind="deployment", text=one.version, component=one.component, severity="",
                   link=one.link)
            for one in await self.deployments(start, end)
        ]  # fmt: skip
        return sorted(markers, key=lambda marker: marker.at)

    async def deployments(self, start: float, end: float) -> list[Deployment]:
        """Return the newest deployments of a time, newest first, at most 200."""
        rows = await self._database.fetch(_SQL["deployments"], start, end)
        return [Deployment(**dict(row)) for row in rows]

    async def add_deployment(self, body: DeploymentBody, by: str, now: float) -> Deployment:
        """Keep a deployment; the same component, version and time again is the same deployment."""
        at = now if body.at is None else body.at
        async with self._database.connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["add_deployment"], at, body.component, body.version, body.link, by)
            target = f"{body.component} {body.version}"
            await connection.execute(_SQL["audit"], now, by, "deployment_recorded", target)
        return Deployment(**dict(row or {}))


def _from(level: Level, name: str) -> str:
    return _SQL[name].replace("FROM source", f"FROM {level.table if level.seconds else _SAMPLES}")


def _recorded(name: str, row: "asyncpg.Record | None") -> RecordedMetric:
    known = {"last_at": None, "series": 0} if row is None else {"last_at": row["last_at"], "series": row["series"]}
    return RecordedMetric(**describe(name).model_dump(), **known)


def _stats(row: "asyncpg.Record") -> SeriesStats:
    p50, p95, p99 = row["percentiles"]
    return SeriesStats(
        avg=row["avg"], min=row["min"], max=row["max"], last=row["last"], p50=p50, p95=p95, p99=p99, count=row["count"]
    )
