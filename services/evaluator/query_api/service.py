"""Queries of people and dashboards: in threads of their own, bounded in number, time and samples."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

from services.common.clock import Clock
from services.evaluator.config import QueryLimits
from services.evaluator.head import Head
from services.evaluator.promql import (
    Block,
    Engine,
    Matcher,
    PromqlError,
    QueryTimeoutError,
    Result,
    SampleLimitError,
    Storage,
)
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.storage import Times
from services.evaluator.query_api.params import ApiError

_Answer = TypeVar("_Answer")


class _LoopStorage:
    """The head for a query in another thread: it selects on the loop's thread and copies what it found.

    Appends happen on the loop's thread too, so a selection is never half-written and a copy never changes.
    """

    def __init__(self, head: Head, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self._head, self._loop, self._timeout = head, loop, timeout

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        """See the protocol."""

        async def read() -> list[Block]:
            return [_frozen(block) for block in self._head.select(matchers, start_ms, end_ms)]

        try:
            return asyncio.run_coroutine_threadsafe(read(), self._loop).result(self._timeout)
        except TimeoutError as error:
            raise QueryTimeoutError("query timed out while it read samples") from error


def _frozen(block: Block) -> Block:
    return replace(
        block,
        times=block.times.copy(),
        values=block.values.copy() if block.rows is None else block.matrix(),
        rows=None,
        last_hole=_copied(block.holes()),
        last_drop=_copied(block.drops()),
        within=None,
    )


def _copied(times: Times | None) -> Times | None:
    return None if times is None else times.copy()


class QueryService:
    """Runs queries over the head."""

    def __init__(self, stack: AsyncExitStack, head: Head, limits: QueryLimits, clock: Clock) -> None:
        self._head, self._limits, self._clock = head, limits, clock
        self._threads = ThreadPoolExecutor(limits.max_concurrency, thread_name_prefix="query")
        stack.callback(self._threads.shutdown, wait=False, cancel_futures=True)
        self._slots = asyncio.Semaphore(limits.max_concurrency)
        # An engine's caches are one thread's at a time.
        self._engines = [self._engine(limits.timeout, limits.lookback_delta) for _ in range(limits.max_concurrency)]

    def _engine(self, timeout: float, lookback: float) -> Engine:
        return Engine(
            lookback_s=lookback,
            max_samples=self._limits.max_samples,
            timeout_s=timeout,
            monotonic=self._clock.monotonic,
        )

    async def instant(self, query: str, t_ms: int, *, limit_s: float = 0.0, lookback: float = 0.0) -> Result:
        """Evaluate at one time; raises ApiError."""
        return await self._run(lambda engine, head: engine.instant(query, head, t_ms), limit_s, lookback)

    async def range(
        self, query: str, start_ms: int, end_ms: int, step_ms: int, *, limit_s: float = 0.0, lookback: float = 0.0
    ) -> Result:
        """Evaluate at many times; raises ApiError."""
        return await self._run(
            lambda engine, head: engine.range(query, head, start_ms, end_ms, step_ms), limit_s, lookback
        )

    async def _run(self, work: Callable[[Engine, Storage], _Answer], asked_s: float, lookback: float) -> _Answer:
        limit = min(asked_s or self._limits.timeout, self._limits.timeout)
        own = bool(asked_s or lookback)
        loop = asyncio.get_running_loop()
        storage = _LoopStorage(self._head, loop, limit)
        try:
            async with asyncio.timeout(limit):
                await self._slots.acquire()
        except TimeoutError:
            raise ApiError("timeout", "query timed out in the queue; too many queries run at once") from None
        engine = self._engine(limit, lookback or self._limits.lookback_delta) if own else self._engines.pop()

        def finished(_future: object) -> None:
            # A query whose client has gone still holds its thread and engine until it ends.
            if not own:
                self._engines.append(engine)
            self._slots.release()

        future = loop.run_in_executor(self._threads, work, engine, storage)
        future.add_done_callback(finished)
        try:
            return await asyncio.shield(future)
        except PromqlError as error:
            raise _translated(error) from error


def _translated(error: PromqlError) -> ApiError:
    if isinstance(error, QueryTimeoutError):
        return ApiError("timeout", str(error))
    if isinstance(error, SampleLimitError | EvaluationError):
        return ApiError("execution", str(error))
    return ApiError("bad_data", f'invalid parameter "query": {error}')
