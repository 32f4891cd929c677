"""Decimal texts to floats, a column at a time."""

import numpy as np
from numpy.typing import NDArray

_WIDTH = 17
_MAX_DIGITS = 15
_COLUMNS = np.arange(_WIDTH)
_WHOLE = 10.0 ** (_WIDTH - 1 - _COLUMNS)
_LEFT_OF_DOT = _WHOLE / 10.0
_TENS = 10.0 ** np.arange(_WIDTH + 1)
_PAD = b"\x00" * _WIDTH
_ZERO, _NINE, _DOT, _MINUS = 48, 9, 46, 45


def parse_column(body: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return the numbers at body[start:end]; None when one of them is no number.

    Texts of at most 15 digits with at most one dot are read all at once: their digits make an integer below 2**53 and
    one division by a power of ten is correctly rounded, so the result is the same as float()'s. The others (exponents,
    NaN, Inf, more digits) go through float().
    """
    values, exact = _read_simple(body, starts, ends)
    rest = np.flatnonzero(~exact)
    if len(rest):
        texts = [body[a:b] for a, b in zip(starts[rest].tolist(), ends[rest].tolist(), strict=True)]
        # Python's float() takes grouping underscores and blanks around; the format does not.
        if any(b"_" in text or text[:1].isspace() or text[-1:].isspace() for text in texts):
            return None
        try:
            values[rest] = [float(text) for text in texts]
        except ValueError:
            return None
    return values


def _read_simple(
    body: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return values and which of them are exact; texts stand right-aligned in a matrix of _WIDTH columns."""
    bytes_ = np.frombuffer(_PAD + body, np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(bytes_, _WIDTH)
    widths = ends - starts
    # `ends` in the unpadded body is where the window that ends there begins in the padded one.
    cells = windows[ends]
    inside = (_WIDTH - widths)[:, None] <= _COLUMNS
    digits = cells - np.uint8(_ZERO)
    is_digit = (digits <= _NINE) & inside
    is_dot = (cells == _DOT) & inside
    negative = np.frombuffer(body, np.uint8)[starts] == _MINUS
    dots = is_dot.sum(axis=1)
    count = is_digit.sum(axis=1)
    exact = (count >= 1) & (count <= _MAX_DIGITS) & (dots <= 1) & (count + dots + negative == widths)
    dot_column = np.where(dots > 0, is_dot.argmax(axis=1), -1)
    right = dot_column[:, None] < _COLUMNS
    weights = np.where(right, _WHOLE, _LEFT_OF_DOT)
    # Cells left of the text may be digits of the key, so they count as nothing.
    mantissa = (np.where(is_digit, digits, 0) * weights).sum(axis=1)
    decimals = np.where(dots > 0, _WIDTH - 1 - dot_column, 0)
    values = mantissa / _TENS[decimals]
    return np.where(negative, -values, values), exact
