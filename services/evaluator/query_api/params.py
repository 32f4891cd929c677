"""Parameters of Prometheus' HTTP API, from the address or a posted form."""

import math
import re
import sys
from collections.abc import Sequence
from datetime import datetime

from aiohttp import web
from multidict import MultiDict

from services.common.durations import parse_duration
from services.evaluator.promql import Matcher, PromqlError, parse
from services.evaluator.promql.ast import Selector, unwrap

_LARGEST_SECONDS = 9.2e15
_DIGITS = 18
_ESCAPED = "U__"
_CODE = re.compile(r"_(?:(_)|([0-9a-fA-F]{1,6})_)|[^_]+|(_)")
_SURROGATES = range(0xD800, 0xE000)


class ApiError(Exception):
    """An answer other than success; `kind` is one of Prometheus' error types."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text = kind, text


class Params:
    """All parameters of a request; complaints are Prometheus'."""

    def __init__(self, values: MultiDict[str]) -> None:
        self._values = values

    @classmethod
    async def of(cls, request: web.Request) -> "Params":
        """Read address and form; form values come first, as in Go."""
        values: MultiDict[str] = MultiDict()
        if request.method == "POST":
            values.extend((key, value) for key, value in (await request.post()).items() if isinstance(value, str))
        values.extend(request.query)
        return cls(values)

    def text(self, name: str, default: str = "") -> str:
        """Return the first value."""
        return self._values.get(name, default)

    def all(self, name: str) -> list[str]:
        """Return all values."""
        return list(self._values.getall(name, []))

    def time_ms(self, name: str, default: int) -> int:
        """Return a time in milliseconds; raises ApiError."""
        text = self.text(name)
        return default if not text else parse_time(text, name)

    def needed_time_ms(self, name: str) -> int:
        """Return a time that must be given; raises ApiError."""
        return parse_time(self.text(name), name)

    def seconds(self, name: str, default: float | None = None) -> float:
        """Return a duration in seconds; raises ApiError."""
        text = self.text(name)
        if not text and default is not None:
            return default
        try:
            value = float(text)
        except ValueError:
            try:
                return parse_duration(text)
            except ValueError:
                raise bad(name, f"cannot parse {quoted(text)} to a valid duration") from None
        if not math.isfinite(value):
            raise bad(name, f"cannot parse {quoted(text)} to a valid duration. It overflows int64")
        return value

    def count(self, name: str) -> int:
        """Return a whole number of at least 0, 0 where it is not given; raises ApiError."""
        text = self.text(name)
        if not text:
            return 0
        if not (text.isascii() and text.isdigit()):
            raise bad(name, "limit must be non-negative" if text.startswith("-") else f"{quoted(text)} is no number")
        return int(text[:_DIGITS])


def quoted(text: str) -> str:
    """Return the text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def bad(name: str, text: str) -> ApiError:
    """Return the error for a bad parameter."""
    return ApiError("bad_data", f'invalid parameter "{name}": {text}')


def parse_text(error: PromqlError) -> str:
    """Return a syntax error's text as Prometheus writes it, `1:3: parse error: …`."""
    place = f"{error.line}:{error.column}: " if error.line else ""
    return f"{place}parse error: {error.message}"


def label_name(text: str) -> str:
    """Return the label that a path names; `U__` begins a name whose odd letters are codes (`U__a_2e_b` is `a.b`).

    A code that is none leaves the text as it is, as in prometheus/common's UnescapeName. Raises ApiError for no name.
    """
    name = text
    if text.startswith(_ESCAPED):
        parts = list(_CODE.finditer(text.removeprefix(_ESCAPED)))
        codes = [int(part[2], 16) for part in parts if part[2]]
        if not any(part[3] or part[0] == "_" for part in parts) and not any(
            code in _SURROGATES or code > sys.maxunicode for code in codes
        ):
            name = "".join("_" if part[1] else chr(int(part[2], 16)) if part[2] else part[0] for part in parts)
    if not name:
        raise ApiError("bad_data", f"invalid label name: {quoted(text)}")
    return name


def parse_time(text: str, name: str) -> int:
    """Return the milliseconds of a Unix time in seconds or an RFC 3339 time; raises ApiError."""
    try:
        value = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise bad(name, f"cannot parse {quoted(text)} to a valid timestamp") from None
        if moment.tzinfo is None:
            raise bad(name, f"cannot parse {quoted(text)} to a valid timestamp") from None
        return round(moment.timestamp() * 1000)
    if not math.isfinite(value) or abs(value) > _LARGEST_SECONDS:
        raise bad(name, f"cannot parse {quoted(text)} to a valid timestamp")
    return round(value * 1000)


def parse_matchers(texts: Sequence[str]) -> list[tuple[Matcher, ...]]:
    """Return the matchers of each series selector; raises ApiError."""
    found = []
    for text in texts:
        try:
            expr = unwrap(parse(text))
        except PromqlError as error:
            raise bad("match[]", parse_text(error)) from error
        if not isinstance(expr, Selector) or expr.offset or expr.at is not None:
            raise bad("match[]", f"{quoted(text)} is not a series selector")
        found.append(expr.matchers)
    return found
