"""`key=value` lines: logfmt and structlog's KeyValueRenderer."""

import re

from services.collector.sources.logs.formats.base import LineFormat
from services.collector.sources.logs.formats.json_lines import read_object
from services.collector.sources.logs.record import Record

_PAIR = re.compile(r"""(?P<key>[\w.@-]+)=(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S*)""")
# A line of it begins with a pair and names its level.
_LINE = re.compile(r"(?=.*\b(?:level|lvl|severity)=)[\w.@-]+=")
_ESCAPED = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


def read_pairs(text: str) -> dict[str, str]:
    """Return the pairs of a line; quotes are taken off and escapes resolved."""
    return {pair["key"]: _bare(pair["value"]) for pair in _PAIR.finditer(text)}


def _bare(value: str) -> str:
    if value[:1] in {'"', "'"}:
        return _ESCAPED.sub(lambda found: _LETTERS.get(found[1], found[1]), value[1:-1])
    return value


def _read(found: re.Match[str], _rest: str) -> Record:
    return read_object(read_pairs(found.string))


FORMAT = LineFormat("logfmt", _LINE, _read)
