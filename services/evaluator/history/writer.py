"""Takes samples from memory to Postgres, by way of the disk while Postgres is away."""

import asyncio
from collections import deque

import asyncpg
import structlog

from services.common.clock import Clock
from services.common.storage import StorageUnavailableError
from services.evaluator.history.chunk import Chunk, Row, in_chunks
from services.evaluator.history.config import HistoryConfig
from services.evaluator.history.intake import Intake
from services.evaluator.history.spool import Spool
from services.evaluator.history.store import LEASE_SECONDS, HistoryStore
from services.evaluator.history.telemetry import HistoryTelemetry

CHUNK_ROWS = 5_000
_HOLD = 2 * LEASE_SECONDS
_HOUSEKEEPING = 3600.0
_FUTURE = 3600.0
_LAST_FLUSH = 5.0
log = structlog.get_logger(__name__)


class HistoryWriter:
    """Writes every `flush_interval`. A chunk leaves memory or disk only when it is committed.

    While another evaluator writes, the last minute is held, so that it is there should the other one die.
    """

    def __init__(
        self, config: HistoryConfig, intake: Intake, spool: Spool, store: HistoryStore, clock: Clock,
        telemetry: HistoryTelemetry,
    ) -> None:  # fmt: skip
        self.intake = intake
        self._config, self._spool, self._store, self._clock, self._telemetry = config, spool, store, clock, telemetry
        self._waiting: deque[Chunk] = deque()
        self._trouble = ""
        self._standby = False
        self._swept: float | None = None

    async def round(self) -> None:
        """Wait, then write: one round for `keep_running`."""
        await self._clock.sleep(self._config.flush_interval)
        await self.flush()

    async def flush(self) -> None:
        """Write all that is in memory and on disk; what can't be written is put on disk."""
        self._waiting.extend(in_chunks(self._in_time(self.intake.take()), CHUNK_ROWS))
        try:
            await self._keep_house()
            await self._write_all()
            self._note("")
        except StorageUnavailableError:
            await self._put_aside("postgres_away")
        except asyncpg.PostgresError as error:
            await self._put_aside(type(error).__name__)
        self._tell()

    async def stop(self) -> None:
        """Write what is left, for 5 s at most; the rest waits on disk for the next start."""
        try:
            async with asyncio.timeout(_LAST_FLUSH):
                await self.flush()
                if not self._trouble:
                    await self._store.give_up()
        except (TimeoutError, StorageUnavailableError):
            self._note("postgres_away")
        if not self._standby:
            await self._to_disk()

    async def _write_all(self) -> None:
        # Disk first: what is on it is older.
        while (found := await asyncio.to_thread(self._spool.oldest)) is not None:
            path, chunk = found
            if not await self._write(Chunk(tuple(self._in_time(list(chunk.rows))))):
                return
            await asyncio.to_thread(self._spool.done, path)
        while self._waiting:
            if not await self._write(self._waiting[0]):
                return
            self._waiting.popleft()

    async def _write(self, chunk: Chunk) -> bool:
        """Return whether the chunk is done with; False while another evaluator is the writer."""
        if not chunk.rows:
            return True
        try:
            with self._telemetry.seconds.time():
                count = await self._store.write(chunk)
        except asyncpg.DataError as error:
            # Postgres would say the same again, and everything behind it would wait for ever.
            log.warning("history_chunk_refused", error=str(error))
            self._telemetry.drop("refused", len(chunk.rows))
            return True
        self._set_standby(standby=count is None)
        if count is None:
            before = round((self._clock.now() - _HOLD) * 1000)
            await asyncio.to_thread(self._spool.drop_before, before)
            self._waiting = deque(one for one in self._waiting if one.newest_ms >= before)
            return False
        self._telemetry.samples.inc(count)
        return True

    def _set_standby(self, *, standby: bool) -> None:
        if standby != self._standby:
            log.info("history_writer_changed", writes=not standby)
        self._standby = standby
        self._telemetry.writes.set(0 if standby else 1)

    def _in_time(self, rows: list[Row]) -> list[Row]:
        """Leave out what no partition may hold: too old, or of a clock that was ahead."""
        now = self._clock.now()
        first, last = round((now - self._config.retention.samples) * 1000), round((now + _FUTURE) * 1000)
        kept = [row for row in rows if first <= row[1] <= last]
        if len(kept) < len(rows):
            old = sum(row[1] < first for row in rows)
            self._telemetry.drop("too_old", old)
            self._telemetry.drop("in_future", len(rows) - len(kept) - old)
        return kept

    async def _keep_house(self) -> None:
        now = self._clock.monotonic()
        if self._swept is None or now - self._swept >= _HOUSEKEEPING:
            await self._store.keep_house(self._clock.now())
            self._swept = now

    async def _put_aside(self, reason: str) -> None:
        self._note(reason)
        self._store.forget()
        self._swept = None
        await self._to_disk()

    async def _to_disk(self) -> None:
        try:
            while self._waiting:
                await asyncio.to_thread(self._spool.add, self._waiting[0])
                self._waiting.popleft()
        except OSError as error:
            self._note("disk_full" if not self._trouble else self._trouble)
            log.warning("history_backlog_failed", error=str(error))
            self._bound_memory()

    def _bound_memory(self) -> None:
        over = sum(len(chunk.rows) for chunk in self._waiting) - self.intake.capacity
        while over > 0:
            gone = len(self._waiting.popleft().rows)
            self._telemetry.drop("memory_full", gone)
            over -= gone

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            if trouble:
                log.warning("history_failing", reason=trouble)
            else:
                log.info("history_recovered")
        self._trouble = trouble
        self._telemetry.base.dependency_up.labels("postgres").set(0 if trouble else 1)

    def _tell(self) -> None:
        self._telemetry.queued.set(len(self.intake) + sum(len(chunk.rows) for chunk in self._waiting))
        self._telemetry.backlog_chunks.set(len(self._spool))
        self._telemetry.backlog_bytes.set(self._spool.size)
