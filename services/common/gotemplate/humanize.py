"""Numbers, durations and times for people, as Prometheus writes them."""

import math
from typing import Any

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.gotime import Duration, Time
from services.common.gotemplate.number_format import float_text
from services.common.gotemplate.numbers import parse_float
from services.common.gotemplate.quoting import quote
from services.common.gotemplate.values import is_int, type_name

_UP = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_UP_1024 = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_DOWN = ("m", "u", "n", "p", "f", "a", "z", "y")
_NANO = 10**9
_INT64_MAX, _INT64_MIN = 2.0**63, -(2.0**63)
_SPECIAL = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}


def to_float(value: Any) -> float:
    """Return the number that a float, an integer or a text is, as strconv.ParseFloat reads it; raises FunctionError."""
    if isinstance(value, Duration):
        return value / _NANO
    if isinstance(value, float):
        return value
    if is_int(value) and type_name(value) != "uint8":
        return float(value)
    if type_name(value) != "string":
        raise FunctionError(f"can't convert {type_name(value)} to float")
    return _parse(value)


def _parse(text: str) -> float:
    unsigned = text[1:] if text[:1] in {"+", "-"} else text
    special = _SPECIAL.get(unsigned.lower())
    if special is not None and (special == math.inf or text == unsigned):
        return -special if text.startswith("-") else special
    number = parse_float(text)
    if number is None:
        raise FunctionError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    if math.isinf(number):
        raise FunctionError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return number


def _general(value: float) -> str:
    return float_text(value, "g", 4)


def _scaled(value: float, base: float, prefixes: tuple[str, ...], *, up: bool) -> str:
    prefix = ""
    for candidate in prefixes:
        if (abs(value) < base) if up else (abs(value) >= 1):
            break
        prefix = candidate
        value = value / base if up else value * base
    return _general(value) + prefix


def humanize(given: Any) -> str:
    """Return a number with a metric prefix: 1234567 gives `1.235M`."""
    value = to_float(given)
    if value == 0 or not math.isfinite(value):
        return _general(value)
    up = abs(value) >= 1
    return _scaled(value, 1000, _UP if up else _DOWN, up=up)


def humanize_1024(given: Any) -> str:
    """Return a number with a prefix of powers of 1024: 1048576 gives `1Mi`."""
    value = to_float(given)
    if abs(value) <= 1 or not math.isfinite(value):
        return _general(value)
    return _scaled(value, 1024, _UP_1024, up=True)


def humanize_duration(given: Any) -> str:
    """Return seconds in days, hours, minutes and seconds: 3661 gives `1h 1m 1s`."""
    value = to_float(given)
    if not math.isfinite(value):
        return _general(value)
    if value == 0:
        return f"{_general(value)}s"
    if abs(value) < 1:
        return f"{_scaled(value, 1000, _DOWN, up=False)}s"
    sign = "-" if value < 0 else ""
    value = abs(value)
    # Go's conversion of what is too large for an int64 gives the smallest one.
    whole = int(value) if value < _INT64_MAX else -(1 << 63)
    minutes, seconds = _divmod(whole, 60)
    hours, minutes = _divmod(minutes, 60)
    days, hours = _divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    while parts and parts[0][0] == 0:
        del parts[0]
    if len(parts) > 1:
        return sign + " ".join(f"{count}{unit}" for count, unit in parts)
    return f"{sign}{_general(value)}s"


def _divmod(value: int, by: int) -> tuple[int, int]:
    """Divide as Go does, towards zero."""
    quotient = abs(value) // by * (1 if value >= 0 else -1)
    return quotient, value - quotient * by


def humanize_percentage(given: Any) -> str:
    """Return a ratio as a percentage: 0.1234 gives `12.34%`."""
    return f"{_general(to_float(given) * 100)}%"


def humanize_timestamp(given: Any) -> str:
    """Return a Unix time as Go prints it: `2015-06-23 13:19:44.128 +0000 UTC`."""
    value = to_float(given)
    return str(to_time(value).go_string()) if math.isfinite(value) else _general(value)


def to_time(given: Any) -> Time:
    """Return the time of a Unix time in seconds, to the millisecond; raises FunctionError for one out of range."""
    value = to_float(given)
    if not math.isfinite(value):
        raise FunctionError("value is NaN or Inf")
    nanoseconds = value * 1e9
    if not _INT64_MIN <= nanoseconds <= _INT64_MAX:
        shown = float_text(value, "g", None)
        raise FunctionError(f"{shown} cannot be represented as a nanoseconds timestamp since it overflows int64")
    milliseconds, _ = _divmod(min(int(nanoseconds), (1 << 63) - 1), 1_000_000)
    return Time(milliseconds * 1_000_000, pointer=True)


def to_duration(given: Any) -> Duration:
    """Return the duration of that many seconds."""
    nanoseconds = to_float(given) * 1e9
    in_range = _INT64_MIN <= nanoseconds < _INT64_MAX
    return Duration.pointer(int(nanoseconds) if in_range else -(1 << 63))
