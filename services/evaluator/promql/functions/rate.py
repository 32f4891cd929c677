"""Rates of change over a window, extrapolated to its edges as Prometheus does."""

import numpy as np

from services.evaluator.promql.functions.base import Function, Invocation, names_of, over_windows
from services.evaluator.promql.grid import PAIR, Windows
from services.evaluator.promql.select import Range
from services.evaluator.promql.start_times import overlapping, resets_by_start, started
from services.evaluator.promql.storage import Bools, Floats
from services.evaluator.promql.table import Table

Result = tuple[Floats, Bools | None]
EXTRAPOLATION_LIMIT = 1.1
COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def reset_corrections(windows: Windows) -> Floats | float:
    """Return what counter resets within each window took away."""
    if windows.width < PAIR:
        return 0.0
    rows = None
    if windows.last_drop is not None:
        rows = np.flatnonzero(windows.last_drop > windows.start_ms)
        if not len(rows):
            return 0.0
    values = windows.values if rows is None else windows.some(rows)
    drops = values[:, 1:] < values[:, :-1]
    pairs = windows.pairs()
    if pairs is not None:
        drops &= pairs if rows is None else pairs[rows]
    dropped = np.flatnonzero(drops.any(axis=1))
    if not len(dropped):
        return 0.0
    out = np.zeros(windows.size)
    lost = np.where(drops[dropped], values[dropped, :-1], 0.0).sum(axis=1)
    out[dropped if rows is None else rows[dropped]] = lost
    return out


def _extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> Result:
    if counter and windows.starts is not None:
        return started(windows, per_second=per_second)
    change = windows.last - windows.first
    if counter:
        change = change + reset_corrections(windows)
    if windows.framed:
        seconds = (windows.end_ms - windows.start_ms) / 1000
        return change / (seconds if per_second else 1.0), windows.at_least(PAIR)
    first_time, last_time = windows.first_time, windows.last_time
    sampled = last_time - first_time
    spacing = sampled / (windows.count - 1)
    to_start = first_time - windows.start_ms / 1000
    to_end = windows.end_ms / 1000 - last_time
    limit = spacing * EXTRAPOLATION_LIMIT
    to_start = np.where(to_start >= limit, spacing / 2, to_start)
    if counter:
        to_zero = np.where((change > 0) & (windows.first >= 0), sampled * (windows.first / change), to_start)
        to_start = np.minimum(to_start, to_zero)
    to_end = np.where(to_end >= limit, spacing / 2, to_end)
    factor = (sampled + to_start + to_end) / sampled
    if per_second:
        factor = factor / ((windows.end_ms - windows.start_ms) / 1000)
    return change * factor, windows.at_least(PAIR)


def _rate(windows: Windows) -> Result:
    return _extrapolated(windows, counter=True, per_second=True)


def _increase(windows: Windows) -> Result:
    return _extrapolated(windows, counter=True, per_second=False)


def _delta(windows: Windows) -> Result:
    return _extrapolated(windows, counter=False, per_second=False)


def _irate(windows: Windows) -> Result:
    change = windows.last - windows.before_last
    fallen = windows.last < windows.before_last
    if windows.starts is not None:
        fallen |= resets_by_start(windows)[1]
    change = np.where(fallen, windows.last, change)
    return change / (windows.last_time - windows.before_last_time), windows.at_least(PAIR)


def _idelta(windows: Windows) -> Result:
    return windows.last - windows.before_last, windows.at_least(PAIR)


def _no_counters(table: Table) -> list[str]:
    return [name for name in names_of(table) if name and not name.endswith(COUNTER_SUFFIXES)]


def _rate_note(call: Invocation, table: Table, samples: Range | None) -> None:
    for name in table.cached("no counters", lambda: _no_counters(table)):
        call.run.annotations.info(
            f'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "{name}"',
            call.node.args[0].position,
        )
    if samples is None or samples.grid.starts is None:
        return
    rows = np.zeros(table.size, np.bool_)
    for step in range(len(call.run.steps)):
        rows |= overlapping(samples.at(step))
    for name in dict.fromkeys(table.row(row).get("__name__", "") for row in np.flatnonzero(rows).tolist()):
        call.run.annotations.warn(
            f'sample has start time that overlaps with previous sample timestamp for metric "{name}"',
            call.node.args[0].position,
        )


RATES = (
    Function(
        "rate",
        "rate(v range-vector)",
        "Per-second increase of counters.",
        over_windows(_rate, counter=True, note=_rate_note),
    ),
    Function(
        "increase",
        "increase(v range-vector)",
        "Increase of counters.",
        over_windows(_increase, counter=True, note=_rate_note),
    ),
    Function(
        "delta", "delta(v range-vector)", "Difference of gauges between the window's edges.", over_windows(_delta)
    ),
    Function(
        "irate", "irate(v range-vector)", "Per-second increase between the last two samples.", over_windows(_irate)
    ),
    Function("idelta", "idelta(v range-vector)", "Difference of the last two samples.", over_windows(_idelta)),
)
