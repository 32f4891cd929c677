"""Background tasks that start, fail loudly, are tried again, and stop."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

from services.common.clock import Clock
from services.common.telemetry import Telemetry

_CANCEL_AGAIN = 0.5
log = structlog.get_logger(__name__)


def spawn(stack: AsyncExitStack, work: Awaitable[None], *, name: str) -> asyncio.Task[None]:
    """Run a coroutine as a task that the stack cancels and awaits."""

    async def run() -> None:
        await work

    task = asyncio.create_task(run(), name=name)

    async def stop() -> None:
        # A library may take a cancellation for a lost connection and swallow it (redis-py does while it connects).
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCEL_AGAIN)
        if inspect.iscoroutine(work):
            # Cancelled before its first step, it would be reported as never awaited.
            work.close()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(stop)
    return task


async def keep_running(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    telemetry: Telemetry,
    pause: float = 1.0,
    max_pause: float = 30.0,
) -> None:
    """Call `work` again and again; after a failure wait `pause` seconds, doubling up to `max_pause`.

    `work` is one round that returns, or a loop that never does. The failure is logged when its
    kind changes and always counted.
    """
    wait, last = pause, ""
    while True:
        try:
            await work()
            if last:
                log.info("loop_recovered", loop=name)
            wait, last = pause, ""
        except Exception as error:  # noqa: BLE001 - one for the task: whatever a round raises, the next round must come
            reason = type(error).__name__
            telemetry.loop_errors.labels(name, reason).inc()
            if reason != last:
                log.warning("loop_failed", loop=name, reason=reason, error=error, retry_in=wait)
            last = reason
            await clock.sleep(wait)
            wait = min(wait * 2, max_pause)
