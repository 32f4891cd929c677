"""Postgres goes away, the disk fills, the process dies: nothing is lost within the bound."""

import asyncio
import os

import pytest

from services.evaluator.history import writer as writer_module
from tests.integration.evaluator.history.conftest import NOON

pytestmark = pytest.mark.integration


async def _rounds(history, copy, count, first=0):
    for index in range(first, first + count):
        copy.offer(history.clock.now(), float(index))
        await copy.writer.flush()
        await history.clock.advance(10)


async def test_nothing_is_lost_while_postgres_is_away(history):
    copy = await history.start()
    await _rounds(history, copy, 3)
    await history.postgres.cut()
    await _rounds(history, copy, 20, first=3)
    assert copy.figure("tocsin_history_backlog_chunks") == 20
    assert copy.figure("tocsin_history_backlog_bytes") > 0
    assert copy.figure("tocsin_dependency_up", dependency="postgres") == 0
    assert copy.figure("tocsin_history_samples_queued") == 0
    await history.postgres.mend()
    await _rounds(history, copy, 2, first=23)
    assert await history.samples() == [(10.0 * index, float(index)) for index in range(25)]
    assert (await history.rollup("metric_rollup_1h"))[0][4] == 25
    assert copy.figure("tocsin_history_backlog_chunks") == 0
    assert copy.figure("tocsin_dependency_up", dependency="postgres") == 1


async def test_the_backlog_outlives_the_process(history):
    copy = await history.start()
    await history.postgres.cut()
    await _rounds(history, copy, 5)
    copy.offer(history.clock.now(), 5.0)
    # Stopped while Postgres is still away: what was in memory goes to disk.
    await copy.stop()
    await history.postgres.mend()
    again = await history.start()
    await again.writer.flush()
    assert [value for _, value in await history.samples()] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


async def test_a_crash_keeps_the_lease(history):
    copy = await history.start()
    await _rounds(history, copy, 1)
    # Killed: the lock on the folder goes with the process, the lease in the database stays.
    copy.writer._store.give_up = _nothing
    await copy.stop()
    again = await history.start()
    await _rounds(history, again, 1, first=1)
    assert [value for _, value in await history.samples()] == [0.0, 1.0]


async def _nothing():
    return None


async def test_a_connection_that_breaks_after_the_commit_doubles_nothing(history):
    copy = await history.start()
    real = copy.writer._store.write

    async def lost(chunk):
        await real(chunk)
        raise writer_module.StorageUnavailableError("the answer was lost")

    copy.writer._store.write = lost
    await _rounds(history, copy, 2)
    copy.writer._store.write = real
    await copy.writer.flush()
    assert len(await history.samples()) == 2
    assert (await history.rollup("metric_rollup_1m"))[0][4] == 2


async def test_the_bound_drops_the_oldest_and_counts_them(history):
    history.settings = {"max_backlog_bytes": 1024}
    copy = await history.start()
    await history.postgres.cut()
    await _rounds(history, copy, 40)
    dropped = copy.figure("tocsin_history_samples_dropped_total", reason="backlog_full")
    assert dropped > 0
    await history.postgres.mend()
    await copy.writer.flush()
    values = [value for _, value in await history.samples()]
    assert values == [float(index) for index in range(int(dropped), 40)]


async def test_a_full_disk_leaves_memory_bounded(history, monkeypatch):
    copy = await history.start()
    copy.writer.intake.capacity = 5
    await history.postgres.cut()
    real = os.fsync

    def full(_number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    await _rounds(history, copy, 8)
    assert copy.figure("tocsin_history_samples_dropped_total", reason="memory_full") == 3
    monkeypatch.setattr(os, "fsync", real)
    await history.postgres.mend()
    await copy.writer.flush()
    assert [value for _, value in await history.samples()] == [3.0, 4.0, 5.0, 6.0, 7.0]


async def test_a_chunk_that_postgres_refuses_does_not_hold_up_the_rest(history, monkeypatch):
    copy = await history.start()
    monkeypatch.setattr(writer_module, "CHUNK_ROWS", 1)
    copy.writer.intake._rows.append(("no json", round(NOON * 1000), 1.0))
    copy.offer(NOON, 2.0)
    await copy.writer.flush()
    assert [value for _, value in await history.samples()] == [2.0]
    assert copy.figure("tocsin_history_samples_dropped_total", reason="refused") == 1


async def test_a_database_made_anew_is_filled_anew(history):
    copy = await history.start()
    await _rounds(history, copy, 1)
    await history.postgres.cut()
    await _rounds(history, copy, 1, first=1)
    await history.sql("TRUNCATE metric_series, metric_samples, metric_rollup_1m, metric_rollup_5m, metric_rollup_1h")
    await history.postgres.mend()
    await _rounds(history, copy, 1, first=2)
    assert await history.sql("SELECT count(*) FROM metric_samples JOIN metric_series USING (series_id)") == [(2,)]


async def test_a_database_that_is_not_migrated_yet_is_waited_for(history, monkeypatch):
    copy = await history.start()
    await history.sql("ALTER TABLE metric_rollup_1h RENAME TO elsewhere")
    await _rounds(history, copy, 1)
    assert copy.figure("tocsin_history_backlog_chunks") == 1
    await history.sql("ALTER TABLE elsewhere RENAME TO metric_rollup_1h")
    await _rounds(history, copy, 1, first=1)
    assert len(await history.samples()) == 2


async def test_evaluation_never_waits(history):
    copy = await history.start()
    task = asyncio.create_task(copy.writer.round())
    await history.postgres.cut()
    for _ in range(1000):
        copy.offer(history.clock.now(), 1.0)
    await history.clock.advance(10)
    async with asyncio.timeout(60):
        await task
    assert copy.figure("tocsin_history_backlog_chunks") == 1
