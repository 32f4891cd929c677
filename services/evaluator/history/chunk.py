"""Samples on their way to Postgres. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

Row = tuple[str, int, float]
"""Labels as JSON, time in milliseconds, value."""


class BadChunkError(ValueError):
    """Bytes that are no chunk."""


@dataclass(frozen=True)
class Chunk:
    """Samples that are written in one transaction."""

    rows: tuple[Row, ...]

    @property
    def newest_ms(self) -> int:
        """The time of its newest sample."""
        return max((t_ms for _, t_ms, _ in self.rows), default=0)

    def encode(self) -> bytes:
        """Return it as JSON, each label set written once."""
        numbers: dict[str, int] = {}
        rows = [(numbers.setdefault(key, len(numbers)), t_ms, value) for key, t_ms, value in self.rows]
        return orjson.dumps({"series": list(numbers), "rows": rows})

    @staticmethod
    def decode(payload: bytes) -> "Chunk":
        """Return the chunk that was encoded; raises BadChunkError."""
        try:
            content = orjson.loads(payload)
            series = content["series"]
            return Chunk(
                tuple((str(series[number]), int(t_ms), float(value)) for number, t_ms, value in content["rows"])
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise BadChunkError(str(error)) from error


def in_chunks(rows: Iterable[Row], size: int) -> list[Chunk]:
    """Cut rows into chunks of at most `size`."""
    every = tuple(rows)
    return [Chunk(every[start : start + size]) for start in range(0, len(every), size)]
