"""Lines and curves through the samples of a window."""

import numpy as np

from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.functions.base import Function, over_windows
from services.evaluator.promql.grid import PAIR, Windows
from services.evaluator.promql.storage import Bools, Floats

Result = tuple[Floats, Bools | None]


def _line(windows: Windows) -> tuple[Floats, Floats, Floats]:
    """Return slope, mean time (seconds after the window's start) and mean value, by least squares about the means."""
    if windows.mask is None:
        return _whole_line(windows)
    mask, counts = windows.mask, windows.count.astype(np.float64)
    times = np.broadcast_to(windows.row_times(windows.start_ms), windows.values.shape)
    inside = mask
    mean_time = np.where(inside, times, 0.0).sum(axis=1) / counts
    mean_value = np.where(inside, windows.values, 0.0).sum(axis=1) / counts
    dt = np.where(inside, times - mean_time[:, None], 0.0)
    dv = np.where(inside, windows.values - mean_value[:, None], 0.0)
    slope = (dt * dv).sum(axis=1) / (dt * dt).sum(axis=1)
    flat = (~inside | (windows.values == windows.first[:, None])).all(axis=1)
    return _levelled(windows, flat, slope, mean_time, mean_value)


def _whole_line(windows: Windows) -> tuple[Floats, Floats, Floats]:
    """Return the same where all windows have the whole width: what is about times is worked out once per axis."""
    times = (windows.times - windows.start_ms).astype(np.float64) / 1000.0
    mean = times.mean(axis=1)
    apart = times - mean[:, None]
    weights = apart / (apart * apart).sum(axis=1)[:, None]
    values = windows.values
    mean_value = values.mean(axis=1)
    away = values - mean_value[:, None]
    slope = away @ weights[0] if len(weights) == 1 else np.einsum("ij,ij->i", away, np.asarray(weights[windows.axes]))
    flat = (values == windows.first[:, None]).all(axis=1)
    return _levelled(windows, flat, slope, np.asarray(windows.expand(mean), np.float64), mean_value)


def _levelled(
    windows: Windows, flat: Bools, slope: Floats, mean_time: Floats, mean_value: Floats
) -> tuple[Floats, Floats, Floats]:
    """Make level the lines through equal values, as rounding must not tilt them."""
    if not flat.any():
        return slope, mean_time, mean_value
    endless = flat & np.isinf(windows.first)
    slope = np.where(endless, np.nan, np.where(flat, 0.0, slope))
    mean_value = np.where(endless, np.nan, np.where(flat, windows.first, mean_value))
    return slope, mean_time, mean_value


def _deriv(windows: Windows) -> Result:
    if windows.width < PAIR:
        return np.zeros(windows.size), windows.at_least(PAIR)
    return _line(windows)[0], windows.at_least(PAIR)


def _predict(windows: Windows, ahead_s: float) -> Result:
    if windows.width < PAIR:
        return np.zeros(windows.size), windows.at_least(PAIR)
    slope, mean_time, mean_value = _line(windows)
    target = (windows.now_ms - windows.start_ms) / 1000 + ahead_s
    return mean_value + slope * (target - mean_time), windows.at_least(PAIR)


def _smooth(windows: Windows, smoothing: float, trend: float) -> Result:
    for name, factor in (("smoothing", smoothing), ("trend", trend)):
        if not 0 < factor < 1:
            raise EvaluationError(f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor:f}")
    enough = windows.at_least(PAIR)
    if windows.width < PAIR:
        return np.zeros(windows.size), enough
    rows = np.arange(windows.size)
    lo = np.asarray(windows.expand(windows.lo), np.intp)
    level = windows.first
    slope = windows.values[rows, np.minimum(lo + 1, windows.width - 1)] - level
    before = np.zeros(windows.size)
    for place in range(1, int(windows.count.max(initial=0))):
        active = windows.count > place
        value = windows.values[rows, np.minimum(lo + place, windows.width - 1)]
        if place > 1:
            slope = np.where(active, trend * (level - before) + (1 - trend) * slope, slope)
        smoothed = smoothing * value + (1 - smoothing) * (level + slope)
        before, level = np.where(active, level, before), np.where(active, smoothed, level)
    return level, enough


def _time_of_last(windows: Windows) -> Result:
    return windows.last_time, windows.at_least(1)


def _time_of_first(windows: Windows) -> Result:
    return windows.first_time, windows.at_least(1)


def _time_of(windows: Windows, *, largest: bool) -> Result:
    """Time of the newest extreme sample; NaN counts as an extreme only where all are NaN."""
    if not windows.width:
        return np.zeros(windows.size), windows.at_least(1)
    cells = windows.filled(np.nan)
    best = (np.fmax if largest else np.fmin).reduce(cells, axis=1)
    hit = (cells == best[:, None]) & ~np.isnan(cells)
    lo = np.asarray(windows.expand(windows.lo), np.intp)
    newest = windows.width - 1 - np.argmax(hit[:, ::-1], axis=1)
    columns = np.where(hit.any(axis=1), newest, np.minimum(lo, windows.width - 1))
    axes = np.zeros(windows.size, np.intp) if windows.axes is None else windows.axes
    return windows.times[axes, columns] / 1000.0, windows.at_least(1)


def _time_of_max(windows: Windows) -> Result:
    return _time_of(windows, largest=True)


def _time_of_min(windows: Windows) -> Result:
    return _time_of(windows, largest=False)


REGRESSIONS = (
    Function("deriv", "deriv(v range-vector)", "Per-second slope by least squares.", over_windows(_deriv)),
    Function(
        "predict_linear",
        "predict_linear(v range-vector, t scalar)",
        "Value t seconds from now, on the line through the samples.",
        over_windows(_predict, timed=True),
    ),
    Function(
        "double_exponential_smoothing",
        "double_exponential_smoothing(v range-vector, sf scalar, tf scalar)",
        "Smoothed value, with factors for level and trend.",
        over_windows(_smooth),
    ),
    Function(
        "ts_of_last_over_time",
        "ts_of_last_over_time(v range-vector)",
        "Time of the newest sample.",
        over_windows(_time_of_last),
    ),
    Function(
        "ts_of_first_over_time",
        "ts_of_first_over_time(v range-vector)",
        "Time of the oldest sample.",
        over_windows(_time_of_first),
    ),
    Function(
        "ts_of_max_over_time",
        "ts_of_max_over_time(v range-vector)",
        "Time of the largest sample.",
        over_windows(_time_of_max),
    ),
    Function(
        "ts_of_min_over_time",
        "ts_of_min_over_time(v range-vector)",
        "Time of the smallest sample.",
        over_windows(_time_of_min),
    ),
)
