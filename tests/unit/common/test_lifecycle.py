import asyncio
from contextlib import AsyncExitStack

import pytest

from services.common.lifecycle import keep_running, spawn
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock


async def test_a_failing_round_is_counted_and_tried_again_with_growing_pauses():
    clock, telemetry = ManualClock(), Telemetry("test")
    at = []

    async def work():
        at.append(clock.monotonic())
        if len(at) <= 4:
            raise OSError("away")
        await clock.sleep(1000)

    task = asyncio.create_task(keep_running("loop", work, clock=clock, telemetry=telemetry, pause=1.0, max_pause=4.0))
    await clock.advance(100)
    task.cancel()
    assert at == [0, 1, 3, 7, 11]
    assert telemetry.registry.get_sample_value("tocsin_loop_errors_total", {"loop": "loop", "reason": "OSError"}) == 4


async def test_after_a_good_round_the_pause_is_short_again():
    clock, telemetry = ManualClock(), Telemetry("test")
    at = []

    async def work():
        at.append(clock.monotonic())
        if len(at) in {1, 2, 4}:
            raise ValueError("x")
        await clock.sleep(10)

    task = asyncio.create_task(keep_running("loop", work, clock=clock, telemetry=telemetry))
    await clock.advance(15)
    task.cancel()
    assert at == [0, 1, 3, 13, 14]


async def test_spawned_work_ends_with_the_stack():
    ended = asyncio.Event()

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with AsyncExitStack() as stack:
        task = spawn(stack, work(), name="w")
        await asyncio.sleep(0)
    assert ended.is_set()
    assert task.cancelled()


async def test_a_failure_of_spawned_work_is_not_swallowed():
    async def work():
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        async with AsyncExitStack() as stack:
            spawn(stack, work(), name="w")
            await asyncio.sleep(0)


async def test_work_that_swallows_a_cancellation_is_cancelled_again():
    refused = 0

    async def stubborn():
        nonlocal refused
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                refused += 1
                if refused == 2:
                    raise

    async with AsyncExitStack() as stack:
        task = spawn(stack, stubborn(), name="stubborn")
        await asyncio.sleep(0)
    assert task.cancelled()
    assert refused == 2


async def test_work_that_never_began_is_closed():
    async def work():
        raise AssertionError("must not run")

    coroutine = work()
    async with AsyncExitStack() as stack:
        spawn(stack, coroutine, name="late")
    assert coroutine.cr_frame is None
