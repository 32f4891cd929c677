"""Counters whose samples say since when they have counted: a new start is a reset, even where the value rose."""

import numpy as np

from services.evaluator.promql.grid import PAIR, Windows
from services.evaluator.promql.storage import Bools, Floats, Times

_LIMIT = 1.1


def _starts(windows: Windows) -> Times:
    return np.zeros(windows.values.shape, np.int64) if windows.starts is None else windows.starts


def _pairs(windows: Windows) -> Bools:
    pairs = windows.pairs()
    return np.ones((windows.size, max(0, windows.width - 1)), np.bool_) if pairs is None else pairs


def resets_by_start(windows: Windows) -> tuple[Bools, Bools]:
    """Tell where a start time shows a reset: at each sample but the first (n x width-1), and at the last one (n).

    A start within (previous sample, sample) is one; at the previous sample itself it is one for delta counters, whose
    own start is known and earlier.
    """
    if windows.width < PAIR:
        return np.zeros((windows.size, 0), np.bool_), np.zeros(windows.size, np.bool_)
    starts, times = _starts(windows), windows.own_times
    before, start, earlier, now = starts[:, :-1], starts[:, 1:], times[:, :-1], times[:, 1:]
    usable = (start != 0) & (start < now)
    delta = (start == earlier) & (before != 0) & (before < earlier)
    found = usable & ((start > earlier) | delta) & _pairs(windows)
    last = np.asarray(windows.expand(windows.hi), np.intp) - PAIR
    return found, found[np.arange(windows.size), np.clip(last, 0, windows.width - PAIR)] & (last >= 0)


def overlapping(windows: Windows) -> Bools:
    """Tell which series have a sample that starts before the one before it, and not where that one starts (n)."""
    if windows.width < PAIR:
        return np.zeros(windows.size, np.bool_)
    starts, times = _starts(windows), windows.own_times
    start = starts[:, 1:]
    found = (start != 0) & (start < times[:, :-1]) & (start != starts[:, :-1])
    return np.asarray((found & _pairs(windows)).any(axis=1))


def started(windows: Windows, *, per_second: bool) -> tuple[Floats, Bools | None]:
    """Return increase or rate; where the first sample's start is in the window, that is where the count was 0."""
    values, size = windows.values, windows.size
    if not windows.width:
        return np.zeros(size), np.zeros(size, np.bool_)
    drops = (values[:, 1:] < values[:, :-1]) | resets_by_start(windows)[0]
    lost = np.where(drops & _pairs(windows), values[:, :-1], 0.0).sum(axis=1)
    change = windows.last - windows.first + lost
    first_time, last_time, count = windows.first_time, windows.last_time, windows.count
    lo = np.minimum(np.asarray(windows.expand(windows.lo), np.intp), windows.width - 1)
    start_ms = _starts(windows)[np.arange(size), lo]
    known = (start_ms != 0) & (start_ms > windows.start_ms) & (start_ms / 1000 < first_time)
    sampled = last_time - first_time
    spacing = np.where(count > 1, sampled / (count - 1), 0.0)
    limit = spacing * _LIMIT
    to_start = first_time - windows.start_ms / 1000
    to_end = windows.end_ms / 1000 - last_time
    to_start = np.where(to_start >= limit, spacing / 2, to_start)
    to_zero = np.where((change > 0) & (windows.first >= 0), sampled * (windows.first / change), to_start)
    to_start = np.where(known, 0.0, np.minimum(to_start, to_zero))
    to_end = np.where(to_end >= limit, spacing / 2, to_end)
    change = np.where(known, change + windows.first, change)
    sampled = np.where(known, last_time - start_ms / 1000, sampled)
    factor = np.where(sampled == 0, 1.0, (sampled + to_start + to_end) / sampled)
    if per_second:
        factor = factor / ((windows.end_ms - windows.start_ms) / 1000)
    return change * factor, (count >= PAIR) | (known & (count > 0))
