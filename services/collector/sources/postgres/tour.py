"""The tour through all databases of a server, beside the scrapes: one short connection after the other.

Tables, indexes and sequences can be read only by who is connected to their database. What a scrape finds is what the
last tour has read; `pg_scrape_database_timestamp_seconds` tells when that was.
"""

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from services.collector.reasons import Reason, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.base import Context
from services.collector.sources.postgres.collector import Memory, Session
from services.collector.sources.postgres.link import TROUBLE, Connection, connect, fetcher, version_of
from services.collector.sources.postgres.registry import ELSEWHERE, SLOW, TOUR
from services.collector.sources.postgres.runner import Outcome, Runner, merge, run_one, write_truth
from services.collector.sources.postgres.target import PostgresTarget

_LIST = """
SELECT datname FROM pg_database
WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT')
ORDER BY datname <> current_database(), datname
"""
_EXTENSION = """
SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
"""
_CONNECT_SECONDS = 5.0
_DATABASE_SECONDS = 60.0


@dataclass
class Visit:
    """What was found in one database."""

    at: float | None
    """When it was last read whole, seconds since the epoch; None: never yet."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By collector."""
    reason: Reason | None = None
    """Why it could not be visited."""


class Tour:
    """One target's tours; at most one is under way."""

    def __init__(self, target: PostgresTarget, context: Context, runner: Runner, memory: Memory) -> None:
        self._target, self._clock, self._base = target, context.clock, context.base
        self._runner, self._memory = runner, memory
        self._task: asyncio.Task[None] | None = None
        self._began: float | None = None
        self._visits: dict[str, Visit] = {}
        self._left_out = 0
        self._failed: Reason | None = None
        self._took = 0.0
        self._toured = False

    def start_if_due(self) -> None:
        """Begin a tour where one is due; called when a scrape has gone well, so that a server in trouble is spared."""
        now = self._clock.monotonic()
        under_way = self._task is not None and not self._task.done()
        resting = self._began is not None and now - self._began < self._target.databases_interval
        if under_way or resting or not self._runner.enabled(TOUR):
            return
        self._began = now
        self._task = asyncio.create_task(self._go(), name=f"tour of {self._target.name}")

    async def stop(self) -> None:
        """Cancel what is under way."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=1.0)

    def write(self, sheet: Sheet) -> bool:
        """Write what the last tour has found; return whether nothing failed there."""
        if self._began is None:
            return True
        for name, visit in self._visits.items():
            where = {"datname": name}
            sheet.gauge(
                "pg_scrape_database_success", "Whether a database was read on the tour.", not visit.reason, **where
            )
            text = "When a database was last read on the tour, seconds since the epoch."
            sheet.gauge("pg_scrape_database_timestamp_seconds", text, visit.at, **where)
            for outcome in visit.outcomes.values():
                merge(sheet, outcome.sheet)
        text = "Databases that are not read because of max_databases."
        sheet.gauge("pg_scrape_databases_left_out", text, self._left_out)
        return self._write_truth(sheet)

    def _write_truth(self, sheet: Sheet) -> bool:
        visits = self._visits.values()
        reasons = {TOUR: self._failed or next((visit.reason for visit in visits if visit.reason), None)}
        times = {TOUR: self._took}
        for visit in visits:
            for name, outcome in visit.outcomes.items():
                key = TOUR if name in {one.name for one in ELSEWHERE} else name
                reasons[key] = reasons.get(key) or outcome.reason
                times[key] = times.get(key, 0.0) + (0.0 if key == TOUR else outcome.took)
        for name, reason in reasons.items():
            write_truth(sheet, name, reason, times[name])
        return not any(reasons.values())

    async def _go(self) -> None:
        begin = self._clock.monotonic()
        try:
            names = await self._names()
        except TROUBLE as error:
            self._failed = reason_of(error)
            return
        self._failed = None
        for name in names:
            await self._visit(name, main=name == names[0], shared_by=max(len(names) - 1, 1))
        self._visits = {name: visit for name, visit in self._visits.items() if name in names}
        elsewhere = self._memory.statements_elsewhere
        if elsewhere is not None and elsewhere[0] not in names:
            self._memory.statements_elsewhere = None
        self._took = self._clock.monotonic() - begin
        if not self._toured:
            # All that a tour ever asks has now been asked once.
            self._toured = self._memory.new_statements = True

    async def _names(self) -> list[str]:
        deadline = self._clock.monotonic() + _CONNECT_SECONDS
        connection = await self._connect(None)
        try:
            rows = await fetcher(connection, self._clock, deadline)(_LIST)
        finally:
            connection.terminate()
        found = [row["datname"] for row in rows]
        wanted = [found[0], *(name for name in found[1:] if self._wanted(name))] if found else []
        self._left_out = max(0, len(wanted) - self._target.max_databases)
        return wanted[: self._target.max_databases]

    def _wanted(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._target.databases) and not any(
            fnmatchcase(name, pattern) for pattern in self._target.exclude_databases
        )

    async def _visit(self, name: str, *, main: bool, shared_by: int) -> None:
        before = self._visits.get(name)
        visit = Visit(None, {}) if before is None else Visit(before.at, dict(before.outcomes))
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                await self._read(name, visit, main=main, shared_by=shared_by)
            visit.at = self._clock.now()
        except TROUBLE as error:
            visit.reason = reason_of(error)
        self._visits[name] = visit

    async def _read(self, name: str, visit: Visit, *, main: bool, shared_by: int) -> None:
        connection = await self._connect(name)
        try:
            session = Session(
                fetch=fetcher(connection, self._clock, self._clock.monotonic() + _DATABASE_SECONDS),
                version=version_of(connection),
                memory=self._memory,
                target=self._target,
                database=name,
                now=self._clock.monotonic(),
                main=main,
                shared_by=1 if main else shared_by,
            )
            await self._look_for_statements(session)
            for one in (*(() if main else ELSEWHERE), *SLOW):
                if self._runner.enabled(one.name, default=one.enabled) and self._due(one.name, visit):
                    visit.outcomes[one.name] = await run_one(one, session, Sheet(), self._clock)
        finally:
            connection.terminate()

    async def _look_for_statements(self, session: Session) -> None:
        known = self._memory.statements_elsewhere
        if session.main or (known is not None and known[0] != session.database):
            return
        rows = await session.fetch(_EXTENSION)
        self._memory.statements_elsewhere = (session.database, rows[0]["schema"]) if rows else None

    def _due(self, collector: str, visit: Visit) -> bool:
        default = self._target.bloat_interval if collector == "bloat" else 0.0
        last = visit.outcomes.get(collector)
        # A tour is never quite as long after the one before as is said.
        spare = self._target.databases_interval / 2
        wait = self._runner.interval(collector, default)
        return last is None or wait == 0 or self._clock.monotonic() - last.at >= wait - spare

    async def _connect(self, database: str | None) -> Connection:
        return await connect(
            self._target,
            self._base,
            _CONNECT_SECONDS,
            statement_timeout=self._target.statement_timeout,
            lock_timeout=self._target.lock_timeout,
            database=database,
        )
