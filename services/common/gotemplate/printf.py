"""Go's fmt.Sprintf."""

import re
from typing import Any

from services.common.gotemplate.limits import check_size
from services.common.gotemplate.number_format import Flags
from services.common.gotemplate.printer import Printer
from services.common.gotemplate.values import NIL, is_int, type_name

_FLAGS = re.compile(r"[#0+\- ]*")
_DIGITS = re.compile(r"[0-9]+")
_MAX_NUMBER = 1_000_000
_MIN_INDEX = 3


def sprintf(text: str, *args: Any) -> str:
    """Return the arguments written as the format says, mistakes included: `%!d(string=hi)`, `%!s(MISSING)`."""
    return _Format(text, args).run()


class _Format:
    def __init__(self, text: str, args: tuple[Any, ...]) -> None:
        self._text = text
        self._args = args
        self._pos = 0
        self._arg = 0
        self._reordered = False
        self._good_index = True
        self._after_index = False
        self._out = Printer()

    def run(self) -> str:
        while self._pos < len(self._text):
            percent = self._text.find("%", self._pos)
            end = percent if percent >= 0 else len(self._text)
            self._out.write(self._text[self._pos : end])
            self._pos = end + 1
            if percent >= 0:
                self._verb()
        if not self._reordered and self._arg < len(self._args):
            self._extra()
        return self._out.text

    def _peek(self, char: str) -> bool:
        return self._text.startswith(char, self._pos)

    def _verb(self) -> None:
        self._good_index, self._after_index = True, False
        flags = self._flags()
        self._index()
        self._width(flags)
        # A point that ends the format is a verb, not a precision.
        if self._peek(".") and self._pos + 1 < len(self._text):
            self._precision(flags)
        if not self._after_index:
            self._index()
        if self._pos >= len(self._text):
            self._out.write("%!(NOVERB)")
            return
        verb = self._text[self._pos]
        self._pos += 1
        self._print(verb, flags)

    def _print(self, verb: str, flags: Flags) -> None:
        if verb == "%":
            self._out.write("%")
        elif not self._good_index:
            self._out.write(f"%!{verb}(BADINDEX)")
        elif self._arg >= len(self._args):
            self._out.write(f"%!{verb}(MISSING)")
        else:
            if verb in "vw":
                flags.sharp_v, flags.sharp = flags.sharp, False
                flags.plus_v, flags.plus = flags.plus, False
            value = self._args[self._arg]
            self._arg += 1
            if verb == "w":
                self._out.bad_verb(value, verb, flags)
            else:
                self._out.value(value, verb, flags)

    def _flags(self) -> Flags:
        match = _FLAGS.match(self._text, self._pos)
        found = match[0] if match else ""
        self._pos += len(found)
        return Flags(minus="-" in found, plus="+" in found, sharp="#" in found, space=" " in found, zero="0" in found)

    def _index(self) -> None:
        """Read an explicit argument index like `[2]`."""
        self._after_index = False
        if not self._peek("["):
            return
        self._reordered = True
        rest = self._text[self._pos :]
        close = rest.find("]")
        if len(rest) < _MIN_INDEX or close < 0:
            self._good_index = False
            self._pos += 1
            return
        self._pos += close + 1
        inside = rest[1:close]
        number = int(inside) if _DIGITS.fullmatch(inside) and len(inside) < 8 else None  # noqa: PLR2004 (beyond Go's largest width)
        self._after_index = number is not None
        if number is not None and 0 < number <= len(self._args):
            self._arg = number - 1
        else:
            self._good_index = False

    def _width(self, flags: Flags) -> None:
        if self._peek("*"):
            self._pos += 1
            flags.width = self._int_argument()
            if flags.width is None:
                self._out.write("%!(BADWIDTH)")
            elif flags.width < 0:
                flags.width, flags.minus, flags.zero = -flags.width, True, False
            self._after_index = False
            return
        flags.width = self._number()
        if self._after_index and flags.width is not None:
            self._good_index = False

    def _precision(self, flags: Flags) -> None:
        self._pos += 1
        if self._after_index:
            self._good_index = False
        self._index()
        if not self._peek("*"):
            flags.precision = self._number() or 0
            return
        self._pos += 1
        flags.precision = self._int_argument()
        if flags.precision is not None and flags.precision < 0:
            flags.precision = None
        if flags.precision is None:
            self._out.write("%!(BADPREC)")
        self._after_index = False

    def _number(self) -> int | None:
        match = _DIGITS.match(self._text, self._pos)
        if match is None:
            return None
        # Go looks before it takes the last digit.
        if len(match[0]) > len(str(_MAX_NUMBER)) + 1 or int(match[0][:-1] or "0") > _MAX_NUMBER:
            self._pos = len(self._text)
            return None
        self._pos = match.end()
        number = int(match[0])
        check_size(number)
        return number

    def _int_argument(self) -> int | None:
        if self._arg >= len(self._args):
            return None
        value = self._args[self._arg]
        self._arg += 1
        return int(value) if is_int(value) and abs(value) <= _MAX_NUMBER else None

    def _extra(self) -> None:
        self._out.write("%!(EXTRA ")
        for index, value in enumerate(self._args[self._arg :]):
            if index:
                self._out.write(", ")
            if value is None or value is NIL:
                self._out.write("<nil>")
            else:
                self._out.write(f"{type_name(value)}=")
                self._out.value(value, "v", Flags())
        self._out.write(")")
