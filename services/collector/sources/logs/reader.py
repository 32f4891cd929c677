"""Whole lines out of one open file, bounded in length and number."""

import contextlib
import os
from collections.abc import Iterator

from services.collector.sources.logs.position import Position, signature_at

_CHUNK = 256 * 1024


class LineReader:
    """One open file. It reads from `offset` on, and never keeps bytes: what is no whole line yet is read again."""

    def __init__(self, path: str, offset: int, *, max_line: int, skipping: bool = False) -> None:
        self.path, self.offset, self.skipping = path, offset, skipping
        self._max_line, self._chunk = max_line, max(_CHUNK, 2 * max_line)
        self.cut = 0
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._seen = (-1, -1)
        self._signature = signature_at(self._descriptor, offset)

    @property
    def size(self) -> int:
        """The file's present length."""
        return os.fstat(self._descriptor).st_size

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode, as `Found` has them."""
        state = os.fstat(self._descriptor)
        return state.st_dev, state.st_ino

    def lines(self, budget: int) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, line without newline) of the whole lines there are, about `budget` bytes at most."""
        until = self.offset + budget
        while self.offset < until:
            data = os.pread(self._descriptor, self._chunk, self.offset)
            end = data.rfind(b"\n") + 1
            if end == 0 and len(data) <= self._max_line and not self.skipping:
                return
            if end == 0:
                yield from self._cut(data)
                if len(data) < self._chunk:
                    return
                continue
            start = self.offset
            for line in data[: end - 1].split(b"\n"):
                at, start = start, start + len(line) + 1
                self.offset = start
                if self.skipping:
                    self.skipping = False
                    continue
                yield at, self._bounded(line)

    def _cut(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        # A line without an end in sight: its beginning is given out, the rest is passed over.
        at, whole = self.offset, not self.skipping
        self.offset += len(data)
        self.skipping = bool(data) or self.skipping
        if whole:
            yield at, self._bounded(data)

    def _bounded(self, line: bytes) -> bytes:
        if len(line) <= self._max_line:
            return line
        self.cut += 1
        return line[: self._max_line]

    def was_replaced(self) -> bool:
        """Tell whether the file no longer holds what was read: it was truncated, and has perhaps grown again."""
        state = os.fstat(self._descriptor)
        seen = (state.st_size, state.st_mtime_ns)
        if seen == self._seen:
            return False
        self._seen = seen
        return state.st_size < self.offset or signature_at(self._descriptor, self.offset) != self._signature

    def remember(self) -> None:
        """Take the bytes before the present offset as those that must still be there next time."""
        self._signature = signature_at(self._descriptor, self.offset)

    def read_up_to(self) -> Position:
        """Return the present offset with the signature that the file had when it was read."""
        return Position(self.path, self.identity[1], self.offset, self._signature, self.skipping)

    def position(self, offset: int) -> Position:
        """Return what to remember for a restart at an offset (that of a record which is not complete yet)."""
        signature = signature_at(self._descriptor, offset)
        return Position(self.path, self.identity[1], offset, signature, self.skipping and offset == self.offset)

    def begin_again(self) -> None:
        """Go on at the beginning of what the file holds now, after a hole that a writer without append leaves."""
        self.offset, self.skipping = 0, False
        with contextlib.suppress(OSError):
            self.offset = os.lseek(self._descriptor, 0, os.SEEK_DATA)
        self.remember()

    def go_to_end(self) -> int:
        """Pass over all there is, but for a line that has no end yet; return how many bytes were passed over."""
        size = self.size
        tail = os.pread(self._descriptor, self._max_line, max(0, size - self._max_line))
        end = tail.rfind(b"\n") + 1
        before, self.offset = self.offset, size - len(tail) + end if end or len(tail) == size else size
        self.skipping = self.offset == size and bool(tail) and not tail.endswith(b"\n")
        self.remember()
        return max(0, self.offset - before)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
