"""The comparisons of Go's templates: `eq ne lt le gt ge`."""

import operator
from typing import Any

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.number_format import Flags
from services.common.gotemplate.printer import Printer
from services.common.gotemplate.values import Function, GoValue, Uint8, is_map, is_slice, plain, type_name


def _kind(value: Any) -> str:
    if isinstance(value, GoValue) and value.go_pointer():
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Uint8):
        return "uint"
    for kind, name in ((int, "int"), (float, "float"), (complex, "complex"), (str, "string")):
        if isinstance(value, kind):
            return name
    return ""


def _complex_kind(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, GoValue) and value.go_pointer():
        return "pointer"
    if is_map(value) or is_slice(value):
        return "map" if is_map(value) else "slice"
    return "func" if isinstance(value, Function) else "struct"


def _incompatible(left: Any, right: Any) -> FunctionError:
    return FunctionError(f"incompatible types for comparison: {type_name(left)} and {type_name(right)}")


def equal(first: Any, *others: Any) -> bool:
    """Return whether the first equals any of the others; raises FunctionError for types that don't compare."""
    first = plain(first)
    if not others:
        raise FunctionError("missing argument for comparison")
    return any(_equal(first, plain(other)) for other in others)


def _equal(left: Any, right: Any) -> bool:
    left_kind, right_kind = _kind(left), _kind(right)
    if left_kind != right_kind:
        if {left_kind, right_kind} == {"int", "uint"}:
            return bool(left == right)
        if left is not None and right is not None:
            raise _incompatible(left, right)
        return False
    if left_kind:
        return bool(left == right)
    if left is None or right is None:
        return left is right
    if _complex_kind(left) != _complex_kind(right):
        raise FunctionError(
            f"non-comparable types {_shown(left)}: {type_name(left)}, {type_name(right)}: {_shown(right, 'v')}"
        )
    if _complex_kind(left) == "pointer":
        return left is right
    if _complex_kind(left) != "struct":
        raise FunctionError(f"non-comparable type {_shown(right)}: {type_name(right)}")
    return bool(left == right)


def _shown(value: Any, verb: str = "s") -> str:
    printer = Printer()
    printer.value(value, verb, Flags())
    return printer.text


def not_equal(left: Any, right: Any) -> bool:
    """Return the contrary of `equal`."""
    return not equal(left, right)


def less(left: Any, right: Any) -> bool:
    """Return whether left is less; raises FunctionError for types without order or of different kinds."""
    left, right = plain(left), plain(right)
    left_kind, right_kind = _kind(left), _kind(right)
    if not left_kind or not right_kind:
        raise FunctionError("invalid type for comparison")
    if left_kind != right_kind and {left_kind, right_kind} != {"int", "uint"}:
        raise _incompatible(left, right)
    if left_kind in {"bool", "complex"}:
        raise FunctionError("invalid type for comparison")
    if left_kind == "string":
        return str(left) < str(right)
    return bool(operator.lt(left, right))


def less_or_equal(left: Any, right: Any) -> bool:
    """Return whether left is less or equal."""
    return less(left, right) or equal(left, right)


def greater(left: Any, right: Any) -> bool:
    """Return the contrary of `less_or_equal`, as Go does, so NaN is greater than all."""
    return not less_or_equal(left, right)


def greater_or_equal(left: Any, right: Any) -> bool:
    """Return the contrary of `less`."""
    return not less(left, right)
