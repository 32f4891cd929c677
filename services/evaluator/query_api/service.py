"""Queries of people and dashboards: in threads of their own, bounded in number, time and samples."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

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
from services.evaluator.query_api.encode import query_answer
from services.evaluator.query_api.params import ApiError, bad, parse_text

if TYPE_CHECKING:
    from services.evaluator.history.past import Past

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Asked:
    """How a query is to be run, and what its answer holds: 0 for `timeout` and `lookback` (s) is as configured.

    `limit`: so many series at most (0: all). `stats`: with figures about the query itself. `past`: recorded series are
    read from the history, which reaches back farther than the head; others from the head as ever.
    """

    timeout: float = 0.0
    lookback: float = 0.0
    limit: int = 0
    stats: bool = False
    past: bool = False


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


class _PastStorage:
    """The history for a query in another thread; the head for what is not recorded."""

    def __init__(self, past: "Past", head: Storage, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        self._past, self._head, self._loop, self._timeout = past, head, loop, timeout

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        """See the protocol."""
        asked = asyncio.run_coroutine_threadsafe(self._past.blocks(matchers, start_ms, end_ms), self._loop)
        try:
            found = asked.result(self._timeout)
        except TimeoutError as error:
            asked.cancel()
            raise QueryTimeoutError("query timed out while it read the history") from error
        except ConnectionError as error:
            raise EvaluationError(f"the history can't be read: {error}") from error
        return found or self._head.select(matchers, start_ms, end_ms)


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

    def __init__(
        self, stack: AsyncExitStack, head: Head, limits: QueryLimits, clock: Clock, past: "Past | None" = None
    ) -> None:
        self._head, self._limits, self._clock, self._past = head, limits, clock, past
        self._threads = ThreadPoolExecutor(limits.max_concurrency, thread_name_prefix="query")
        stack.callback(self._threads.shutdown, wait=False, cancel_futures=True)
        self._lists = ThreadPoolExecutor(1, thread_name_prefix="lists")
        stack.callback(self._lists.shutdown, wait=False, cancel_futures=True)
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

    async def instant(self, query: str, t_ms: int, asked: Asked) -> bytes:
        """Evaluate at one time and return the answer's JSON; raises ApiError."""
        return await self._query(lambda engine, head: engine.instant(query, head, t_ms), asked)

    async def range(self, query: str, start_ms: int, end_ms: int, step_ms: int, asked: Asked) -> bytes:
        """Evaluate at many times and return the answer's JSON; raises ApiError."""
        return await self._query(lambda engine, head: engine.range(query, head, start_ms, end_ms, step_ms), asked)

    async def work(self, work: Callable[[Storage], _Answer]) -> _Answer:
        """Do something with the head's samples beside the loop, not behind queries; raises ApiError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._lists, work, _LoopStorage(self._head, loop, self._limits.timeout))
        except PromqlError as error:
            raise _translated(error) from error

    async def _query(self, evaluate: Callable[[Engine, Storage], Result], asked: Asked) -> bytes:
        queued = self._clock.monotonic()

        def answer(engine: Engine, head: Storage) -> bytes:
            # Numbers become text here, too: on the loop a large answer would hold up scrapes and alerts.
            began = self._clock.monotonic()
            result = evaluate(engine, head)
            stats = _stats(result, queued, began, self._clock.monotonic()) if asked.stats else None
            return query_answer(result, asked.limit, stats)

        return await self._run(answer, asked)

    async def _run(self, work: Callable[[Engine, Storage], _Answer], asked: Asked) -> _Answer:
        limit = min(asked.timeout or self._limits.timeout, self._limits.timeout)
        own = bool(asked.timeout or asked.lookback)
        loop = asyncio.get_running_loop()
        storage: Storage = _LoopStorage(self._head, loop, limit)
        if asked.past and self._past is not None:
            storage = _PastStorage(self._past, storage, loop, limit)
        try:
            async with asyncio.timeout(limit):
                await self._slots.acquire()
        except TimeoutError:
            raise ApiError("timeout", "query timed out in the queue; too many queries run at once") from None
        engine = self._engine(limit, asked.lookback or self._limits.lookback_delta) if own else self._engines.pop()

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


def _stats(result: Result, queued: float, began: float, ended: float) -> dict[str, Any]:
    """Return the figures that Prometheus gives for `stats`; sorting and preparing are part of the evaluation here."""
    return {
        "timings": {
            "evalTotalTime": ended - began, "resultSortTime": 0.0, "queryPreparationTime": 0.0,
            "innerEvalTime": ended - began, "execQueueTime": began - queued, "execTotalTime": ended - queued,
        },
        "samples": {"totalQueryableSamples": result.samples, "peakSamples": result.samples},
    }  # fmt: skip


def _translated(error: PromqlError) -> ApiError:
    if isinstance(error, QueryTimeoutError):
        return ApiError("timeout", str(error))
    if isinstance(error, SampleLimitError | EvaluationError):
        return ApiError("execution", str(error))
    return bad("query", parse_text(error))
