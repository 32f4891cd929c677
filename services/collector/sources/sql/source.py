"""Own SQL metrics: each query at its pace, over one kept connection for each database, read only and bounded."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import Field

from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, SourceKind
from services.collector.sources.postgres.collector import MARK
from services.collector.sources.postgres.columns import Row
from services.collector.sources.postgres.link import LOST, TROUBLE, Connection, connect
from services.collector.sources.postgres.runner import merge, reason_of_statement
from services.collector.sources.postgres.target import PostgresAddress
from services.collector.sources.sql.files import Query, SqlMetric, read_files
from services.collector.sources.sql.rows import write_metric
from services.common.durations import Duration

log = structlog.get_logger(__name__)
_SPARE = 0.05


class SqlTarget(PostgresAddress):
    """A PostgreSQL database and the files that say what to ask it."""

    metrics_files: tuple[str, ...] = Field(min_length=1)
    """Files or globs, relative to the configuration's folder."""
    statement_timeout: Duration = Field(default=5.0, gt=0)
    lock_timeout: Duration = Field(default=0.1, gt=0)


@dataclass(frozen=True)
class _Result:
    sheet: Sheet
    at: float


class SqlSource:
    """One target."""

    def __init__(self, target: SqlTarget, queries: Sequence[Query], context: Context) -> None:
        self._target, self._queries = target, queries
        self._clock, self._base = context.clock, context.base
        self._connections: dict[str | None, Connection] = {}
        self._kept: dict[int, _Result] = {}
        self._told: dict[str, str] = {}

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; a query that fails says so by `sql_metric_success` and does not stop the others."""
        deadline = self._clock.monotonic() + limit - _SPARE
        failed = False
        for number, query in enumerate(self._queries):
            kept = self._kept.get(number)
            if kept is None or self._clock.monotonic() - kept.at >= query.interval:
                kept = self._kept[number] = await self._result(query, deadline)
            merge(sheet, kept.sheet)
            failed = failed or any(value == "0" for _, _, value in kept.sheet.families["sql_metric_success"].rows)
        self._write_own(sheet, up=True, failed=failed)

    async def _result(self, query: Query, deadline: float) -> _Result:
        sheet, start = Sheet(), self._clock.monotonic()
        outcome: Sequence[Row] | BaseException
        try:
            outcome = await self._rows_on_a_living_connection(query, deadline)
        except (TimeoutError, asyncio.CancelledError):
            # All time is gone; what runs there would answer the next question.
            self.close()
            raise
        except _DownError as down:
            self.close()
            raise down.trouble from down
        except TROUBLE as trouble:
            if isinstance(trouble, LOST):
                self._drop(query.database)
            outcome = trouble
        took = self._clock.monotonic() - start
        for metric in query.metrics:
            self._tell(sheet, metric.metric_name, _written(sheet, metric, outcome), took)
        return _Result(sheet, start)

    async def _rows_on_a_living_connection(self, query: Query, deadline: float) -> Sequence[Row]:
        kept = query.database in self._connections
        try:
            return await self._rows(query, deadline)
        except LOST:
            # A kept connection may have been ended while it rested.
            if not kept:
                raise
            self._drop(query.database)
            return await self._rows(query, deadline)

    async def _rows(self, query: Query, deadline: float) -> Sequence[Row]:
        try:
            connection = await self._connected(query.database, deadline - self._clock.monotonic())
        except TROUBLE as trouble:
            if query.database is None:
                raise _DownError(trouble) from trouble
            raise
        async with asyncio.timeout(max(deadline - self._clock.monotonic(), 0)):
            # In a transaction that is read only from its begin: no function of the query can make it otherwise.
            async with connection.transaction(readonly=True):
                cursor = await connection.cursor(f"{query.sql}\n{MARK}")
                rows: list[Any] = await cursor.fetch(query.max_rows + 1)
        if len(rows) > query.max_rows:
            text = f"the query gives more than {query.max_rows} rows; group more, or raise max_rows"
            raise ScrapeError(Reason.TOO_LARGE, text)
        return rows

    async def _connected(self, database: str | None, limit: float) -> Connection:
        connection = self._connections.get(database)
        if connection is None or connection.is_closed():
            connection = self._connections[database] = await connect(
                self._target,
                self._base,
                max(limit, 0.01),
                statement_timeout=self._target.statement_timeout,
                lock_timeout=self._target.lock_timeout,
                database=database,
            )
        return connection

    def _drop(self, database: str | None) -> None:
        connection = self._connections.pop(database, None)
        if connection is not None:
            connection.terminate()

    def _tell(self, sheet: Sheet, metric: str, error: BaseException | None, took: float) -> None:
        reason = "" if error is None else reason_of_error(error).value
        sheet.gauge("sql_metric_success", "Whether a metric's query succeeded.", error is None, metric=metric)
        sheet.gauge("sql_metric_duration_seconds", "Duration of a metric's query.", took, metric=metric)
        if error is not None:
            sheet.gauge(
                "sql_metric_error", "1 with the reason why a metric's query failed.", 1, metric=metric, reason=reason
            )
        if reason != self._told.get(metric, ""):
            level = log.warning if reason else log.info
            level(
                "sql_metric_failed" if reason else "sql_metric_back",
                target=self._target.name, metric=metric, reason=reason, error="" if error is None else str(error),
            )  # fmt: skip
        self._told[metric] = reason

    def close(self) -> None:
        """Drop the connections without a farewell, which a hung server would not answer."""
        for connection in self._connections.values():
            connection.terminate()
        self._connections.clear()

    def down(self, sheet: Sheet, reason: str) -> None:
        """See the port."""
        del reason
        self._write_own(sheet, up=False, failed=True)

    def _write_own(self, sheet: Sheet, *, up: bool, failed: bool) -> None:
        sheet.gauge("sql_up", "1 when the database answered this scrape, 0 when not.", up)
        sheet.gauge("sql_last_scrape_error", "1 when any query of the last scrape failed.", failed)


class _DownError(Exception):
    """The target's own database can't be reached."""

    def __init__(self, trouble: BaseException) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


def _written(sheet: Sheet, metric: SqlMetric, outcome: Sequence[Row] | BaseException) -> BaseException | None:
    if isinstance(outcome, BaseException):
        return outcome
    try:
        write_metric(sheet, metric, outcome)
    except ScrapeError as mistake:
        return mistake
    return None


def reason_of_error(error: BaseException) -> Reason:
    """Return why a query failed: the statement's own reason, or that of the way to it."""
    return reason_of(error) if isinstance(error, ScrapeError) else reason_of_statement(error)


async def open_sql(target: SqlTarget, context: Context) -> SqlSource:
    """Read the files and return the source; raises ConfigError. Nothing is connected yet."""
    source = SqlSource(target, read_files(target.metrics_files, context.base), context)
    context.stack.callback(source.close)
    return source


KIND = SourceKind("sql", SqlTarget, open_sql, lambda target: target.address)
