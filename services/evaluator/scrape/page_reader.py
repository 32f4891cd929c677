"""Reads a target's pages: a page of known shape is checked as one block of bytes and only its values are parsed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.scrape.decimals import parse_column
from services.evaluator.scrape.exposition import MetricMeta, Page, parse_page

_NEWLINE = 10


@dataclass(eq=False)
class Shape:
    """What stays the same from scrape to scrape; one object per shape, so identity means equality.

    `frame` are all bytes of the page that are not values, joined; `key_lengths` how many of them each line has, all
    of it for a comment. `times` are explicit timestamps of this very page (ms) or None.
    """

    series: tuple[bytes, ...]
    meta: dict[str, MetricMeta]
    times: tuple[int | None, ...] | None
    frame: bytes = b""
    key_lengths: NDArray[np.int64] | None = None
    sample_lines: NDArray[np.int64] | None = None


class PageReader:
    """One target's reader; `fast` and `slow` count how pages were read."""

    def __init__(self) -> None:
        self._shape: Shape | None = None
        self._openmetrics = False
        self.fast = 0
        self.slow = 0

    def read(self, body: bytes, *, openmetrics: bool = False) -> tuple[Shape, NDArray[np.float64]]:
        """Return the page's shape and its values (n, in the page's order); raises ExpositionError."""
        if self._shape is not None and openmetrics == self._openmetrics:
            values = _read_known(self._shape, body)
            if values is not None:
                self.fast += 1
                return self._shape, values
        self.slow += 1
        page = parse_page(body, openmetrics=openmetrics)
        self._openmetrics = openmetrics
        self._shape = self._adopt(page, body)
        return self._shape, np.array(page.values, dtype=np.float64)

    def _adopt(self, page: Page, body: bytes) -> Shape:
        old = self._shape
        times = None if all(time is None for time in page.times) else tuple(page.times)
        same = old is not None and times is None and old.times is None and old.series == tuple(page.series)
        # A changed comment must not look like changed series: the shape object stays, its frame is renewed.
        shape = old if same and old is not None else Shape(tuple(page.series), page.meta, times)
        shape.meta = page.meta
        shape.frame, shape.key_lengths, shape.sample_lines = b"", None, None
        if page.plain and page.series and body.endswith(b"\n"):
            _remember_frame(shape, page, body)
        return shape


def _remember_frame(shape: Shape, page: Page, body: bytes) -> None:
    starts, ends = _lines(body)
    lengths = np.array(page.key_lengths[: len(ends)], dtype=np.int64)
    samples = np.flatnonzero(lengths >= 0)
    lengths = np.where(lengths >= 0, lengths, ends - starts)
    shape.key_lengths, shape.sample_lines = lengths, samples
    shape.frame = _frame(body, starts, starts + lengths)


def _lines(body: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ends = np.flatnonzero(np.frombuffer(body, np.uint8) == _NEWLINE)
    starts = np.empty_like(ends)
    starts[:1] = 0
    starts[1:] = ends[:-1] + 1
    return starts, ends


def _frame(body: bytes, starts: NDArray[np.int64], key_ends: NDArray[np.int64]) -> bytes:
    return b"".join([body[a:b] for a, b in zip(starts.tolist(), key_ends.tolist(), strict=True)])


def _read_known(shape: Shape, body: bytes) -> NDArray[np.float64] | None:
    """Return the values when the page differs from the shape in nothing but values, else None."""
    if shape.key_lengths is None or shape.sample_lines is None or not body.endswith(b"\n"):
        return None
    starts, ends = _lines(body)
    if len(ends) != len(shape.key_lengths):
        return None
    key_ends = starts + shape.key_lengths
    widths = ends - key_ends
    samples = shape.sample_lines
    # Each line is its key and then a value; a comment is all key, so nothing may follow.
    if widths.min() < 0 or int(widths.sum()) != int(widths[samples].sum()) or widths[samples].min() < 1:
        return None
    if _frame(body, starts, key_ends) != shape.frame:
        return None
    return parse_column(body, key_ends[samples], ends[samples])
