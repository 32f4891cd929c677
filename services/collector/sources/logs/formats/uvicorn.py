"""Uvicorn's own lines: `ERROR:    Exception in ASGI application`, with the traceback below, and its access lines."""

import re

from services.collector.sources.logs.formats.base import LineFormat
from services.collector.sources.logs.record import Record, level_of

_LINE = re.compile(r"(?P<level>TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL):\s+(?P<message>.*)")


def _read(found: re.Match[str], _rest: str) -> Record:
    return Record(level_of(found["level"]), found["message"], logger="uvicorn")


FORMAT = LineFormat("uvicorn", _LINE, _read)
