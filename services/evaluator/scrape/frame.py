"""What stays the same on a page from scrape to scrape, compared in blocks of bytes."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
_NEWLINE = 10
# Sizes of the blocks that keys are cut into: a key's last block ends with it and may overlap the one before.
_BLOCKS = (48, 16, 4, 1)


def find_lines(body: bytes) -> tuple[Places, Places]:
    """Return where the lines of a page start and end (their newline)."""
    ends = np.flatnonzero(np.frombuffer(body, np.uint8) == _NEWLINE)
    starts = np.empty_like(ends)
    starts[:1] = 0
    starts[1:] = ends[:-1] + 1
    return starts, ends


def windows(body: bytes, size: int, places: Places) -> NDArray[np.void]:
    """Return the `size` bytes from each place on; all must lie within the body."""
    # A void type has no alignment, so NumPy copies each window as one block.
    every: NDArray[np.void] = np.ndarray((len(body) - size + 1,), f"V{size}", body, strides=(1,))
    return every[places]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Blocks of one size: which line each is of, how far from its start, and its bytes."""

    size: int
    lines: Places
    offsets: Places
    content: bytes


class Frame:
    """The bytes before the value of each line; of a comment all bytes."""

    def __init__(self, body: bytes, starts: Places, key_lengths: Places) -> None:
        self.key_lengths = key_lengths
        self._blocks: list[_Blocks] = []
        longest = np.array([*_BLOCKS, 0])
        for size, above in zip(_BLOCKS, (np.iinfo(np.int64).max, *longest[:-1]), strict=False):
            chosen = np.flatnonzero((key_lengths >= size) & (key_lengths < above))
            if len(chosen):
                self._blocks.append(_cut(body, starts, key_lengths, chosen, size))

    def matches(self, body: bytes, starts: Places) -> bool:
        """Tell whether a page has the same bytes; its lines must be as many, and each at least as long as its key."""
        return all(
            windows(body, part.size, starts.take(part.lines) + part.offsets).tobytes() == part.content
            for part in self._blocks
        )

    def equals(self, other: "Frame") -> bool:
        """Tell whether another frame has the same bytes."""
        return np.array_equal(self.key_lengths, other.key_lengths) and self.contents() == other.contents()

    def contents(self) -> list[bytes]:
        """Return the bytes that are compared, by the size of their blocks."""
        return [part.content for part in self._blocks]

    def digest(self) -> bytes:
        """Return a hash of all that is compared."""
        found = blake2b(self.key_lengths.tobytes(), digest_size=16)
        for content in self.contents():
            found.update(content)
        return found.digest()

    def keys(self) -> list[bytes]:
        """Return the bytes before the value of each line, put together again."""
        ends = np.cumsum(self.key_lengths)
        starts = ends - self.key_lengths
        text = bytearray(int(ends[-1]) if len(ends) else 0)
        for part in self._blocks:
            every = np.ndarray((len(text) - part.size + 1,), f"V{part.size}", text, strides=(1,))
            every[starts[part.lines] + part.offsets] = np.frombuffer(part.content, f"V{part.size}")
        whole = bytes(text)
        return [whole[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _cut(body: bytes, starts: Places, key_lengths: Places, chosen: Places, size: int) -> _Blocks:
    lengths = key_lengths[chosen]
    counts = -(-lengths // size)
    lines = np.repeat(chosen, counts)
    number = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
    offsets = np.minimum(number * size, np.repeat(lengths, counts) - size)
    return _Blocks(size, lines, offsets, windows(body, size, starts[lines] + offsets).tobytes())
