"""Functions of time: the evaluation's, a sample's, and calendars in UTC."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.evaluator.promql import ast
from services.evaluator.promql.functions.base import Function, Invocation
from services.evaluator.promql.select import instant_starts, instant_with_times
from services.evaluator.promql.storage import Floats
from services.evaluator.promql.table import Table
from services.evaluator.promql.values import Scalar, Value, Vector

NOBODY = Table([{}], unique=True)
_FIRST_DAY_WAS = 4
_LIMIT_S = 9e15


def _time(call: Invocation) -> Value:
    return Scalar(call.run.steps / 1000.0)


def _timestamp(call: Invocation) -> Value:
    argument = ast.unwrap(call.node.args[0])
    if isinstance(argument, ast.Selector) and not argument.extension:
        sampled = instant_with_times(call.run, argument)
        vector, times = sampled.vector, sampled.times / 1000.0
    else:
        vector = call.vector(0)
        times = np.broadcast_to(call.run.steps / 1000.0, vector.values.shape)
    return call.run.unnamed(Vector(vector.table, times, vector.present))


def _start_timestamp(call: Invocation) -> Value:
    argument = ast.unwrap(call.node.args[0])
    sampled = instant_starts(call.run, argument) if isinstance(argument, ast.Selector) else None
    if sampled is None:
        call.vector(0)
        return Vector(Table([], unique=True), np.empty((0, len(call.run.steps))))
    return call.run.unnamed(Vector(sampled.vector.table, sampled.times / 1000.0, sampled.vector.present))


def _calendar(part: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Invocation], Value]:
    def body(call: Invocation) -> Value:
        if not call.node.args:
            return Vector(NOBODY, _parts(part, (call.run.steps / 1000.0)[None, :]))
        vector = call.vector(0)
        return call.run.unnamed(Vector(vector.table, _parts(part, vector.values), vector.present))

    return body


def _parts(part: Callable[[NDArray[Any]], NDArray[Any]], seconds: Floats) -> Floats:
    usable = np.abs(seconds) < _LIMIT_S
    whole = np.where(usable, seconds, 0.0).astype(np.int64).astype("datetime64[s]")
    return np.where(usable, part(whole).astype(np.float64), np.nan)


def _unit(times: NDArray[Any], unit: str, within: str) -> NDArray[Any]:
    return np.asarray((times.astype(f"datetime64[{unit}]") - times.astype(f"datetime64[{within}]")).astype(np.int64))


def _weekday(times: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((times.astype("datetime64[D]").astype(np.int64) + _FIRST_DAY_WAS) % 7)


def _days_in_month(times: NDArray[Any]) -> NDArray[Any]:
    months = times.astype("datetime64[M]")
    return np.asarray(((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64))


def _query_time(pick: Callable[[Invocation], float]) -> Callable[[Invocation], Value]:
    return lambda call: Scalar(call.run.constant(pick(call)))


def _of_time(name: str, doc: str, part: Callable[[NDArray[Any]], NDArray[Any]]) -> Function:
    return Function(name, f"{name}(v=vector(time()) instant-vector)", doc, _calendar(part))


CLOCKS = (
    Function("time", "time()", "The time of evaluation, seconds since 1970.", _time),
    Function("timestamp", "timestamp(v instant-vector)", "The time of each sample, seconds since 1970.", _timestamp),
    Function(
        "start_timestamp",
        "start_timestamp(v instant-vector)",
        "Since when each sample has counted, seconds since 1970; nothing where that is unknown to the storage.",
        _start_timestamp,
    ),
    _of_time("minute", "Minute of the hour.", lambda t: _unit(t, "m", "h")),
    _of_time("hour", "Hour of the day.", lambda t: _unit(t, "h", "D")),
    _of_time("day_of_week", "Day of the week, Sunday is 0.", _weekday),
    _of_time("day_of_month", "Day of the month.", lambda t: _unit(t, "D", "M") + 1),
    _of_time("day_of_year", "Day of the year.", lambda t: _unit(t, "D", "Y") + 1),
    _of_time("days_in_month", "Days of the month.", _days_in_month),
    _of_time("month", "Month of the year.", lambda t: _unit(t, "M", "Y") + 1),
    _of_time("year", "Year.", lambda t: t.astype("datetime64[Y]").astype(np.int64) + 1970),
    Function("start", "start()", "Start of the query, seconds.", _query_time(lambda call: call.run.start_ms / 1000)),
    Function("end", "end()", "End of the query, seconds.", _query_time(lambda call: call.run.end_ms / 1000)),
    Function("step", "step()", "Step of the query, seconds.", _query_time(lambda call: call.run.step_ms / 1000)),
    Function(
        "range",
        "range()",
        "Length of the query, seconds.",
        _query_time(lambda call: (call.run.end_ms - call.run.start_ms) / 1000),
    ),
)
