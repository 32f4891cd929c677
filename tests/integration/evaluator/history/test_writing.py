"""Samples and roll-ups in a real Postgres."""

import random

import asyncpg
import pytest

from services.common.metric_history import DAY, LEVELS
from tests.integration.evaluator.history.conftest import NOON

pytestmark = pytest.mark.integration


async def test_samples_and_roll_ups_are_written_together(history):
    copy = await history.start()
    for offset, value in ((0, 5.0), (15, 1.0), (30, 3.0), (60, 7.0), (300, 2.0), (3600, 9.0)):
        copy.offer(NOON + offset, value)
    await history.clock.advance(3600)
    await copy.writer.flush()
    assert await history.samples() == [(0, 5.0), (15, 1.0), (30, 3.0), (60, 7.0), (300, 2.0), (3600, 9.0)]
    assert await history.rollup("metric_rollup_1m") == [
        (0, 1.0, 5.0, 9.0, 3, 3.0),
        (60, 7.0, 7.0, 7.0, 1, 7.0),
        (300, 2.0, 2.0, 2.0, 1, 2.0),
        (3600, 9.0, 9.0, 9.0, 1, 9.0),
    ]
    assert await history.rollup("metric_rollup_5m") == [
        (0, 1.0, 7.0, 16.0, 4, 7.0),
        (300, 2.0, 2.0, 2.0, 1, 2.0),
        (3600, 9.0, 9.0, 9.0, 1, 9.0),
    ]
    assert await history.rollup("metric_rollup_1h") == [(0, 1.0, 7.0, 18.0, 5, 2.0), (3600, 9.0, 9.0, 9.0, 1, 9.0)]
    assert await history.sql("SELECT metric, labels FROM metric_series") == [("tocsin:queue", "{}")]
    assert copy.figure("tocsin_history_samples_total") == 6
    assert copy.figure("tocsin_history_writer") == 1


async def test_roll_ups_grow_and_agree_with_the_samples_whatever_the_order(history):
    copy = await history.start()
    chance = random.Random(7)  # noqa: S311 - sample data
    samples = [(NOON + second, chance.gauss(0, 100), str(second % 3)) for second in range(0, 7200, 7)]
    chance.shuffle(samples)
    await history.clock.advance(7200)
    for start in range(0, len(samples), 97):
        for at, value, queue in samples[start : start + 97]:
            copy.offer(at, value, queue=queue)
        await copy.writer.flush()
    for level in LEVELS[1:]:
        wrong = await history.sql(
            f"""
            WITH truth AS (
                SELECT series_id, date_bin(make_interval(secs => {level.seconds}), at, 'epoch') AS at, min(value),
                       max(value), sum(value) AS total, count(*),
                       (array_agg(value ORDER BY metric_samples.at DESC))[1] AS last
                FROM metric_samples GROUP BY 1, 2)
            SELECT * FROM truth FULL JOIN {level.table} AS r USING (series_id, at)
            WHERE r.count IS DISTINCT FROM truth.count OR r.min <> truth.min OR r.max <> truth.max
               OR r.last <> truth.last OR abs(r.total - truth.total) > 1e-6
            """  # noqa: S608 - the tables are ours
        )
        assert wrong == [], level.key
    assert await history.sql("SELECT count(*) FROM metric_series") == [(3,)]


async def test_the_same_samples_again_change_nothing(history):
    copy = await history.start()
    for _ in range(3):
        for offset in (0, 15, 30):
            copy.offer(NOON + offset, 4.0)
        await copy.writer.flush()
    assert len(await history.samples()) == 3
    assert await history.rollup("metric_rollup_1h") == [(0, 4.0, 4.0, 12.0, 3, 4.0)]
    assert copy.figure("tocsin_history_samples_total") == 3


async def test_partitions_are_made_ahead_and_dropped_with_their_retention(history):
    history.settings = {"retention": {"samples": "1d", "minute": "2d", "five_minutes": "14d", "hour": "56d"}}
    copy = await history.start()
    copy.offer(NOON, 1.0)
    await copy.writer.flush()
    assert await history.partitions("metric_samples") == [f"metric_samples_2027011{day}" for day in (5, 6, 7)]
    await history.clock.advance(3 * DAY)
    await copy.writer.flush()
    assert await history.samples() == []
    assert await history.partitions("metric_samples") == [f"metric_samples_202701{day}" for day in (17, 18, 19, 20)]
    assert await history.partitions("metric_rollup_1m") == [
        f"metric_rollup_1m_202701{day}" for day in (16, 17, 18, 19, 20)
    ]
    assert len(await history.rollup("metric_rollup_1h")) == 1
    await history.clock.advance(100 * DAY)
    await copy.writer.flush()
    assert await history.rollup("metric_rollup_1h") == []
    assert await history.sql("SELECT * FROM metric_series") == []
    # The series' old id is not used again.
    copy.offer(history.clock.now(), 2.0)
    await copy.writer.flush()
    assert await history.sql("SELECT value FROM metric_samples JOIN metric_series USING (series_id)") == [(2.0,)]


async def test_samples_that_no_partition_may_hold_are_counted(history):
    copy = await history.start()
    copy.offer(NOON - 8 * DAY, 1.0)
    copy.offer(NOON + DAY, 2.0)
    copy.offer(NOON, 3.0)
    await copy.writer.flush()
    assert await history.samples() == [(0, 3.0)]
    assert copy.figure("tocsin_history_samples_dropped_total", reason="too_old") == 1
    assert copy.figure("tocsin_history_samples_dropped_total", reason="in_future") == 1


async def test_long_labels_and_odd_characters_pass(history):
    copy = await history.start()
    long = "x" * 20_000
    copy.offer(NOON, 1.0, path=long, odd='a\0"\\\n€')
    await copy.writer.flush()
    [(labels,)] = await history.sql("SELECT labels ->> 'odd' FROM metric_series")
    assert labels == 'a\ufffd"\\\n€'
    assert copy.figure("tocsin_history_backlog_chunks") == 0


async def test_a_reader_does_not_make_others_wait_for_a_drop(history):
    history.settings = {"retention": {"samples": "1d", "minute": "1d", "five_minutes": "7d", "hour": "28d"}}
    copy = await history.start()
    copy.offer(NOON, 1.0)
    await copy.writer.flush()
    reader = await asyncpg.connect(history.dsn)
    async with reader.transaction():
        await reader.fetch("SELECT * FROM metric_samples")
        await history.clock.advance(3 * DAY)
        copy.offer(history.clock.now(), 2.0)
        await copy.writer.flush()
        assert copy.figure("tocsin_history_backlog_chunks") == 1
    await reader.close()
    await copy.writer.flush()
    assert [value for _, value in await history.samples()] == [2.0]


async def test_one_writer_at_a_time_and_the_next_has_no_gap(history):
    first, second = await history.start("one"), await history.start("two")
    for step in range(4):
        for copy in (first, second):
            copy.offer(history.clock.now() + (0.25 if copy is second else 0), float(step))
            await copy.writer.flush()
        await history.clock.advance(10)
    assert await history.samples() == [(0, 0.0), (10, 1.0), (20, 2.0), (30, 3.0)]
    assert (first.figure("tocsin_history_writer"), second.figure("tocsin_history_writer")) == (1, 0)
    # The first one dies without a word: its lease runs out.
    await history.sql("UPDATE metric_writer SET held_until = now() - interval '1 second'")
    second.offer(history.clock.now(), 4.0)
    await second.writer.flush()
    assert [value for _, value in await history.samples()] == [0.0, 1.0, 2.0, 3.0, 3.0, 4.0]
    assert second.figure("tocsin_history_writer") == 1
    # It was only paused: it must not write beside its successor.
    first.offer(history.clock.now(), 99.0)
    await first.writer.flush()
    assert first.figure("tocsin_history_writer") == 0
    assert 99.0 not in [value for _, value in await history.samples()]
    # A clean stop hands over at once.
    await second.stop()
    first.offer(history.clock.now() + 1, 5.0)
    await first.writer.flush()
    assert [value for _, value in await history.samples()][-1] == 5.0
    assert 99.0 not in [value for _, value in await history.samples()]


async def test_a_standby_holds_a_minute(history):
    first, second = await history.start("one"), await history.start("two")
    for _ in range(30):
        for copy in (first, second):
            copy.offer(history.clock.now(), 1.0)
            await copy.writer.flush()
        await history.clock.advance(10)
    assert second.figure("tocsin_history_samples_queued") <= 7
    assert second.figure("tocsin_history_backlog_chunks") == 0
