"""Waiting for an event or for a clock, whichever comes first."""

import asyncio
from typing import Any

from services.common.clock import Clock


async def wait(clock: Clock, event: asyncio.Event, seconds: float | None) -> None:
    """Return when the event is set, or after that many seconds of the clock (None: only the event ends it)."""
    if event.is_set() or (seconds is not None and seconds <= 0):
        await asyncio.sleep(0)
        return
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait())]
    if seconds is not None:
        tasks.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
