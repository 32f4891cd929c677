"""PostgreSQL: one kept connection per target, read only, every statement bounded."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from pydantic import Field, SecretStr, model_validator

from services import __version__
from services.collector.reasons import Reason, ScrapeError, reason_of
from services.collector.sheet import Sheet
from services.collector.sources.base import Context, PasswordModel, SourceKind
from services.collector.sources.postgres.collector import MARK, Memory, PostgresCollector, Session
from services.collector.sources.postgres.columns import Row
from services.collector.sources.postgres.registry import COLLECTORS

_AUTH = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
_SPARE = 0.05


class PostgresTarget(PasswordModel):
    """One server: `dsn` (from `${ENV}` where it carries a password) or host, port, user and dbname."""

    dsn: SecretStr | None = None
    host: str | None = None
    port: int = Field(default=5432, ge=1, le=65_535)
    user: str | None = None
    dbname: str = "postgres"
    disk_path: Path | None = None
    """A path on the disk that holds the data, where the server runs on this machine."""
    disk_size: float | None = Field(default=None, gt=0)
    """Else that disk's size in bytes, against which databases and WAL are counted."""
    top_tables: int = Field(default=50, ge=0, le=10_000)
    statement_timeout: float = Field(default=5.0, gt=0)
    lock_timeout: float = Field(default=0.1, gt=0)

    @model_validator(mode="after")
    def _one_address(self) -> "PostgresTarget":
        if (self.dsn is None) == (self.host is None):
            raise ValueError("give either dsn or host")
        if self.dsn is not None and urlsplit(self.dsn.get_secret_value()).scheme not in {"postgres", "postgresql"}:
            raise ValueError("dsn is not one of PostgreSQL; write it like postgresql://user@host:5432/postgres")
        return self

    @property
    def address(self) -> str:
        """Host, port and database, without user and password."""
        if self.dsn is None:
            return f"{self.host}:{self.port}/{self.dbname}"
        parts = urlsplit(self.dsn.get_secret_value())
        return parts.netloc.rpartition("@")[2] + parts.path


class PostgresSource:
    """One target; the connection is made at the first scrape and again after a failure."""

    def __init__(self, target: PostgresTarget, context: Context) -> None:
        self._target, self._clock, self._base = target, context.clock, context.base
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._memory = Memory()

    async def collect(self, sheet: Sheet, limit: float) -> None:
        """See the port; one collector's failure does not stop the others."""
        self._memory.scrapes += 1
        start = self._clock.monotonic()
        try:
            connection = await self._connected(limit)
            failed = await self._run(connection, sheet, start + limit - _SPARE)
        except BaseException:
            # A statement may still run there, and its answer would come to the next question.
            self.close()
            raise
        took = self._clock.monotonic() - start
        self._write_own(sheet, up=True, failed=bool(failed), took=took)

    async def _connected(self, limit: float) -> "asyncpg.Connection[asyncpg.Record]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect(limit)
        return self._connection

    async def _connect(self, limit: float) -> "asyncpg.Connection[asyncpg.Record]":
        target = self._target
        password = target.read_password(self._base)
        settings = {
            "application_name": "tocsin-collector",
            "statement_timeout": str(round(target.statement_timeout * 1000)),
            "lock_timeout": str(round(target.lock_timeout * 1000)),
            "default_transaction_read_only": "on",
        }
        address: dict[str, Any] = {"dsn": target.dsn.get_secret_value()} if target.dsn is not None else {
            "host": target.host, "port": target.port, "user": target.user, "database": target.dbname,
        }  # fmt: skip
        if password is not None:
            address["password"] = password
        try:
            connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
                **address, timeout=limit, server_settings=settings
            )
        except _AUTH as error:
            raise ScrapeError(
                Reason.AUTH, f"{error}; check user, password or password_file, and pg_hba.conf"
            ) from error
        except asyncpg.TooManyConnectionsError as error:
            raise ScrapeError(Reason.REFUSED, f"{error}; give the role a reserved connection") from error
        return connection

    async def _run(
        self, connection: "asyncpg.Connection[asyncpg.Record]", sheet: Sheet, deadline: float
    ) -> Sequence[str]:
        async def fetch(statement: str, *args: object) -> list[Row]:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise TimeoutError("no time was left for this statement")
            return [dict(row) for row in await connection.fetch(f"{statement.rstrip()} {MARK}", *args, timeout=left)]

        version = connection.get_server_version()
        session = Session(
            fetch=fetch,
            version=version.major * 10_000 + version.minor,
            disk_path=None if self._target.disk_path is None else str(self._base / self._target.disk_path),
            disk_size=self._target.disk_size,
            top_tables=self._target.top_tables,
            memory=self._memory,
        )
        wanted = [collector for collector in COLLECTORS if session.version >= collector.needs]
        return [one.name for one in wanted if not await self._one(one, session, sheet)]

    async def _one(self, collector: PostgresCollector, session: Session, sheet: Sheet) -> bool:
        start = self._clock.monotonic()
        ok = False
        try:
            await collector.work(session, sheet)
            ok = True
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncio.CancelledError, TimeoutError):
            # The connection, or all time, is gone: nothing that follows could work.
            raise
        except (asyncpg.PostgresError, OSError, ValueError) as error:
            reason = _reason(error)
            sheet.gauge(
                "pg_scrape_collector_error", "1 with the reason why a collector failed.", 1,
                collector=collector.name, reason=reason.value,
            )  # fmt: skip
        finally:
            took = self._clock.monotonic() - start
            sheet.gauge("pg_scrape_collector_success", "Whether a collector succeeded.", ok, collector=collector.name)
            sheet.gauge(
                "pg_scrape_collector_duration_seconds", "Duration of a collector.", took, collector=collector.name
            )
        return ok

    def close(self) -> None:
        """Drop the connection without a farewell, which a hung server would not answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

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


def _reason(error: BaseException) -> Reason:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return Reason.PERMISSION
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        return Reason.TIMEOUT
    return reason_of(error)


async def open_postgres(target: PostgresTarget, context: Context) -> PostgresSource:
    """Return the source; nothing is connected yet, so that a server that is down does not stop the start."""
    source = PostgresSource(target, context)
    context.stack.callback(source.close)
    return source


KIND = SourceKind("postgres", PostgresTarget, open_postgres, lambda target: target.address)
