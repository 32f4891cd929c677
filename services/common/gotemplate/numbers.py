"""Go's number literals: one text stands for an int, a uint, a float or a complex, whichever can hold it."""

import math
import re
from dataclasses import dataclass

from services.common.gotemplate.quoting import quote, unquote_char

INT_MIN, INT_MAX, UINT_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1

_INTEGER = re.compile(
    r"(?P<sign>[+-]?)(?:0[xX](?P<hex>(?:_?[0-9a-fA-F])+)|0[bB](?P<bin>(?:_?[01])+)"
    r"|0[oO](?P<oct>(?:_?[0-7])+)|0(?P<old>(?:_?[0-7])+)|(?P<dec>0|[1-9](?:_?[0-9])*))"
)
_DIGITS, _HEX = r"[0-9](?:_?[0-9])*", r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_DECIMAL = re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX_FLOAT = re.compile(rf"[+-]?0[xX](?:_?{_HEX}\.?(?:{_HEX})?|\.{_HEX})[pP][+-]?{_DIGITS}")
_BASES = {"hex": 16, "bin": 2, "oct": 8, "old": 8, "dec": 10}


@dataclass(frozen=True)
class Number:
    """A literal's values under all the types that can hold it; None where the type can't."""

    text: str
    as_int: int | None = None
    as_uint: int | None = None
    as_float: float | None = None
    as_complex: complex | None = None

    def ideal(self) -> int | float | complex | None:
        """Return the value where no type is asked for, by Go's rules for constants; None if an int overflows."""
        if self.as_complex is not None:
            return self.as_complex
        hexadecimal = self.text[:2] in {"0x", "0X"} and not set("pP") & set(self.text)
        if self.as_float is not None and not hexadecimal and self.text[0] != "'" and set(".eEpP") & set(self.text):
            return self.as_float
        return self.as_int


def parse_number(text: str, *, is_complex: bool = False) -> Number:
    """Read a literal; raises ValueError with Go's message."""
    if text.startswith("'"):
        code = unquote_char(text)
        return Number(text, code, code, float(code))
    if is_complex or text.endswith("i"):
        return _parse_complex(text)
    if (integer := parse_integer(text)) is not None and INT_MIN <= integer <= UINT_MAX:
        as_int = integer if integer <= INT_MAX else None
        signed = text[0] in "+-" and integer != 0
        return Number(text, as_int, integer if integer >= 0 and not signed else None, float(integer))
    number = parse_float(text)
    if number is None or math.isinf(number):
        raise ValueError(f"illegal number syntax: {quote(text)}")
    if not set(".eEpP") & set(text):
        raise ValueError(f"integer overflow: {quote(text)}")
    as_int, as_uint = _whole(number)
    return Number(text, as_int, as_uint, number)


def parse_integer(text: str) -> int | None:
    """Return the integer that strconv.ParseInt(text, 0, …) reads, unbounded; None if the form is another."""
    if (match := _INTEGER.fullmatch(text)) is None:
        return None
    kind = next(kind for kind in _BASES if match[kind] is not None)
    value = int(match[kind].replace("_", ""), _BASES[kind])
    return -value if match["sign"] == "-" else value


def parse_float(text: str) -> float | None:
    """Return the float that a literal stands for, infinite if it is out of range; None for another form."""
    try:
        if _HEX_FLOAT.fullmatch(text):
            return float.fromhex(text.replace("_", ""))
        return float(text.replace("_", "")) if _DECIMAL.fullmatch(text) else None
    except OverflowError:
        return math.inf


def _whole(number: float) -> tuple[int | None, int | None]:
    if not number.is_integer():
        return None, None
    whole = int(number)
    return (whole if INT_MIN <= whole <= INT_MAX else None), (whole if 0 <= whole <= UINT_MAX else None)


def _parse_complex(text: str) -> Number:
    split = max(text.rfind("+"), text.rfind("-"))
    while split > 0 and text[split - 1] in "eEpP":
        split = max(text.rfind("+", 0, split), text.rfind("-", 0, split))
    real = parse_float(text[:split]) if split > 0 else 0.0
    imaginary = parse_float(text[max(split, 0) : -1])
    if real is None or imaginary is None or not text.endswith("i"):
        raise ValueError(f"illegal number syntax: {quote(text)}")
    value = complex(real, imaginary)
    if imaginary:
        return Number(text, as_complex=value)
    return Number(text, *_whole(real), real, value)
