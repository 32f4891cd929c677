"""What a format is: it tells where a record begins, what belongs to it, and what it says."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from services.collector.sources.logs.record import UNKNOWN, Record
from services.collector.sources.logs.tracebacks import PYTHON, find_failure

_INTERPRETER = re.compile(r"^\s|^$|^The above exception was|^During handling of the above")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Format(Protocol):
    """One file of this folder. Lines come without their newline and without terminal colours."""

    @property
    def key(self) -> str:
        """The word for it in the configuration."""
        ...

    def begins(self, line: str) -> bool:
        """Tell whether a record of this format begins with the line."""
        ...

    def joins(self, lines: Sequence[str], line: str) -> bool:
        """Tell whether the line goes on with the record that `lines` began."""
        ...

    def ends(self, lines: Sequence[str]) -> bool:
        """Tell whether nothing can come after `lines` that belongs to them."""
        ...

    def parse(self, lines: Sequence[str]) -> Record | None:
        """Return what the lines say, None when they are not of this format."""
        ...


class LineFormat:
    """A format whose records begin with a line of a known form; all other lines go on with the record before."""

    def __init__(self, key: str, pattern: re.Pattern[str], read: Callable[[re.Match[str], str], Record]) -> None:
        self.key, self._pattern, self._read = key, pattern, read

    def begins(self, line: str) -> bool:
        """See the port."""
        return self._pattern.match(line) is not None

    def joins(self, lines: Sequence[str], line: str) -> bool:
        """See the port."""
        return joins_raw(lines, line) if not self.begins(lines[0]) else not self.begins(line)

    def ends(self, lines: Sequence[str]) -> bool:
        """See the port."""
        del lines
        return False

    def parse(self, lines: Sequence[str]) -> Record | None:
        """See the port."""
        found = self._pattern.match(lines[0])
        if found is None:
            return parse_raw(lines)
        rest = "\n".join(lines[1:])
        return with_traceback(self._read(found, rest), rest)


def joins_raw(lines: Sequence[str], line: str) -> bool:
    """Tell whether a line goes on with a traceback that the interpreter wrote past all logging."""
    if PYTHON not in lines[0]:
        return False
    # After the indented lines comes the one with the exception; after that only an empty one or a chain's words.
    return _INTERPRETER.match(line) is not None or lines[-1][:1].isspace() or lines[-1] == "" or PYTHON in line


def parse_raw(lines: Sequence[str]) -> Record | None:
    """Return the record behind a bare traceback (an exception that nobody caught), None for anything else."""
    failure = find_failure("\n".join(lines)) if PYTHON in lines[0] else None
    return None if failure is None else Record("error", failure.message, failure=failure)


def with_traceback(record: Record, rest: str) -> Record:
    """Return the record with the exception that its further lines show."""
    failure = find_failure(rest) if rest else None
    if failure is None:
        return record
    level = record.level
    if level in {"debug", "info", UNKNOWN} and failure.type.rpartition(".")[2] not in record.message:
        # The last words of a process that dies come after whatever it logged last. (A record that names the exception
        # itself, as Celery's of a task that it tries again, is taken at its word.)
        level = "error"
    return replace(record, level=level, failure=failure)
