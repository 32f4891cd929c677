"""Exact times of all statements of a SQLAlchemy engine."""

import time
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from tocsin_client.queries import QueryTimer
from tocsin_client.statements import operation_of
from tocsin_client.types import Timer

_START = "_tocsin_start"
# OpenTelemetry's names where SQLAlchemy's differ.
_SYSTEMS = {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}
_watched = "_tocsin_watched"


def watch_sqlalchemy(engine: Any, *, registry: CollectorRegistry = REGISTRY, timer: Timer = time.perf_counter) -> None:
    """Time each statement of an Engine or AsyncEngine, from the driver's call to its answer.

    Operations are told by the statement's first word, failures by the driver's exception. Called twice for an engine,
    it times once. Raises ImportError without SQLAlchemy.
    """
    from sqlalchemy import event  # noqa: PLC0415 - apps without SQLAlchemy import this package too

    target = getattr(engine, "sync_engine", engine)
    if getattr(target, _watched, False):
        return
    setattr(target, _watched, True)
    queries = QueryTimer(_SYSTEMS.get(target.dialect.name, target.dialect.name), registry=registry, timer=timer)

    def before(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
        setattr(context, _START, timer())

    def after(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
        queries.observe(operation_of(statement), timer() - getattr(context, _START))

    def failed(failure: Any) -> None:
        # A connection that can't be made has no statement.
        start = getattr(failure.execution_context, _START, None)
        if start is not None:
            name = type(failure.original_exception).__name__
            queries.observe(operation_of(failure.statement or ""), timer() - start, error_type=name)

    event.listen(target, "before_cursor_execute", before)
    event.listen(target, "after_cursor_execute", after)
    event.listen(target, "handle_error", failed)
