"""Lines of one file put together to records."""

from dataclasses import dataclass, field

from services.collector.sources.logs.formats import ANSI, Format

_MOST_LINES = 400
_MOST_CHARACTERS = 200_000


@dataclass
class Pending:
    """A record that may have further lines."""

    start: int
    """Offset of its first line: a restart goes on there, so that no record is counted in part."""
    since: float
    lines: list[str] = field(default_factory=list)
    characters: int = 0
    dropped: int = 0

    def add(self, line: str) -> None:
        """Append a line; of a very long record the middle is dropped, as a traceback ends with its exception."""
        self.lines.append(line)
        self.characters += len(line)
        while len(self.lines) > _MOST_LINES or (self.characters > _MOST_CHARACTERS and len(self.lines) > 2):  # noqa: PLR2004 - first and last stay
            gone = self.lines.pop(len(self.lines) // 2)
            self.characters -= len(gone)
            self.dropped += 1


class Assembler:
    """Holds at most one record that is not known to be complete."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self.pending: Pending | None = None

    def add(self, raw: bytes, start: int, now: float) -> list[list[str]]:
        """Take one line (bytes without newline, at an offset); return the records that are complete with it.

        `now` is monotonic time.
        """
        line = _decode(raw)
        done: list[list[str]] = []
        if self.pending is not None and not self._form.joins(self.pending.lines, line):
            done.extend(self.flush())
        if self.pending is None:
            if not line.strip():
                return done
            self.pending = Pending(start, now)
        self.pending.since = now
        self.pending.add(line)
        if self._form.ends(self.pending.lines):
            done.extend(self.flush())
        return done

    def flush(self) -> list[list[str]]:
        """Return the pending record, if any, as complete."""
        pending, self.pending = self.pending, None
        return [] if pending is None else [pending.lines]

    def flush_idle(self, now: float, wait: float) -> list[list[str]]:
        """Return the pending record when nothing has come for `wait` seconds."""
        return self.flush() if self.pending is not None and now - self.pending.since >= wait else []


def _decode(raw: bytes) -> str:
    # A writer that does not append leaves zeros before its first line after its file was truncated.
    line = raw.decode("utf-8", "replace").rstrip("\r").lstrip("\0\ufeff")
    return ANSI.sub("", line) if "\x1b" in line else line
