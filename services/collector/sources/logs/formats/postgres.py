"""Postgres' stderr log with a prefix that begins with the time (the default `%m [%p] `, Debian's, most others)."""

import re
from collections.abc import Sequence

from services.collector.sources.logs.formats.base import LineFormat
from services.collector.sources.logs.record import Record, level_of
from services.collector.sources.logs.timestamps import ISO, parse_time

_HEAD = rf"(?P<time>{ISO})(?: [A-Z]{{2,5}})?(?P<prefix>[^\n]{{0,200}}?)"
_LINE = re.compile(
    rf"{_HEAD}\b(?P<level>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  "
    r"(?:(?P<code>(?=[A-Z]*\d)[0-9A-Z]{5}): )?(?P<message>.*)"
)
_MORE = re.compile(rf"{_HEAD}\b(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  ")


class PostgresStderr(LineFormat):
    """A record's DETAIL, CONTEXT and STATEMENT are lines with the same prefix; lines that begin with a tab go on."""

    def __init__(self) -> None:
        super().__init__("postgres", _LINE, _read)

    def joins(self, lines: Sequence[str], line: str) -> bool:
        """See the port."""
        first, more = self._pattern.match(lines[0]), _MORE.match(line)
        if first is None:
            return False
        return more["prefix"] == first["prefix"] if more is not None else line.startswith("\t")


def _read(found: re.Match[str], rest: str) -> Record:
    details = []
    for line in rest.splitlines():
        more = _MORE.match(line)
        details.append(line[more.start() + len(more["time"]) :] if more is not None else line)
    return Record(
        level_of(found["level"]),
        found["message"],
        time=parse_time(found["time"]),
        code=found["code"] or "",
        detail="\n".join(details),
    )


FORMAT = PostgresStderr()
