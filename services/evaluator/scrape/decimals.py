"""Decimal texts to floats, a column at a time."""

import numpy as np
import orjson
from numpy.typing import NDArray

from services.evaluator.scrape.frame import windows

_WIDTH = 24
_LONGEST = _WIDTH - 1
_CELL = f"V{_WIDTH}"
_BLANK, _COMMA, _MINUS = 32, 44, 45
_PAD = b" " * _WIDTH
# JSON's numbers are made of these; what else a text may hold (NaN, Inf) is left to float().
_OF_NUMBERS = b"0123456789+-.eE "


def _masks() -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return by a text's length which bytes of its window are kept, and what stands in place of the others."""
    kept = np.zeros((_WIDTH, _WIDTH), np.uint8)
    other = np.full((_WIDTH, _WIDTH), _BLANK, np.uint8)
    for length in range(_WIDTH):
        kept[length, _LONGEST - length : _LONGEST] = 0xFF
        other[length, _LONGEST - length : _LONGEST] = 0
    other[:, _LONGEST] = _COMMA
    return kept.view(_CELL).ravel(), other.view(_CELL).ravel()


_KEPT, _OTHER = _masks()


def parse_column(body: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return the numbers at body[start:end], none of them empty; None when one of them is no number.

    The texts are set in columns of equal width, one after the other with commas between: a JSON array, which orjson
    reads with correct rounding, as float() does. What JSON has not (NaN, Inf, `+1`, `.5`) goes through float().
    `body` must go on for a byte after each text.
    """
    if not len(starts):
        return np.empty(0)
    widths = ends - starts
    if widths.max() > _LONGEST:
        return _one_by_one(body, starts, ends)
    if ends[0] < _LONGEST:
        body = _PAD + body
        starts, ends = starts + _WIDTH, ends + _WIDTH
    text = _set_in_columns(body, widths, ends)
    bytes_ = np.frombuffer(body, np.uint8)
    first = bytes_[starts]
    # JSON takes blanks around a number; a text here has none.
    clean = first.min() > _BLANK and bytes_[ends - 1].min() > _BLANK
    if not clean or text.translate(None, _OF_NUMBERS) != b"," * len(starts):
        return _one_by_one(body, starts, ends)
    try:
        numbers = orjson.loads(b"[" + text[:-1] + b"]")
    except orjson.JSONDecodeError:
        return _one_by_one(body, starts, ends)
    values = np.fromiter(numbers, np.float64, len(numbers))
    negative = first == _MINUS
    if negative.any():
        # JSON's -0 is the integer 0.
        values[negative] = -np.abs(values[negative])
    return values


def _set_in_columns(body: bytes, widths: NDArray[np.int64], ends: NDArray[np.int64]) -> bytes:
    cells = windows(body, _WIDTH, ends - _LONGEST).view(np.uint64)
    cells &= _KEPT[widths].view(np.uint64)
    cells |= _OTHER[widths].view(np.uint64)
    return cells.tobytes()


def _one_by_one(body: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64] | None:
    texts = [body[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    # Python's float() takes grouping underscores and blanks around; the format does not.
    if any(b"_" in text or text[:1].isspace() or text[-1:].isspace() for text in texts):
        return None
    try:
        return np.array([float(text) for text in texts])
    except ValueError:
        return None
