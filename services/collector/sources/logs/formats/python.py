"""Plain Python logging in its common layouts: basicConfig, time - name - level, loguru, Celery, gunicorn."""

import re

from services.collector.sources.logs.formats.base import LineFormat
from services.collector.sources.logs.record import Record, level_of
from services.collector.sources.logs.timestamps import ISO, parse_time

_LEVELS = "TRACE|DEBUG|INFO|SUCCESS|WARNING|WARN|ERROR|CRITICAL|FATAL"
_BASIC = rf"(?P<level1>{_LEVELS}):(?P<logger>[\w.]+):(?P<message1>.*)"
# Between time and level stand a name, a process, a thread; levels are only looked for in capitals there.
_TIMED = (
    rf"\[?(?P<time>{ISO})\]?(?P<between>[^\n]{{0,160}}?)(?<![A-Za-z])(?P<level2>{_LEVELS})(?![A-Za-z])"
    r"(?:/[\w-]+)?\s*[\]|:,)-]*\s*(?P<message2>.*)"
)
_LINE = re.compile(rf"(?:{_BASIC}|{_TIMED})")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
# Where the logger comes after the level.
_NAMED = re.compile(r"(?:\[(?P<inside>[A-Za-z_][\w.]*)\]:?|(?P<plain>[A-Za-z_][\w.]*):)\s+(?P<message>.*)")


def _read(found: re.Match[str], _rest: str) -> Record:
    if found["level1"]:
        return Record(level_of(found["level1"]), found["message1"], logger=found["logger"])
    level, time, message = level_of(found["level2"]), parse_time(found["time"]), found["message2"]
    before = _NAME.search(found["between"])
    if before is not None:
        return Record(level, message, time=time, logger=before[0])
    after = _NAMED.match(message)
    if after is None:
        return Record(level, message, time=time)
    return Record(level, after["message"], time=time, logger=after["inside"] or after["plain"])


FORMAT = LineFormat("python", _LINE, _read)
