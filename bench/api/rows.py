"""Rows of generated history in Postgres' binary COPY format, made by NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCRAPE_SECONDS = 5
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_EPOCH = 946_684_800
"""Postgres counts from 2000."""
_DAY = 86_400
_CHUNK = 100_000
_SAMPLE = (("series", "i4"), ("at", "i8"), ("value", "f8"))
_ROLL_UP = (
    ("series", "i4"), ("at", "i8"), ("min", "f8"), ("max", "f8"), ("total", "f8"), ("count", "i4"), ("last", "f8"),
    ("last_at", "i8"),
)  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """A part of time of one level; a row for each `step` seconds and series, the series of one moment together."""

    first: int
    last: int
    step: int
    rolled_up: bool

    def rows(self, ids: NDArray[np.int32]) -> Iterator[bytes]:
        """Return the whole COPY text in pieces."""
        fields = _ROLL_UP if self.rolled_up else _SAMPLE
        kind = np.dtype(
            [("fields", ">i2"), *((n, f">{k}") for name, k in fields for n, k in ((f"#{name}", "i4"), (name, k)))]
        )
        times = np.arange(self.first, self.last, self.step, dtype=np.int64)
        together = max(1, _CHUNK // len(ids))
        yield _HEAD
        for begin in range(0, len(times), together):
            chunk = times[begin : begin + together]
            rows = np.zeros(len(chunk) * len(ids), kind)
            rows["fields"] = len(fields)
            for name, width in fields:
                rows[f"#{name}"] = int(width[1])
            rows["series"] = np.tile(ids, len(chunk))
            at = np.repeat(chunk, len(ids))
            rows["at"] = (at - _EPOCH) * 1_000_000
            self._fill(rows, at)
            yield rows.tobytes()
        yield _TAIL

    def _fill(self, rows: NDArray[np.void], at: NDArray[np.int64]) -> None:
        # A day's wave, each series at its own height and hour.
        series = rows["series"].astype(np.float64)
        values = (1 + series % 17) * (1.5 + np.sin(2 * np.pi * at / _DAY + series))
        if not self.rolled_up:
            rows["value"] = values
            return
        count = self.step // SCRAPE_SECONDS
        rows["min"], rows["max"], rows["last"] = values * 0.9, values * 1.1, values
        rows["total"], rows["count"] = values * count, count
        rows["last_at"] = (at + self.step - SCRAPE_SECONDS - _EPOCH) * 1_000_000
