"""Tokens of PromQL with their places; strings and numbers are read as Go does."""

import math
import re
from dataclasses import dataclass

from services.evaluator.promql.ast import Position
from services.evaluator.promql.errors import PromqlError

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    |(?P<number>0[xX][0-9a-fA-F_]+(?![\w.])|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<ident>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<op>==|!=|=~|!~|<=|>=|</|>/|[-+*/%^<>=@(){}\[\],:])""",
    re.VERBOSE,
)
_DURATION = re.compile("".join(rf"(?:(\d+){unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")))
_DURATION_UNITS = ("y", "w", "d", "h", "m", "s", "ms")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_RAW_BYTES = 0xDC00  # where surrogateescape puts bytes that are not UTF-8
_SIMPLE = dict(zip("abfnrtv\\\"'", "\a\b\f\n\r\t\v\\\"'", strict=True))


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `kind` is ident, number, duration, string or op; `text` is as written."""

    kind: str
    text: str
    offset: int


def position_of(text: str, offset: int) -> Position:
    """Return line and column, both from 1, of an offset."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def tokenize(text: str) -> list[Token]:
    """Split an expression; inside square brackets a colon stands alone. Raises PromqlError with the place."""
    tokens: list[Token] = []
    offset, brackets = 0, 0
    while offset < len(text):
        found = _TOKEN.match(text, offset)
        if found is None:
            raise PromqlError(_unexpected(text, offset), *position_of(text, offset))
        kind, word = found.lastgroup or "", found.group()
        if brackets and kind == "ident" and ":" in word:
            cut = word.find(":")
            kind, word = ("op", ":") if cut == 0 else (kind, word[:cut])
        if word in "[]" and kind == "op":
            brackets += 1 if word == "[" else -1
        if kind != "space":
            tokens.append(Token(kind, word, offset))
        offset += len(word)
    return tokens


def _unexpected(text: str, offset: int) -> str:
    char = text[offset]
    if char in "\"'`":
        return "unterminated string; close it with the same quote"
    if char.isdigit() or char == ".":
        word = re.match(r"[\w.]*", text[offset:])
        return f"bad number or duration syntax: {word.group() if word else char!r}"
    return f"unexpected character: {char!r}"


def parse_number(word: str) -> float | None:
    """Read a number or a duration (seconds); None when it is neither."""
    if word.lower() in {"inf", "nan"}:
        return math.inf if word.lower() == "inf" else math.nan
    if word[-1] in "smhdwy" and not word.startswith(("0x", "0X")):
        return parse_duration(word)
    digits = word.replace("_", "")
    if re.fullmatch(r"0[0-7]+", digits):
        return float(int(digits, 8))
    try:
        return float(int(digits, 16)) if digits[:2] in {"0x", "0X"} else float(digits)
    except (ValueError, OverflowError):
        return None


def parse_duration(word: str) -> float | None:
    """Read `1h30m` as seconds: units from large to small, each once; None when malformed."""
    found = _DURATION.fullmatch(word)
    if found is None:
        return None
    return sum(
        float(count) * UNITS_S[unit] for count, unit in zip(found.groups(), _DURATION_UNITS, strict=True) if count
    )


def unquote(token: Token, source: str) -> str:
    """Return a string literal's text, escapes resolved as in Go. Raises PromqlError with the place."""
    body = token.text[1:-1]
    if token.text[0] == "`" or "\\" not in body:
        return body
    out = bytearray()
    last = 0
    for found in _ESCAPE.finditer(body):
        out += body[last : found.start()].encode()
        simple, hexa, small, large, octal, other = found.groups()
        if other is not None or (simple in {"'", '"'} and simple != token.text[0]):
            raise PromqlError(
                f"unknown escape sequence \\{other or simple}; write \\\\ for a backslash",
                *position_of(source, token.offset + 1 + found.start()),
            )
        if simple is not None:
            out += _SIMPLE[simple].encode()
        elif hexa is not None or octal is not None:
            out.append(int(hexa, 16) if hexa is not None else int(octal, 8) & 0xFF)
        else:
            out += chr(int(small or large, 16)).encode("utf-8", "surrogatepass")
        last = found.end()
    out += body[last:].encode()
    return out.decode("utf-8", "surrogateescape")


def quote(text: str) -> str:
    """Write a string as a double-quoted literal."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(char) or (char if char.isprintable() else _hex(char)) for char in text) + '"'


def _hex(char: str) -> str:
    code = ord(char)
    if "\udc80" <= char <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{code - _RAW_BYTES:02x}"
    if char.isascii():
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if char <= "\uffff" else f"\\U{code:08x}"


def is_label_name(name: str) -> bool:
    """Tell whether a label name can be written without quotes."""
    return _LABEL.fullmatch(name) is not None
