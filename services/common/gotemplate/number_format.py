"""How Go's fmt writes numbers."""

import math
from dataclasses import dataclass

_SHORTEST_MIN_EXPONENT, _SHORTEST_MAX_EXPONENT = -4, 6
_MANTISSA_BITS = 52
_MIN_EXPONENT = -1074


@dataclass(slots=True)
class Flags:
    """What stands between `%` and the verb."""

    width: int | None = None
    precision: int | None = None
    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    plus_v: bool = False
    sharp_v: bool = False


def pad(text: str, flags: Flags, *, zero: bool | None = None) -> str:
    """Return the text padded to the width; with zeros only on the left."""
    if not flags.width:
        return text
    if flags.minus:
        return text.ljust(flags.width)
    return text.rjust(flags.width, "0" if (flags.zero if zero is None else zero) else " ")


def format_integer(value: int, base: int, flags: Flags, *, upper: bool = False, verb: str = "d") -> str:
    """Return an integer in base 2, 8, 10 or 16."""
    digits = format(abs(value), {2: "b", 8: "o", 10: "d", 16: "X" if upper else "x"}[base])
    precision = flags.precision
    if precision == 0 and value == 0:
        return " " * (flags.width or 0)
    if precision is None and flags.zero and not flags.minus and flags.width is not None:
        precision = flags.width - (value < 0 or flags.plus or flags.space)
    digits = digits.zfill(precision or 0)
    if flags.sharp:
        digits = {2: "0b", 8: "" if digits[0] == "0" else "0", 10: "", 16: "0X" if upper else "0x"}[base] + digits
    if verb == "O":
        digits = "0o" + digits
    sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
    return pad(sign + digits, flags, zero=False)


def shortest_digits(value: float) -> tuple[str, int]:
    """Return the fewest decimal digits that read back as this number, and the exponent of the first."""
    mantissa, _, exponent = float.__repr__(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    shift = int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    digits = digits.rstrip("0") or "0"
    if digits == "0":
        return "0", 0
    return digits, len(whole) - 1 - leading + shift


def float_text(value: float, verb: str, precision: int | None) -> str:
    """Return strconv.FormatFloat(value, verb, precision or -1, 64) of verbs b e E f g G x X."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1, value) < 0 else ""
    value = abs(value)
    lower = verb.lower()
    if lower == "x":
        text = sign + _hexadecimal(value, precision)
    elif lower == "b":
        text = sign + _binary(value)
    elif precision is not None:
        text = sign + format(value, f".{precision}{lower}")
    else:
        text = sign + _shortest(value, lower)
    return text.upper() if verb.isupper() else text


def _shortest(value: float, verb: str) -> str:
    digits, exponent = shortest_digits(value)
    if verb == "g" and _SHORTEST_MIN_EXPONENT <= exponent < _SHORTEST_MAX_EXPONENT:
        verb = "f"
    if verb == "f":
        if exponent < 0:
            return "0." + "0" * (-exponent - 1) + digits
        whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
        return f"{whole}.{fraction}" if fraction else whole
    point = "." if len(digits) > 1 else ""
    return f"{digits[0]}{point}{digits[1:]}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _binary(value: float) -> str:
    mantissa, exponent = math.frexp(value)
    if value == 0:
        return f"0p{_MIN_EXPONENT:+d}"
    shift = max(exponent - _MANTISSA_BITS - 1, _MIN_EXPONENT)
    return f"{int(math.ldexp(mantissa, exponent - shift))}p{shift:+d}"


def _hexadecimal(value: float, precision: int | None) -> str:
    if value == 0:
        mantissa, exponent = 0, 0
    else:
        _, exponent = math.frexp(value)
        exponent -= 1
        mantissa = int(math.ldexp(value, _MANTISSA_BITS - exponent)) if exponent > -1000 else _small(value, exponent)  # noqa: PLR2004 (ldexp's scale would overflow below)
    digits = _MANTISSA_BITS // 4
    if precision is not None and precision < digits:
        drop = 4 * (digits - precision)
        half, rest = 1 << (drop - 1), mantissa & ((1 << drop) - 1)
        mantissa >>= drop
        mantissa += rest > half or (rest == half and mantissa & 1)
        if mantissa >> (4 * precision) > 1:
            mantissa, exponent = mantissa >> 1, exponent + 1
        digits = precision
    fraction = format(mantissa & ((1 << (4 * digits)) - 1), "x").zfill(digits) if digits else ""
    fraction = fraction.rstrip("0") if precision is None else fraction.ljust(precision, "0")
    point = f".{fraction}" if fraction else ""
    return f"0x{mantissa >> (4 * digits)}{point}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _small(value: float, exponent: int) -> int:
    return int(math.ldexp(math.ldexp(value, 600), _MANTISSA_BITS - exponent - 600))


def format_float(value: float, verb: str, flags: Flags, default: int | None) -> str:
    """Return a float for a verb of %b %e %E %f %g %G %x %X, with sign, point and padding as the flags ask."""
    precision = flags.precision if flags.precision is not None else default
    number = float_text(value, verb, precision)
    sign, number = (number[0], number[1:]) if number[0] in "+-" else ("+", number)
    shown = "-" if sign == "-" else "+" if flags.plus else " " if flags.space else ""
    if not math.isfinite(value):
        if number == "Inf" and not shown:
            shown = "+"
        return pad(shown + number, flags, zero=False)
    if flags.sharp and verb != "b":
        number = _with_point(number, verb, precision)
    if shown and flags.zero and not flags.minus and flags.width:
        return shown + number.rjust(flags.width - 1, "0")
    return pad(shown + number, flags)


def _with_point(number: str, verb: str, precision: int | None) -> str:
    """Return the number with a decimal point and the zeros that %g would drop."""
    mark = "p" if verb in "xX" else "e"
    if verb.isupper():
        mark = mark.upper()
    head, found, tail = number.partition(mark)
    missing = 0
    if verb in "gGx":
        significant = head.replace(".", "").lstrip("0")
        missing = (6 if precision is None else precision) - len(significant)
        if head == "0":
            missing -= 1
    if "." not in head:
        head += "."
    return head + "0" * max(missing, 0) + found + tail
