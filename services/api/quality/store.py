"""Audits in Postgres; every method raises StorageUnavailableError while it is away."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from pydantic import TypeAdapter

from services.api.quality.model import Audit, AuditBody, AuditRun
from services.api.quality.report import Report, Vulnerability, distinct
from services.api.quality.score import RISKS, Scores, score
from services.common.clock import Clock
from services.common.storage import Database, Queries

TREND = 50
MOST_REPORTS = 30
_DAY = 86_400.0
_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_SQL = Queries(Path(__file__).parents[1] / "queries" / "quality.sql")


class AuditFinishedError(ValueError):
    """The audit has its scores, so nothing is added to it."""


class TooManyReportsError(ValueError):
    """There are as many reports as one audit takes."""


class RunningError(ValueError):
    """The audit command runs already."""


class QualityStore:
    """The tables of audits, their reports, and runs; who did what stands in the audit log."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def create(self, body: AuditBody, by: str) -> int:
        """Begin an audit and return its id."""
        now = self._clock.now()
        at = now if body.at is None else body.at
        async with self._database.connection() as connection, connection.transaction():
            found = await connection.fetchval(
                _SQL["insert_audit"], body.commit, body.branch, at, body.lines_of_code, by, now
            )
            detail = {"branch": body.branch, "lines_of_code": body.lines_of_code}
            await self._log(connection, by, "quality_audit_begun", body.commit, detail)
        return int(found)

    async def put(self, audit_id: int, report: Report, by: str) -> bool:
        """Store a report in place of an earlier one of its kind and tool; False when there is no such audit.

        Raises AuditFinishedError and TooManyReportsError.
        """
        content = orjson.dumps(dataclasses.asdict(report)).decode()
        async with self._database.connection() as connection, connection.transaction():
            audit = await self._lock(connection, audit_id)
            if audit is None:
                return False
            if await connection.fetchval(_SQL["count_reports"], audit_id, report.kind, report.tool) >= MOST_REPORTS:
                raise TooManyReportsError
            now = self._clock.now()
            await connection.execute(_SQL["put_report"], audit_id, report.kind, report.tool, now, content)
            detail = {"kind": report.kind, "tool": report.tool}
            await self._log(connection, by, "quality_report_posted", audit["commit"], detail)
        return True

    async def finish(self, audit_id: int, by: str) -> Audit | None:
        """Score an audit for good; None when there is none. Raises AuditFinishedError."""
        async with self._database.connection() as connection, connection.transaction():
            audit = await self._lock(connection, audit_id)
            if audit is None:
                return None
            reports = _reports(await connection.fetch(_SQL["reports"], audit_id))
            scores = score(reports, audit["lines"])
            parts = scores.parts
            values = (parts["architecture"], parts["security"], parts["performance"], parts["testing"])
            await connection.execute(_SQL["finish"], audit_id, self._clock.now(), scores.overall, *values)
            await self._log(connection, by, "quality_audit_finished", audit["commit"], {"overall": scores.overall})
            row = await connection.fetchrow(_SQL["audit"], audit_id)
        return _audit(row)

    async def delete(self, audit_id: int, by: str) -> bool:
        """Remove an audit with its reports; False when there is none."""
        async with self._database.connection() as connection, connection.transaction():
            commit = await connection.fetchval(_SQL["delete_audit"], audit_id)
            if commit is not None:
                await self._log(connection, by, "quality_audit_deleted", commit, {})
        return commit is not None

    async def branches(self) -> list[str]:
        """Return the branches that have a finished audit, the latest first, 50 at most."""
        return [row["branch"] for row in await self._database.fetch(_SQL["branches"])]

    async def trend(self, branch: str) -> list[Audit]:
        """Return the finished audits of a branch, the latest first, 50 at most."""
        return [_audit(row) for row in await self._database.fetch(_SQL["trend"], branch, TREND)]

    async def reports(self, audit: Audit) -> tuple[list[Report], Scores]:
        """Return an audit's reports, and the scores that they make."""
        reports = _reports(await self._database.fetch(_SQL["reports"], audit.id))
        return reports, score(reports, audit.lines)

    async def vulnerabilities(self, branch: str) -> tuple[Sequence[Vulnerability], float | None]:
        """Return what the last reports about packages know of the branch, and when they came, None: never.

        An audit without such a report says nothing of packages, so it must not end the alerts about them.
        """
        rows = await self._database.fetch(_SQL["last_of_kinds"], branch, ["pip-audit", "osv-scanner"])
        found = (hole for row in rows for hole in _REPORT.validate_json(row["content"]).vulnerabilities)
        return distinct(found, RISKS), max((float(row["at"]) for row in rows), default=None)

    async def forget(self, keep: float) -> None:
        """Remove audits and runs that are older than `keep` seconds, and audits left unfinished for a day."""
        now = self._clock.now()
        await self._database.execute(_SQL["forget"], now - keep, now - _DAY)
        await self._database.execute(_SQL["forget_runs"], now - keep)

    async def start_run(self, by: str, command: str, longest: float) -> AuditRun:
        """Note that the audit command begins; raises RunningError while a run of the last `longest` seconds goes on."""
        now = self._clock.now()
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["lose_runs"], now, now - longest)
            try:
                run_id = int(await connection.fetchval(_SQL["start_run"], now, by))
            except asyncpg.UniqueViolationError as error:
                raise RunningError from error
            await self._log(connection, by, "quality_run_started", str(run_id), {"command": command})
        return AuditRun(
            id=run_id, started_at=now, started_by=by, finished_at=None, result="running", exit_code=None, detail="",
            output="", audit_id=None,
        )  # fmt: skip

    async def end_run(self, run: AuditRun) -> None:
        """Note how a run ended, and what it printed."""
        await self._database.execute(
            _SQL["end_run"], run.id, run.finished_at, run.result, run.exit_code, run.detail, run.output, run.audit_id
        )

    async def last_run(self) -> AuditRun | None:
        """Return the run that goes on, or the last one."""
        row = await self._database.fetchrow(_SQL["last_run"])
        return None if row is None else AuditRun(**dict(row))

    async def _log(self, connection: Any, by: str, action: str, target: str, detail: Mapping[str, Any]) -> None:
        await connection.execute(_SQL["log"], self._clock.now(), by, action, target, orjson.dumps(detail).decode())

    @staticmethod
    async def _lock(connection: Any, audit_id: int) -> Any:
        audit = await connection.fetchrow(_SQL["lock_audit"], audit_id)
        if audit is not None and audit["finished"]:
            raise AuditFinishedError
        return audit


def _reports(rows: list[Any]) -> list[Report]:
    return [_REPORT.validate_json(row["content"]) for row in rows]


def _audit(row: Any) -> Audit:
    return Audit(**dict(row))
