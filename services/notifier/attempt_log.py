"""Every attempt into Postgres, as soon as Postgres takes it."""

from pathlib import Path

from services.common.clock import Clock
from services.common.storage import Database, Queries
from services.notifier.attempt import Attempt
from services.notifier.pipeline import Pipeline
from services.notifier.waiting import wait

_BATCH = 500
_IDLE = 5.0
_QUERIES = Queries(Path(__file__).parent / "attempts.sql")


class AttemptLog:
    """Drains the queue of records; a record that is written twice is there once (its id follows from what it says)."""

    def __init__(self, pipeline: Pipeline, database: Database, clock: Clock) -> None:
        self._pipeline, self._database, self._clock = pipeline, database, clock

    async def round(self) -> None:
        """Write what is queued, then wait for more; raises StorageUnavailableError when Postgres is away."""
        self._pipeline.attempted.clear()
        while await self.drain():
            pass
        await wait(self._clock, self._pipeline.attempted, _IDLE)

    async def drain(self) -> int:
        """Write one batch; return how many records it had."""
        batch = dict(list(self._pipeline.state.attempts.items())[:_BATCH])
        if not batch:
            return 0
        async with self._database.connection() as connection, connection.transaction():
            await connection.executemany(_QUERIES["insert_attempt"], [_row(item) for item in batch.values()])

        def forget(_now: float) -> None:
            for attempt_id in batch:
                self._pipeline.state.drop_attempt(attempt_id)

        await self._pipeline.step(forget)
        return len(batch)


def _row(item: Attempt) -> tuple[object, ...]:
    return (
        item.attempt_id, item.delivery_id, item.at, list(item.alert_ids), item.status, item.cause.value,
        item.group_key, item.receiver, item.channel, item.recipient, item.attempt, item.result.value, item.reason,
        _storable(item.detail), item.provider_id, item.duration_seconds,
    )  # fmt: skip


def _storable(text: str) -> str:
    # A server's answer may hold a zero byte, which Postgres' text can't.
    return text.replace("\0", "")
