"""What stays the same of a page from scrape to scrape; targets with the same page share it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from services.evaluator.scrape.exposition import MetricMeta, Page
from services.evaluator.scrape.frame import Frame, Places, find_lines


@dataclass(eq=False, slots=True, weakref_slot=True)
class Shape:
    """A page without its values; it never changes.

    `lines` are those of the samples, in the order of `series`. `times` are explicit timestamps of this very page (ms)
    or None. Without a frame the next page is read the slow way.
    """

    count: int
    meta: dict[str, MetricMeta]
    times: tuple[int | None, ...] | None = None
    frame: Frame | None = None
    lines: Places | None = None
    texts: list[tuple[str, ...] | None] = field(default_factory=list)
    """Label values of each series as some target has them: other targets hold the same tuples."""
    owns: tuple[tuple[str, ...], ...] = ()
    """The same, all together, where some target keeps every series."""
    _raw: tuple[bytes, ...] = ()
    _every: NDArray[np.int64] | None = None

    @property
    def series(self) -> Sequence[bytes]:
        """The raw bytes of name and labels of each series; made anew where the frame has them."""
        if self.frame is None or self.lines is None:
            return self._raw
        keys = self.frame.keys()
        return [keys[line].strip(b" \t") for line in self.lines.tolist()]

    @property
    def every(self) -> NDArray[np.int64]:
        """All indexes of series."""
        if self._every is None:
            self._every = np.arange(self.count)
        return self._every

    def same_series(self, other: "Shape") -> bool:
        """Tell whether another page has the same series in the same order, none with a time of its own."""
        if self.times is not None or other.times is not None or self.count != other.count:
            return False
        return list(self.series) == list(other.series)


class Shapes:
    """The shapes in use by content, so that equal pages of many targets are held once."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[bytes, Shape] = WeakValueDictionary()

    def of(self, page: Page, body: bytes) -> Shape:
        """Return the shape of a parsed page."""
        times = None if all(time is None for time in page.times) else tuple(page.times)
        count = len(page.series)
        if not page.plain or not count or not body.endswith(b"\n"):
            return Shape(count, page.meta, times, texts=[None] * count, _raw=tuple(page.series))
        starts, ends = find_lines(body)
        lengths = np.array(page.key_lengths[: len(ends)], dtype=np.int64)
        frame = Frame(body, starts, np.where(lengths >= 0, lengths, ends - starts))
        lines = np.flatnonzero(lengths >= 0)
        digest = frame.digest()
        known = self._known.get(digest)
        if known is not None and np.array_equal(known.lines, lines) and frame.equals(known.frame):  # type: ignore[arg-type]  # those in the store have lines
            return known
        shape = Shape(count, page.meta, times, frame, lines, [None] * count)
        self._known[digest] = shape
        return shape
