"""Go's fmt: `Sprint`, `Sprintln` and how a value is written for a verb."""

import math
from collections.abc import Iterable
from typing import Any

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.limits import check_size
from services.common.gotemplate.number_format import Flags, format_float, format_integer, pad
from services.common.gotemplate.quoting import can_backquote, from_bytes, printable, quote, to_bytes
from services.common.gotemplate.values import (
    NIL,
    Function,
    GoValue,
    Uint8,
    element,
    fields_of,
    is_map,
    is_slice,
    to_go,
    type_name,
)

_FLOAT_PRECISION = {"e": 6, "E": 6, "f": 6, "F": 6}
_FLOAT_VERBS = "vbgGxXfFeE"
_INTEGER_BASES = {"v": 10, "d": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_STRINGER_VERBS = "vsxXq"
_MAX_RUNE = 0x10FFFF
_MAX_DEPTH = 100


class Printer:
    """Collects what is written, at most as much as a function may return."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._depth = 0
        self._erroring = False

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._parts)

    def write(self, text: str) -> None:
        """Add text; raises FunctionError when it becomes too much."""
        self._size += len(text)
        check_size(self._size)
        self._parts.append(text)

    def value(self, value: Any, verb: str, flags: Flags) -> None:
        """Write a value for a verb, at the top level."""
        value = to_go(value)
        if value is None or value is NIL:
            if verb in "Tv":
                self.write(pad("<nil>", flags))
            else:
                self.bad_verb(value, verb, flags)
        elif verb == "T":
            self.write(pad(_truncated(type_name(value), flags), flags))
        else:
            self._any(value, verb, flags)

    def bad_verb(self, value: Any, verb: str, flags: Flags) -> None:
        """Write the value as one that the verb is not for: `%!d(string=hi)`."""
        self.write(f"%!{verb}(")
        if value is None or value is NIL:
            self.write("<nil>")
        else:
            self.write(f"{type_name(value)}=")
            before, self._erroring = self._erroring, True
            self._any(value, "v", flags)
            self._erroring = before
        self.write(")")

    def _any(self, value: Any, verb: str, flags: Flags) -> None:
        if self._depth > _MAX_DEPTH:
            raise FunctionError("value is nested too deeply")
        self._depth += 1
        if not self._stringer(value, verb, flags):
            self._kind(value, verb, flags)
        self._depth -= 1

    def _stringer(self, value: Any, verb: str, flags: Flags) -> bool:
        if not isinstance(value, GoValue) or verb not in _STRINGER_VERBS or flags.sharp_v or self._erroring:
            return False
        text = value.go_string()
        if text is not None:
            self._string(text, verb, flags, value)
        return text is not None

    def _kind(self, value: Any, verb: str, flags: Flags) -> None:
        if isinstance(value, bool):
            self._put("true" if value else "false", value, verb, flags, "tv")
        elif isinstance(value, int):
            self._integer(value, verb, flags)
        elif isinstance(value, float):
            self._float(value, verb, flags)
        elif isinstance(value, complex):
            self._complex(value, verb, flags)
        elif isinstance(value, str):
            self._string(str(value), verb, flags, value)
        elif isinstance(value, bytes) and verb in "sxXq":
            self._string(from_bytes(value), verb, flags, value)
        else:
            self._container(value, verb, flags)

    def _put(self, text: str, value: Any, verb: str, flags: Flags, verbs: str) -> None:
        if verb in verbs:
            self.write(pad(text, flags))
        else:
            self.bad_verb(value, verb, flags)

    # Numbers.

    def _integer(self, value: int, verb: str, flags: Flags) -> None:
        if verb in _INTEGER_BASES:
            if verb == "v" and flags.sharp_v and isinstance(value, Uint8):
                self.write(format_integer(value, 16, Flags(sharp=True)))
                return
            self.write(format_integer(value, _INTEGER_BASES[verb], flags, upper=verb == "X", verb=verb))
        elif verb in "cq":
            rune = chr(value) if 0 <= value <= _MAX_RUNE and not 0xD800 <= value < 0xE000 else "\ufffd"  # noqa: PLR2004 (the surrogates)
            self.write(pad(rune if verb == "c" else quote(rune, ascii_only=flags.plus, mark="'"), flags))
        elif verb == "U":
            self.write(_unicode(value, flags))
        else:
            self.bad_verb(value, verb, flags)

    def _float(self, value: float, verb: str, flags: Flags) -> None:
        if verb not in _FLOAT_VERBS:
            self.bad_verb(value, verb, flags)
            return
        used = {"v": "g", "F": "f"}.get(verb, verb)
        self.write(format_float(value, used, flags, _FLOAT_PRECISION.get(verb)))

    def _complex(self, value: complex, verb: str, flags: Flags) -> None:
        if verb not in _FLOAT_VERBS:
            self.bad_verb(value, verb, flags)
            return
        self.write("(")
        self._float(value.real, verb, flags)
        plus, flags.plus = flags.plus, True
        self._float(value.imag, verb, flags)
        flags.plus = plus
        self.write("i)")

    # Text.

    def _string(self, text: str, verb: str, flags: Flags, value: Any) -> None:
        if verb == "q" or (verb == "v" and flags.sharp_v):
            text = _truncated(text, flags)
            raw = flags.sharp and can_backquote(text)
            self.write(pad(f"`{text}`" if raw else quote(text, ascii_only=flags.plus), flags))
        elif verb in "vs":
            self.write(pad(_truncated(text, flags), flags))
        elif verb in "xX":
            self.write(_hex_text(to_bytes(text), flags, upper=verb == "X"))
        else:
            self.bad_verb(value, verb, flags)

    # Maps, slices, structs.

    def _container(self, value: Any, verb: str, flags: Flags) -> None:
        fields = fields_of(value)
        if fields is not None:
            self._struct(value, fields, verb, flags)
        elif is_map(value):
            pairs = ((key, value[key]) for key in sorted_keys(value))
            self._sequence(_map_parts(pairs), verb, flags, ("map[", "]"), type_name(value))
        elif is_slice(value):
            parts = (((), (Uint8(item) if isinstance(value, bytes) else item,)) for item in value)
            self._sequence(parts, verb, flags, ("[", "]"), type_name(value))
        elif isinstance(value, Function):
            self._put("0x1", value, verb, flags, "vpbodxX")
        else:
            self.write("{}")

    def _sequence(
        self,
        parts: Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]],
        verb: str,
        flags: Flags,
        ends: tuple[str, str],
        name: str,
    ) -> None:
        self.write(f"{name}{{" if flags.sharp_v else ends[0])
        for index, (keys, items) in enumerate(parts):
            if index:
                self.write(", " if flags.sharp_v else " ")
            for key in keys:
                self._member(key, verb, flags)
                self.write(":")
            for item in items:
                self._member(item, verb, flags)
        self.write("}" if flags.sharp_v else ends[1])

    def _member(self, value: Any, verb: str, flags: Flags) -> None:
        value = element(value)
        if value is NIL:
            self.write("interface {}(nil)" if flags.sharp_v else "<nil>")
        else:
            self._any(value, verb, flags)

    def _struct(self, value: Any, fields: Any, verb: str, flags: Flags) -> None:
        pointer = "&" if value.go_pointer() else ""
        self.write(f"{pointer}{value.go_type}{{" if flags.sharp_v else f"{pointer}{{")
        for index, (name, item) in enumerate(fields.items()):
            if index:
                self.write(", " if flags.sharp_v else " ")
            if flags.plus_v or flags.sharp_v:
                self.write(f"{name}:")
            self._member(item, verb, flags)
        self.write("}")


def _map_parts(pairs: Iterable[tuple[Any, Any]]) -> Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    return (((key,), (item,)) for key, item in pairs)


def _truncated(text: str, flags: Flags) -> str:
    return text if flags.precision is None else text[: flags.precision]


def _hex_text(data: bytes, flags: Flags, *, upper: bool) -> str:
    if flags.precision is not None:
        data = data[: flags.precision]
    prefix = ("0X" if upper else "0x") if flags.sharp and data else ""
    digits = [format(byte, "02X" if upper else "02x") for byte in data]
    text = " ".join(prefix + pair for pair in digits) if flags.space else prefix + "".join(digits)
    return pad(text, flags)


def _unicode(value: int, flags: Flags) -> str:
    digits = format(value & 0xFFFFFFFFFFFFFFFF, "X").zfill(max(4, flags.precision or 0))
    shown = f" '{chr(value)}'" if flags.sharp and 0 <= value <= _MAX_RUNE and printable(chr(value)) else ""
    return pad(f"U+{digits}{shown}", flags, zero=False)


def sorted_keys(value: Any) -> list[Any]:
    """Return a map's keys in Go's order: by type, NaN before other numbers."""

    def order(key: Any) -> tuple[Any, ...]:
        if isinstance(key, str):
            return (2, to_bytes(key))
        if isinstance(key, bool):
            return (0, key)
        if isinstance(key, int | float):
            return (1, not math.isnan(key), 0 if math.isnan(key) else key)
        return (3, repr(key))

    return sorted(value, key=order)


def sprint(*args: Any) -> str:
    """Return the arguments one after the other, with a space between two that are no strings."""
    printer = Printer()
    previous_is_string = False
    for index, arg in enumerate(args):
        string = isinstance(arg, str)
        if index and not string and not previous_is_string:
            printer.write(" ")
        printer.value(arg, "v", Flags())
        previous_is_string = string
    return printer.text


def sprintln(*args: Any) -> str:
    """Return the arguments with a space between any two and a line end."""
    printer = Printer()
    for index, arg in enumerate(args):
        if index:
            printer.write(" ")
        printer.value(arg, "v", Flags())
    printer.write("\n")
    return printer.text


def as_text(*args: Any) -> str:
    """Return the arguments as actions print them: nil is `<no value>`, a pointer what it points at."""
    if len(args) == 1 and type(args[0]) is str:
        return args[0]
    return sprint(*map(_printable, args))


def _printable(value: Any) -> Any:
    if value is None:
        return "<no value>"
    return value.go_indirect() if isinstance(value, GoValue) else value
