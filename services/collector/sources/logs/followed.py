"""One file that is followed: its reader, and the record that is not complete yet."""

from services.collector.sources.logs.assemble import Assembler
from services.collector.sources.logs.formats import Format
from services.collector.sources.logs.model import LogTarget
from services.collector.sources.logs.position import Position
from services.collector.sources.logs.reader import LineReader
from services.collector.sources.logs.tally import Tally


class Followed:
    """Reads one file into the tally."""

    def __init__(self, reader: LineReader, form: Format, target: LogTarget, tally: Tally) -> None:
        self.reader = reader
        self.gone_since: float | None = None
        """Monotonic time at which no pattern named the file any more."""
        self._assembler, self._target, self._tally = Assembler(form), target, tally

    @property
    def behind(self) -> int:
        """Bytes that are not read yet."""
        return max(0, self.reader.size - self.reader.offset)

    def read(self, budget: int, now: float, monotonic: float) -> bool:
        """Read about `budget` bytes; return whether there may be more."""
        reader, counts = self.reader, self._tally.counts
        start, cut = reader.offset, reader.cut
        if self.behind > self._target.max_backlog:
            self.finish(now)
            counts.bytes_skipped += reader.go_to_end()
            start = reader.offset
        for at, line in reader.lines(budget):
            for record in self._assembler.add(line, at, monotonic):
                self._tally.take(record, reader.path, now)
        counts.bytes_read += reader.offset - start
        counts.cut += reader.cut - cut
        if reader.offset != start:
            reader.remember()
            return reader.offset - start >= budget
        for record in self._assembler.flush_idle(monotonic, self._target.flush_after):
            self._tally.take(record, reader.path, now)
        return False

    def finish(self, now: float) -> None:
        """Count the record that waits for further lines; none will come."""
        for record in self._assembler.flush():
            self._tally.take(record, self.reader.path, now)

    def position(self) -> Position:
        """Return where a restart has to go on: at the first byte that is not counted."""
        pending = self._assembler.pending
        position = self.reader.position(self.reader.offset if pending is None else pending.start)
        position.gone = self.gone_since is not None
        return position

    def close(self) -> None:
        """Close the file."""
        self.reader.close()
