import asyncio

from services.common.clock import SystemClock
from services.common.testing.clock import ManualClock


async def test_sleepers_wake_in_order_at_their_own_time():
    clock = ManualClock(start=100)
    seen = []

    async def sleeper(name, seconds):
        await clock.sleep(seconds)
        seen.append((name, clock.now()))

    tasks = [asyncio.create_task(sleeper("b", 2)), asyncio.create_task(sleeper("a", 1))]
    await clock.wait_for_sleepers(2)
    await clock.advance(5)
    await asyncio.gather(*tasks)
    assert seen == [("a", 101), ("b", 102)]
    assert clock.now() == 105
    assert clock.monotonic() == 5


async def test_a_loop_runs_each_of_its_rounds():
    clock = ManualClock()
    rounds = []

    async def loop():
        while True:
            await clock.sleep(1)
            rounds.append(clock.monotonic())

    task = asyncio.create_task(loop())
    await clock.advance(3.5)
    task.cancel()
    assert rounds == [1, 2, 3]


async def test_a_jump_moves_wall_time_only():
    clock = ManualClock(start=0)
    clock.jump(-50)
    assert (clock.now(), clock.monotonic()) == (-50, 0)
    await clock.sleep(0)


async def test_a_cancelled_sleeper_is_forgotten():
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.wait_for_sleepers()
    task.cancel()
    await clock.advance(2)
    assert task.cancelled()


async def test_the_system_clock_goes_forward():
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(-1)
    assert clock.monotonic() >= before
    assert clock.now() > 1.7e9
