"""Reads a target's pages: a page of known shape is compared in blocks of bytes and only its values are parsed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.scrape.decimals import parse_column
from services.evaluator.scrape.exposition import MetricMeta, Page, parse_page
from services.evaluator.scrape.frame import Frame, Places, find_lines


@dataclass(eq=False)
class Shape:
    """What stays the same from scrape to scrape; one object per shape, so identity means equality.

    `lines` are those of the samples, in the order of `series`. `times` are explicit timestamps of this very page (ms)
    or None. Without a frame the next page is read the slow way.
    """

    series: tuple[bytes, ...]
    meta: dict[str, MetricMeta]
    times: tuple[int | None, ...] | None
    frame: Frame | None = None
    lines: Places | None = None


Pick = Callable[[Shape], NDArray[np.int64] | None]
"""Tells which of a shape's series are wanted, as indexes; None: all."""


def _everything(_shape: Shape) -> None:
    return None


class PageReader:
    """One target's reader; `fast` and `slow` count how pages were read."""

    def __init__(self) -> None:
        self._shape: Shape | None = None
        self._openmetrics = False
        self.fast = 0
        self.slow = 0

    def read(
        self, body: bytes, *, openmetrics: bool = False, pick: Pick = _everything
    ) -> tuple[Shape, NDArray[np.float64]]:
        """Return the page's shape and the values of the wanted series; raises ExpositionError.

        On a page of known shape the values of series that are not wanted are not looked at, not even for mistakes.
        """
        if self._shape is not None and openmetrics == self._openmetrics:
            values = _read_known(self._shape, body, pick)
            if values is not None:
                self.fast += 1
                return self._shape, values
        self.slow += 1
        page = parse_page(body, openmetrics=openmetrics)
        self._openmetrics = openmetrics
        self._shape = shape = self._adopt(page, body)
        every, rows = np.array(page.values, dtype=np.float64), pick(shape)
        return shape, every if rows is None else every[rows]

    def _adopt(self, page: Page, body: bytes) -> Shape:
        old = self._shape
        times = None if all(time is None for time in page.times) else tuple(page.times)
        same = old is not None and times is None and old.times is None and old.series == tuple(page.series)
        # A changed comment must not look like changed series: the shape object stays, its frame is renewed.
        shape = old if same and old is not None else Shape(tuple(page.series), page.meta, times)
        shape.meta = page.meta
        shape.frame = shape.lines = None
        if page.plain and page.series and body.endswith(b"\n"):
            _remember_frame(shape, page, body)
        return shape


def _remember_frame(shape: Shape, page: Page, body: bytes) -> None:
    starts, ends = find_lines(body)
    lengths = np.array(page.key_lengths[: len(ends)], dtype=np.int64)
    shape.lines = np.flatnonzero(lengths >= 0)
    shape.frame = Frame(body, starts, np.where(lengths >= 0, lengths, ends - starts))


def _read_known(shape: Shape, body: bytes, pick: Pick) -> NDArray[np.float64] | None:
    """Return the values when the page differs from the shape in nothing but values, else None."""
    if shape.frame is None or shape.lines is None or not body.endswith(b"\n"):
        return None
    starts, ends = find_lines(body)
    if len(ends) != len(shape.frame.key_lengths):
        return None
    key_ends = starts + shape.frame.key_lengths
    widths = ends - key_ends
    of_samples = widths[shape.lines]
    # Each line is its key and then a value; a comment is all key, so nothing may follow.
    if widths.min() < 0 or int(widths.sum()) != int(of_samples.sum()) or of_samples.min() < 1:
        return None
    if not shape.frame.matches(body, starts):
        return None
    rows = pick(shape)
    lines = shape.lines if rows is None else shape.lines[rows]
    return parse_column(body, key_ends[lines], ends[lines])
