"""Reads a target's pages: a page of known shape is compared in blocks of bytes and only its values are parsed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.evaluator.scrape.decimals import parse_column
from services.evaluator.scrape.exposition import parse_page
from services.evaluator.scrape.frame import find_lines
from services.evaluator.scrape.shapes import Shape, Shapes

Pick = Callable[[Shape], NDArray[np.int64] | None]
"""Tells which of a shape's series are wanted, as indexes; None: all."""


def _everything(_shape: Shape) -> None:
    return None


class PageReader:
    """One target's reader; `fast` and `slow` count how pages were read. Readers of one `shapes` share their shapes."""

    def __init__(self, shapes: Shapes | None = None) -> None:
        self._shapes = Shapes() if shapes is None else shapes
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
        self._shape = shape = self._shapes.of(page, body)
        every, rows = np.array(page.values, dtype=np.float64), pick(shape)
        return shape, every if rows is None else every[rows]


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
