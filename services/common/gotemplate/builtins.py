"""The functions that every Go template has."""

from itertools import pairwise
from typing import Any

from services.common.gotemplate.compare import equal, greater, greater_or_equal, less, less_or_equal, not_equal
from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.escape import escape_html, escape_js, escape_query
from services.common.gotemplate.printer import as_text, sprint, sprintln
from services.common.gotemplate.printf import sprintf
from services.common.gotemplate.quoting import from_bytes, to_bytes
from services.common.gotemplate.values import (
    ANY,
    LOOP_COST,
    NIL,
    VALUE,
    Function,
    Uint8,
    assignable,
    element,
    fields_of,
    function,
    is_int,
    is_map,
    is_slice,
    is_true,
    nilable,
    plain,
    type_name,
    zero_element,
)

_MAX_SLICE_INDEXES = 3


def _index_number(value: Any, capacity: int) -> int:
    if value is None:
        raise FunctionError("cannot index slice/array with nil")
    if not is_int(value):
        raise FunctionError(f"cannot index slice/array with type {type_name(value)}")
    if not 0 <= value <= capacity:
        raise FunctionError(f"index out of range: {value}")
    return int(value)


def _index(item: Any, *indexes: Any) -> Any:
    item = plain(item)
    if item is None:
        raise FunctionError("index of untyped nil")
    for raw in indexes:
        index = plain(raw)
        if item is NIL:
            raise FunctionError("index of nil pointer")
        if isinstance(item, str | bytes):
            data = to_bytes(item) if isinstance(item, str) else item
            item = Uint8(_at(data, index, "string" if isinstance(item, str) else "slice"))
        elif is_slice(item):
            item = element(_at(item, index, "slice"))
        elif is_map(item) and fields_of(item) is None:
            item = _entry(item, index)
        else:
            raise FunctionError(f"can't index item of type {type_name(item)}")
    return item


def _at(items: Any, index: Any, kind: str) -> Any:
    number = _index_number(index, len(items))
    if number == len(items):
        raise FunctionError(f"reflect: {kind} index out of range")
    return items[number]


def _entry(item: Any, index: Any) -> Any:
    if index is None:
        raise FunctionError("value is nil; should be of type string")
    if type_name(index) != "string":
        raise FunctionError(f"value has type {type_name(index)}; should be string")
    return element(item[index]) if index in item else zero_element(item)


def _slice(item: Any, *indexes: Any) -> Any:
    item = plain(item)
    if item is None:
        raise FunctionError("slice of untyped nil")
    if len(indexes) > _MAX_SLICE_INDEXES:
        raise FunctionError(f"too many slice indexes: {len(indexes)}")
    is_text = isinstance(item, str)
    if is_text and len(indexes) == _MAX_SLICE_INDEXES:
        raise FunctionError("cannot 3-index slice a string")
    if not is_text and not is_slice(item):
        raise FunctionError(f"can't slice item of type {type_name(item)}")
    items = to_bytes(item) if is_text else item
    found = [_index_number(plain(index), len(items)) for index in indexes]
    bounds = [0, len(items), *found[2:]]
    bounds[: len(found)] = found
    for low, high in pairwise(bounds):
        if low > high:
            raise FunctionError(f"invalid slice index: {low} > {high}")
    part = items[bounds[0] : bounds[1]]
    return from_bytes(part) if is_text else part


def _length(item: Any) -> int:
    if item is None:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    if item is NIL:
        raise FunctionError("len of nil pointer")
    if isinstance(item, str):
        return len(to_bytes(item))
    if (is_map(item) or is_slice(item)) and fields_of(item) is None:
        return len(item)
    raise FunctionError(f"len of type {type_name(item)}")


def _call(name: str, called: Any, *args: Any) -> Any:
    called = plain(called)
    if called is None:
        raise FunctionError("call of nil")
    if not isinstance(called, Function):
        raise FunctionError(f"non-function {name} of type {type_name(called)}")
    fixed = len(called.params) - called.variadic
    if len(args) < fixed or (len(args) > fixed and not called.variadic):
        wanted = f"want at least {fixed}" if called.variadic else f"want {fixed}"
        raise FunctionError(f"wrong number of args for {name}: got {len(args)} {wanted}")
    for index, arg in enumerate(args):
        param = called.params[min(index, len(called.params) - 1)]
        if plain(arg) is None and not nilable(param):
            raise FunctionError(f"arg {index}: value is nil; should be of type {param}")
        if plain(arg) is not None and not assignable(arg, param):
            raise FunctionError(f"arg {index}: value has type {type_name(arg)}; should be {param}")
    return called.body(*map(plain, args))


def _unreachable(*_args: Any) -> Any:
    raise FunctionError("is evaluated by the executor, which stops at the first argument that decides")


BUILTINS: dict[str, Function] = {
    "and": function(_unreachable, VALUE, VALUE, variadic=True),
    "call": function(_call, VALUE, VALUE, variadic=True),
    "eq": function(equal, VALUE, VALUE, variadic=True),
    "ge": function(greater_or_equal, VALUE, VALUE),
    "gt": function(greater, VALUE, VALUE),
    "html": function(lambda *args: escape_html(as_text(*args)), ANY, variadic=True, cost=LOOP_COST),
    "index": function(_index, VALUE, VALUE, variadic=True),
    "js": function(lambda *args: escape_js(as_text(*args)), ANY, variadic=True, cost=LOOP_COST),
    "le": function(less_or_equal, VALUE, VALUE),
    "len": function(_length, VALUE),
    "lt": function(less, VALUE, VALUE),
    "ne": function(not_equal, VALUE, VALUE),
    "not": function(lambda value: not is_true(value), VALUE),
    "or": function(_unreachable, VALUE, VALUE, variadic=True),
    "print": function(sprint, ANY, variadic=True, cost=LOOP_COST),
    "printf": function(sprintf, "string", ANY, variadic=True, cost=LOOP_COST),
    "println": function(sprintln, ANY, variadic=True, cost=LOOP_COST),
    "slice": function(_slice, VALUE, VALUE, variadic=True),
    "urlquery": function(lambda *args: escape_query(as_text(*args)), ANY, variadic=True, cost=LOOP_COST),
}
"""By name; `and` and `or` stand here for their parameters."""
