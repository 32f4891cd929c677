"""Go's values as Python's, and the names of their types.

bool, int, float, complex and str are Go's bool, int, float64, complex128 and string; bytes are []uint8; a mapping is a
map, of strings when all its values are strings, else of anything; a list or tuple is a slice; None is nil; datetime and
timedelta become time.Time and time.Duration; a dataclass is a struct of its fields. What needs more is a `GoValue`.
Templates reach nothing else: no attribute of any other object.
"""

import dataclasses
import datetime as dt
import enum
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

ANY = "interface {}"
VALUE = "reflect.Value"
"""A parameter that takes whatever stands there, nil too."""


@dataclasses.dataclass(frozen=True)
class Function:
    """A function that templates may call: its body and the Go types of its parameters, the last repeated if variadic.

    The body raises FunctionError for arguments that it can't work with.
    """

    body: Callable[..., Any]
    params: tuple[str, ...] = ()
    variadic: bool = False
    cost: int = 1
    """Steps that 256 characters of its arguments and result count as: 1 for what runs in C, 16 for loops in Python."""
    go_type: ClassVar[str] = "func()"


LOOP_COST = 16


def function(body: Callable[..., Any], *params: str, variadic: bool = False, cost: int = 1) -> Function:
    """Return a Function of those parameters."""
    return Function(body, params, variadic, cost)


class GoValue:
    """A value with a Go type of its own; subclasses say what templates may see of it."""

    go_type: str = ""
    go_methods: ClassVar[Mapping[str, Function]] = {}
    """By name; the body takes the receiver first, the parameters leave it out."""

    def go_string(self) -> str | None:
        """Return what Go's String method gives; None if the type has none."""
        return None

    def go_fields(self) -> Mapping[str, Any] | None:
        """Return the struct's fields in order; None if the type is no struct."""
        return None

    def go_json(self) -> str | None:
        """Return the text that stands for it in JSON; None if it is written by its kind."""
        return None

    def go_json_names(self) -> Mapping[str, Any] | None:
        """Return a struct's fields by their names in JSON; None for other kinds."""
        return self.go_fields()

    def go_pointer(self) -> bool:
        """Return whether templates hold a pointer to it."""
        return False

    def go_indirect(self) -> Any:
        """Return what a pointer points at, as an action prints it; a value itself."""
        return self


class GoMap(dict[str, Any], GoValue):
    """A map whose element type does not follow from its values."""

    go_type = "map[string]interface {}"


class GoList(list[Any], GoValue):
    """A slice whose type does not follow from its elements."""

    go_type = "[]interface {}"


class Uint8(int, GoValue):
    """A byte of a string."""

    go_type = "uint8"


class HTML(str, GoValue):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()
    go_type = "template.HTML"


class URL(str, GoValue):
    """Text that is a safe URL already, whatever its scheme."""

    __slots__ = ()
    go_type = "template.URL"


class _Nil:
    """A nil that was found in a map, slice or field: unlike nil itself it has a type, so it has no fields."""

    def __repr__(self) -> str:
        return "NIL"


NIL = _Nil()


class Struct(GoValue):
    """A struct made on the spot; `any_fields` are those of the type interface{}."""

    def __init__(self, go_type: str, fields: Mapping[str, Any], any_fields: frozenset[str] = frozenset()) -> None:
        self.go_type = go_type
        self.fields = fields
        self.any_fields = any_fields

    def go_fields(self) -> Mapping[str, Any]:
        """Return the fields."""
        return self.fields


Converter = Callable[[Any], Any]
_CONVERTERS: dict[type, Converter] = {}


def register_converter(kind: type, convert: Converter) -> None:
    """Have values of that Python class stand in templates as what `convert` gives."""
    _CONVERTERS[kind] = convert


def to_go(value: Any) -> Any:
    """Return the value as templates handle it."""
    if value is None or type(value) in _PLAIN or isinstance(value, GoValue):
        return value
    if isinstance(value, dt.datetime | dt.timedelta):
        return _CONVERTERS[dt.datetime if isinstance(value, dt.datetime) else dt.timedelta](value)
    if isinstance(value, enum.Enum):
        return to_go(value.value)
    for kind in (str, float, numbers.Integral):
        # Subclasses, like NumPy's, print themselves in their own way.
        if isinstance(value, kind) and not isinstance(value, bool):
            return _BASIC[kind](value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Function):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return Struct(f"struct {type(value).__name__}", fields)
    return value


_PLAIN = {str, float, int, bool, dict, list, tuple}
_BASIC: dict[type, Converter] = {str: str, float: float, numbers.Integral: int}


def element(value: Any) -> Any:
    """Return what a map, slice or field holds: a nil in it has a type."""
    value = to_go(value)
    return NIL if value is None else value


def plain(value: Any) -> Any:
    """Return the value inside an interface: a typed nil becomes nil itself."""
    return None if value is NIL else value


def is_string(value: Any) -> bool:
    """Return whether the kind is string."""
    return isinstance(value, str)


def is_int(value: Any) -> bool:
    """Return whether the kind is an integer's."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_map(value: Any) -> bool:
    """Return whether the kind is map."""
    return isinstance(value, Mapping)


def is_slice(value: Any) -> bool:
    """Return whether the kind is slice."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """Return a struct's fields; None for other kinds."""
    return value.go_fields() if isinstance(value, GoValue) else None


def type_name(value: Any) -> str:
    """Return the Go type as `%T` prints it."""
    if isinstance(value, GoValue):
        return ("*" if value.go_pointer() else "") + value.go_type
    for kind, name in _SIMPLE_TYPES:
        if isinstance(value, kind):
            return name
    if is_map(value):
        return f"map[string]{_element_type(value.values())}"
    if is_slice(value):
        return f"[]{_element_type(value)}"
    return "func()" if isinstance(value, Function) else "<nil>" if value in (None, NIL) else "struct {}"


_SIMPLE_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (complex, "complex128"),
    (str, "string"),
    (bytes, "[]uint8"),
)


def _element_type(values: Any) -> str:
    return "string" if all(type(value) is str for value in values) else ANY


def static_type(container: Any, name: str) -> str | None:
    """Return the type that the compiler knows of a field or entry where it is not the value's own; else None."""
    if isinstance(container, Struct):
        return ANY if name in container.any_fields else None
    return ANY if is_map(container) and type_name(container).endswith(ANY) else None


def zero_element(value: Any) -> Any:
    """Return the zero value of a map's elements."""
    return "" if type_name(value) in STRING_MAPS else NIL


STRING_MAPS = {"map[string]string", "template.KV"}


def is_true(value: Any) -> bool:
    """Return Go's truth: not the zero of its type; a struct is always true."""
    value = plain(value)
    if isinstance(value, GoValue) and (value.go_pointer() or value.go_fields() is not None):
        return True
    if isinstance(value, float) and value != value:  # noqa: PLR0124 (NaN is not zero)
        return True
    return bool(value) if not isinstance(value, Function) else True


def assignable(value: Any, param: str) -> bool:
    """Return whether a value may be passed as a parameter of that type."""
    if param in {ANY, VALUE}:
        return True
    name = type_name(value)
    if name == param:
        return True
    if is_slice(value) and type(value) in {list, tuple}:
        return param == f"[]{ANY}" or (param == "[]string" and all(type(item) is str for item in value))
    return param in STRING_MAPS and name in STRING_MAPS


def nilable(param: str) -> bool:
    """Return whether nil may be passed as a parameter of that type."""
    return param in {ANY, VALUE} or param.startswith(("[]", "map[", "*")) or param in _NILABLE


_NILABLE = {"template.queryResult", "template.KV"}
