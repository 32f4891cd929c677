"""PostgreSQL: one kept connection per target, read only, every statement bounded."""

from services import __version__
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind
from services.collector.sources.postgres.collector import Fetch, Memory, Session
from services.collector.sources.postgres.link import LOST, Connection, connect, fetcher, version_of
from services.collector.sources.postgres.registry import COLLECTORS
from services.collector.sources.postgres.runner import Runner
from services.collector.sources.postgres.target import PostgresTarget
from services.collector.sources.postgres.tour import Tour

_SPARE = 0.05


class PostgresSource:
    """One target; the connection is made at the first scrape and again after a failure."""

    def __init__(self, target: PostgresTarget, context: Context) -> None:
        self._target, self._clock, self._base = target, context.clock, context.base
        self._connections: dict[str | None, Connection] = {}
        """By database; None is the target's own. There is a second one only where pg_stat_statements is in another."""
        self._database = ""
        self._memory = Memory()
        self._runner = Runner(target.collectors, context.clock)
        self.tour = Tour(target, context, self._runner, self._memory)

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; one collector's failure does not stop the others."""
        self._memory.scrapes += 1
        start = self._clock.monotonic()
        kept = None in self._connections
        try:
            try:
                well = await self._attempt(sheet, start, limit)
            except LOST:
                # A kept connection may have been ended while it rested: a new one tells whether the server is down.
                if not kept:
                    raise
                self.close()
                sheet.families.clear()
                well = await self._attempt(sheet, start, limit)
        except BaseException:
            # A statement may still run there, and its answer would come to the next question.
            self.close()
            raise
        self.tour.start_if_due()
        well = self.tour.write(sheet) and well
        self._write_own(sheet, up=True, failed=not well, took=self._clock.monotonic() - start)

    async def _attempt(self, sheet: Sheet, start: float, limit: float) -> bool:
        connection = await self._connected(max(start + limit - self._clock.monotonic(), _SPARE))
        session = await self._session(connection, start + limit - _SPARE)
        return await self._runner.run(COLLECTORS, session, sheet)

    async def _connected(self, limit: float, database: str | None = None) -> Connection:
        connection = self._connections.get(database)
        if connection is None or connection.is_closed():
            connection = self._connections[database] = await connect(
                self._target,
                self._base,
                limit,
                statement_timeout=self._target.statement_timeout,
                lock_timeout=self._target.lock_timeout,
                database=database,
            )
            if database is None:
                self._database = ""
        return connection

    async def _session(self, connection: Connection, deadline: float) -> Session:
        fetch = fetcher(connection, self._clock, deadline)
        if not self._database:
            (row,) = await fetch("SELECT current_database() AS name")
            self._database = row["name"]

        async def open_other(database: str) -> Fetch:
            left = max(deadline - self._clock.monotonic(), _SPARE)
            return fetcher(await self._connected(left, database), self._clock, deadline)

        path = self._target.disk_path
        return Session(
            fetch=fetch,
            version=version_of(connection),
            memory=self._memory,
            target=self._target,
            database=self._database,
            now=self._clock.monotonic(),
            disk_path=None if path is None else str(self._base / path),
            open_other=open_other,
        )

    def close(self) -> None:
        """Drop the connections without a farewell, which a hung server would not answer."""
        for connection in self._connections.values():
            connection.terminate()
        self._connections.clear()

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        del reason
        self._write_own(sheet, up=False, failed=True, took=None)

    def _write_own(self, sheet: Sheet, *, up: bool, failed: bool, took: float | None) -> None:
        sheet.gauge("pg_up", "1 when the server answered this scrape, 0 when not.", up)
        sheet.gauge("pg_exporter_last_scrape_error", "1 when anything of the last scrape failed.", failed)
        sheet.gauge("pg_exporter_last_scrape_duration_seconds", "Duration of the last scrape.", took)
        sheet.counter("pg_exporter_scrapes_total", "Scrapes of this target.", self._memory.scrapes)
        sheet.gauge("postgres_exporter_build_info", "Always 1; who exports.", 1, version=__version__)


async def open_postgres(target: PostgresTarget, context: Context) -> PostgresSource:
    """Return the source; nothing is connected yet, so that a server that is down does not stop the start."""
    source = PostgresSource(target, context)
    context.stack.callback(source.close)
    context.stack.push_async_callback(source.tour.stop)
    return source


KIND = SourceKind("postgres", PostgresTarget, open_postgres, lambda target: target.address)
