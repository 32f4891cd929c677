"""Go's json.Marshal of what templates hold."""

import base64
import json
import math
from typing import Any

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.limits import check_size
from services.common.gotemplate.number_format import float_text, shortest_digits
from services.common.gotemplate.printer import sorted_keys
from services.common.gotemplate.quoting import to_bytes
from services.common.gotemplate.values import NIL, Function, GoValue, is_map, is_slice, to_go, type_name

_TABLE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_MIN_EXPONENT, _MAX_EXPONENT = -6, 21
_MAX_DEPTH = 100


def to_json(value: Any) -> str:
    """Return the value as JSON: sorted keys, `<`, `>` and `&` escaped; raises FunctionError for what JSON lacks."""
    writer = _Writer()
    writer.value(value, 0)
    return "".join(writer.parts)


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._size = 0

    def _put(self, text: str) -> None:
        self._size += len(text)
        check_size(self._size)
        self.parts.append(text)

    def value(self, raw: Any, depth: int) -> None:
        value = to_go(raw)
        if depth > _MAX_DEPTH:
            raise FunctionError("json: value is nested too deeply")
        if value is None or value is NIL:
            self._put("null")
        elif isinstance(value, GoValue) and (text := value.go_json()) is not None:
            self._put(_string(text))
        elif isinstance(value, bool):
            self._put("true" if value else "false")
        elif isinstance(value, int):
            self._put(str(int(value)))
        elif isinstance(value, float):
            self._put(_number(value))
        elif isinstance(value, str):
            self._put(_string(value))
        else:
            self._container(value, depth)

    def _container(self, value: Any, depth: int) -> None:
        names = value.go_json_names() if isinstance(value, GoValue) else None
        if names is not None:
            self._object(names, depth)
        elif isinstance(value, bytes):
            self._put(f'"{base64.b64encode(value).decode()}"')
        elif is_map(value):
            self._object({str(key): value[key] for key in sorted_keys(value)}, depth)
        elif is_slice(value):
            self._put("[")
            for index, item in enumerate(value):
                if index:
                    self._put(",")
                self.value(item, depth + 1)
            self._put("]")
        elif isinstance(value, complex | Function):
            raise FunctionError(f"json: unsupported type: {type_name(value)}")
        else:
            self._put("{}")

    def _object(self, entries: Any, depth: int) -> None:
        self._put("{")
        for index, (name, item) in enumerate(entries.items()):
            self._put(("," if index else "") + _string(name) + ":")
            self.value(item, depth + 1)
        self._put("}")


def _string(text: str) -> str:
    plain = to_bytes(text).decode("utf-8", "replace")
    return json.dumps(plain, ensure_ascii=False).translate(_TABLE)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise FunctionError(f"json: unsupported value: {float_text(value, 'g', None)}")
    _, exponent = shortest_digits(value)
    if value == 0 or _MIN_EXPONENT <= exponent < _MAX_EXPONENT:
        return float_text(value, "f", None)
    return float_text(value, "e", None).replace("e-0", "e-")
