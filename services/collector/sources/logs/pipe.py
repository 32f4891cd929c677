"""Lines out of a named pipe: what a program writes to is counted as it comes, and there is nothing to go back to."""

import os

from services.collector.sources.logs.assemble import Assembler
from services.collector.sources.logs.formats import Format
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.tally import Tally

_CHUNK = 64 * 1024


class PipeReader:
    """One named pipe, kept open for writing too, so that it does not end when a writer does."""

    def __init__(self, path: str, form: Format, target: LogTarget, tally: Tally) -> None:
        self.path = path
        self._assembler, self._target, self._tally = Assembler(form), target, tally
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._partial, self._skipping = b"", False

    def read(self, budget: int, now: float, monotonic: float) -> bool:
        """Read about `budget` bytes; return whether there may be more."""
        left = budget
        while left > 0:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                break
            left -= len(data)
            self._tally.counts.bytes_read += len(data)
            self._take(data, now, monotonic)
        if left == budget:
            for record in self._assembler.flush_idle(monotonic, self._target.flush_after):
                self._tally.take(record, self.path, now)
        return left <= 0

    def _take(self, data: bytes, now: float, monotonic: float) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
                continue
            self._line(line, now, monotonic)
        if len(self._partial) > self._target.max_line:
            if not self._skipping:
                self._line(self._partial, now, monotonic)
            self._partial, self._skipping = b"", True

    def _line(self, line: bytes, now: float, monotonic: float) -> None:
        limit = int(self._target.max_line)
        if len(line) > limit:
            self._tally.counts.cut += 1
        for record in self._assembler.add(line[:limit], 0, monotonic):
            self._tally.take(record, self.path, now)

    def close(self) -> None:
        """Close the pipe; a record whose further lines are waited for is counted by nobody."""
        os.close(self._descriptor)
