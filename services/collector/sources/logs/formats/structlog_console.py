"""structlog's ConsoleRenderer: `2026-01-01T10:00:00Z [error    ] payment_failed [shop.pay] order=7`."""

import re

from services.collector.sources.logs.formats.base import LineFormat
from services.collector.sources.logs.formats.logfmt import read_pairs
from services.collector.sources.logs.record import Record, level_of
from services.collector.sources.logs.timestamps import ISO, parse_time

_WORDS = "debug|info|notice|warn|warning|error|exception|critical|fatal"
_LINE = re.compile(rf"(?:(?P<time>{ISO}) )?\[(?P<level>{_WORDS})\s*\] (?P<rest>.*)")
# What follows the event: the logger's name in brackets, then pairs.
_AFTER = re.compile(r"\s+(?:\[(?P<logger>[\w.]+)\](?=\s|$)|(?=[\w.]+=))")


def _read(found: re.Match[str], _rest: str) -> Record:
    text = found["rest"].rstrip()
    after = _AFTER.search(text)
    event, pairs = (text, "") if after is None else (text[: after.start()], text[after.end() :])
    return Record(
        level_of(found["level"]),
        event,
        time=parse_time(found["time"]),
        logger=(after["logger"] or "") if after is not None else "",
        fields=read_pairs(pairs),
    )


FORMAT = LineFormat("structlog", _LINE, _read)
