"""All formats at once, for what several loggers write into one file."""

from collections.abc import Sequence
from functools import lru_cache

from services.collector.sources.logs.formats.base import Format, LineFormat, joins_raw, parse_raw
from services.collector.sources.logs.record import Record

_REMEMBERED = 16


class Auto:
    """Asks each format in turn what a record is; the first that knows its first line has it."""

    key = "auto"

    def __init__(self, formats: Sequence[Format]) -> None:
        self._formats = formats
        # Asked several times of each line: whether it begins, joins, and by whom it is read.
        self._of = lru_cache(_REMEMBERED)(self._find)

    def _find(self, line: str) -> Format | None:
        return next((one for one in self._formats if one.begins(line)), None)

    def begins(self, line: str) -> bool:
        """See the port."""
        return self._of(line) is not None

    def joins(self, lines: Sequence[str], line: str) -> bool:
        """See the port."""
        own = self._of(lines[0])
        if own is None:
            return not self.begins(line) and joins_raw(lines, line)
        if own.ends(lines):
            return False
        if not own.joins(lines, line):
            return False
        # A format of lines takes whatever is not its own; inside CSV's quotes anything may stand.
        return not isinstance(own, LineFormat) or self._of(line) in {None, own}

    def ends(self, lines: Sequence[str]) -> bool:
        """See the port."""
        own = self._of(lines[0])
        return own is not None and own.ends(lines)

    def parse(self, lines: Sequence[str]) -> Record | None:
        """See the port."""
        own = self._of(lines[0])
        return parse_raw(lines) if own is None else own.parse(lines)
