"""Figures of alerts are counted once for all who ask."""

import asyncio

import pytest

from services.api.statistics.store import FRESH, StatisticsStore
from services.common.storage import StorageUnavailableError
from services.common.testing.clock import ManualClock


class Counting(StatisticsStore):
    """A store that counts how often it counts; what it answers is the number of the count."""

    def __init__(self, clock):
        super().__init__(None, clock, ())
        self.clock = clock
        self.counted = []

    async def _count(self, days):
        self.counted.append(days)
        await self.clock.sleep(1.0)
        if days == 365:
            raise StorageUnavailableError("away")
        return len(self.counted)


async def test_many_at_once_are_one_count_until_it_is_old():
    clock = ManualClock(1_700_000_000)
    store = Counting(clock)
    asked = [asyncio.create_task(store.of(30)) for _ in range(5)]
    await clock.advance(1)
    assert await asyncio.gather(*asked) == [1] * 5
    await clock.advance(FRESH)
    again = asyncio.create_task(store.of(30))
    await clock.advance(1)
    assert (await again, store.counted) == (2, [30, 30])


async def test_a_count_that_fails_holds_up_nobody():
    clock = ManualClock(1_700_000_000)
    store = Counting(clock)
    failing, waiting = asyncio.create_task(store.of(365)), asyncio.create_task(store.of(7))
    await clock.advance(1)
    with pytest.raises(StorageUnavailableError):
        await failing
    await clock.advance(1)
    assert (await waiting, store.counted) == (2, [365, 7])
