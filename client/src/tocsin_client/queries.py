"""Exact times of database calls, under OpenTelemetry's name."""

import functools
import inspect
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from prometheus_client import REGISTRY, CollectorRegistry, Histogram

from tocsin_client.registered import once
from tocsin_client.types import Timer

P = ParamSpec("P")
R = TypeVar("R")
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class _Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "db_client_operation_duration_seconds",
            "Time of database calls as the app saw them; error_type is empty where the call succeeded.",
            ["db_system_name", "db_operation_name", "error_type"],
            buckets=_BUCKETS,
            registry=registry,
        )


class _Running:
    __slots__ = ("_operation", "_owner", "_start")

    def __init__(self, owner: "QueryTimer", operation: str) -> None:
        self._owner, self._operation, self._start = owner, operation, 0.0

    def __enter__(self) -> None:
        self._start = self._owner.timer()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        name = kind.__name__ if kind is not None else ""
        self._owner.observe(self._operation, self._owner.timer() - self._start, error_type=name)


class QueryTimer:
    """Times database calls of one system, for example `QueryTimer("postgresql")`.

    `with queries("SELECT orders"):` times a block, also one that awaits; `@queries.timed("SELECT orders")` a function
    or coroutine function. Give an operation a fixed name, never the query's text with its values.
    """

    def __init__(
        self,
        db_system_name: str = "postgresql",
        *,
        registry: CollectorRegistry = REGISTRY,
        timer: Timer = time.perf_counter,
    ) -> None:
        self.timer = timer
        self._system = db_system_name
        self._seconds = once(registry, _Metrics).seconds

    def __call__(self, operation: str) -> _Running:
        """Return a context manager that times one call."""
        return _Running(self, operation)

    def observe(self, operation: str, seconds: float, *, error_type: str = "") -> None:
        """Record a call that something else timed, such as a driver's own hook."""
        self._seconds.labels(self._system, operation, error_type).observe(seconds)

    def timed(self, operation: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator for a function or coroutine function."""

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            if inspect.iscoroutinefunction(function):

                @functools.wraps(function)
                async def timed_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                    with self(operation):
                        return await function(*args, **kwargs)

                return cast("Callable[P, R]", timed_async)

            @functools.wraps(function)
            def timed_sync(*args: P.args, **kwargs: P.kwargs) -> R:
                with self(operation):
                    return function(*args, **kwargs)

            return timed_sync

        return decorate
