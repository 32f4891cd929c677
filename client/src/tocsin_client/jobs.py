"""Jobs that run by the clock: when they last succeeded, how long they take, how often they fail."""

import asyncio
import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar, cast

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from tocsin_client.pings import PingUrl
from tocsin_client.registered import once
from tocsin_client.types import Timer

P = ParamSpec("P")
R = TypeVar("R")
_BUCKETS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0)


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        # "job" is Prometheus' own label for the target.
        where = ["job_name"]
        self.success = Gauge(
            "job_last_success_timestamp_seconds",
            "When the job last succeeded.",
            where,
            registry=registry,
            multiprocess_mode="max",
        )
        self.start = Gauge(
            "job_last_start_timestamp_seconds",
            "When the job last began.",
            where,
            registry=registry,
            multiprocess_mode="max",
        )
        self.running = Gauge(
            "job_running", "Runs under way.", where, registry=registry, multiprocess_mode="livesum"
        )  # fmt: skip
        self.failures = Counter(
            "job_failures_total", "Runs that ended in an exception.", [*where, "error_type"], registry=registry
        )
        self.seconds = Histogram(
            "job_duration_seconds", "Time of runs, whatever their end.", where, buckets=_BUCKETS, registry=registry
        )
        self.lost_pings = Counter(
            "job_ping_failures_total", "Reports that the monitor did not take.", where, registry=registry
        )


class Job:
    """Watches a job: `@Job("close-day")` before a function or coroutine function, or `with job.run():` around a block.

    With `ping_url` each begin and end is also reported there; for jobs that end before anybody scrapes them. A
    report takes at most twice five seconds and its failure never harms the job.
    """

    def __init__(
        self,
        name: str,
        *,
        ping_url: str | None = None,
        registry: CollectorRegistry = REGISTRY,
        timer: Timer = time.perf_counter,
        now: Timer = time.time,
    ) -> None:
        self._name, self._timer, self._now = name, timer, now
        self._ping = PingUrl(ping_url) if ping_url else None
        self._metrics = once(registry, _Metrics)
        self._metrics.seconds.labels(name)

    def log(self, text: str) -> None:
        """Report a line of text of a run, such as how many rows it has done."""
        self._report("log", text)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Watch a block."""
        start = self._begin()
        try:
            self._report("start")
            yield
        except BaseException as error:
            self._end(start, error)
            self._report("fail", _text(error))
            raise
        self._end(start, None)
        self._report("")

    @asynccontextmanager
    async def run_async(self) -> AsyncIterator[None]:
        """Watch a block of a coroutine; reports don't hold the event loop."""
        start = self._begin()
        try:
            await self._report_aside("start")
            yield
        except BaseException as error:
            self._end(start, error)
            await self._report_aside("fail", _text(error))
            raise
        self._end(start, None)
        await self._report_aside("")

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function, watched."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with self.run_async():
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", run_async)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.run():
                return function(*args, **kwargs)

        return run

    def _begin(self) -> float:
        self._metrics.start.labels(self._name).set(self._now())
        self._metrics.running.labels(self._name).inc()
        return self._timer()

    def _end(self, start: float, error: BaseException | None) -> None:
        self._metrics.running.labels(self._name).dec()
        self._metrics.seconds.labels(self._name).observe(self._timer() - start)
        if error is None:
            self._metrics.success.labels(self._name).set(self._now())
        else:
            self._metrics.failures.labels(self._name, type(error).__name__).inc()

    def _report(self, suffix: str, text: str = "") -> None:
        if self._ping is not None and not self._ping.send(suffix, text):
            self._metrics.lost_pings.labels(self._name).inc()

    async def _report_aside(self, suffix: str, text: str = "") -> None:
        if self._ping is not None:
            await asyncio.to_thread(self._report, suffix, text)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
