"""Evaluation of pipelines, commands, fields and calls, by the rules of Go's text/template."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from services.common.gotemplate.errors import FunctionError, TemplateError
from services.common.gotemplate.limits import Budget, LimitError, check_size
from services.common.gotemplate.nodes import (
    BaseNode,
    BoolNode,
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    NilNode,
    NumberNode,
    Operand,
    PipeNode,
    StringNode,
    VariableNode,
)
from services.common.gotemplate.quoting import quote
from services.common.gotemplate.values import (
    ANY,
    NIL,
    VALUE,
    Function,
    GoValue,
    assignable,
    element,
    fields_of,
    is_map,
    is_true,
    nilable,
    plain,
    static_type,
    to_go,
    type_name,
    zero_element,
)

Missing: TypeAlias = Literal["default", "zero", "error"]
"""What a map gives for a key that it lacks: nothing (`<no value>`), the zero of its elements, or an error."""


class _Absent:
    """No value comes from the pipeline's previous command."""


ABSENT = _Absent()

_SHORT_CIRCUIT = {"and": False, "or": True}


class Evaluation:
    """One execution's state: variables, the node at hand for errors, and what may still be used up."""

    def __init__(self, functions: Mapping[str, Function], builtins: Mapping[str, Function], budget: Budget) -> None:
        self._functions = functions
        self._builtins = builtins
        self.budget = budget
        self.missing: Missing = "zero"
        self.template_name = ""
        self.variables: list[tuple[str, Any]] = []
        self.node: BaseNode | None = None

    def error(self, problem: str) -> TemplateError:
        """Return an error at the node at hand."""
        node = self.node
        if node is None:
            return TemplateError(f"template: {self.template_name}: {problem}", self.template_name, 1, 0)
        line, column = node.source.locate(node.pos)
        message = (
            f"template: {node.source.name}:{line}:{column}: executing {quote(self.template_name)}"
            f" at <{node}>: {problem}"
        )
        return TemplateError(message, node.source.name, line, column)

    # Variables.

    def _index_of(self, name: str) -> int:
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                return index
        raise self.error(f"undefined variable: {name}")

    def set_variable(self, name: str, value: Any) -> None:
        """Assign to the innermost variable of that name."""
        self.variables[self._index_of(name)] = (name, value)

    # Pipelines and commands.

    def pipeline(self, dot: Any, pipe: PipeNode | None) -> Any:
        """Return a pipeline's value; the variables that it declares stay until the caller drops them."""
        if pipe is None:
            return None
        self.node = pipe
        self.budget.step()
        value: Any = ABSENT
        for command in pipe.commands:
            value = plain(self._command(dot, command, value))
        for variable in pipe.variables:
            if pipe.is_assign:
                self.set_variable(variable.names[0], value)
            else:
                self.variables.append((variable.names[0], value))
        return value

    def _command(self, dot: Any, command: CommandNode, final: Any) -> Any:
        first = command.args[0]
        match first:
            case FieldNode():
                return self._field_node(dot, first, command.args, final)
            case ChainNode():
                return self._chain(dot, first, command.args, final)
            case IdentifierNode():
                return self._function(dot, first, command, command.args, final)
            case PipeNode():
                self._no_arguments(command.args, final)
                return self.pipeline(dot, first)
            case VariableNode():
                return self._variable(dot, first, command.args, final)
        self.node = first
        self._no_arguments(command.args, final)
        if isinstance(first, NilNode):
            raise self.error("nil is not a command")
        return self._constant(dot, first)

    def _no_arguments(self, args: tuple[Operand, ...], final: Any) -> None:
        if len(args) > 1 or final is not ABSENT:
            raise self.error(f"can't give argument to non-function {args[0]}")

    def _constant(self, dot: Any, node: BoolNode | DotNode | NumberNode | StringNode) -> Any:
        match node:
            case DotNode():
                return dot
            case BoolNode():
                return node.value
            case StringNode():
                return node.text
        value = node.number.ideal()
        if value is None:
            raise self.error(f"{node} overflows int")
        return value

    # Fields and variables.

    def _field_node(self, dot: Any, node: FieldNode, args: tuple[Operand, ...], final: Any) -> Any:
        self.node = node
        return self._fields(dot, dot, node, node.names, args, final)

    def _variable(self, dot: Any, node: VariableNode, args: tuple[Operand, ...], final: Any) -> Any:
        self.node = node
        value = self.variables[self._index_of(node.names[0])][1]
        if len(node.names) == 1:
            self._no_arguments(args or (node,), final)
            return value
        return self._fields(dot, value, node, node.names[1:], args, final)

    def _chain(self, dot: Any, node: ChainNode, args: tuple[Operand, ...], final: Any) -> Any:
        self.node = node
        if isinstance(node.node, NilNode):
            raise self.error(f"indirection through explicit nil in {node}")
        receiver = self._argument(dot, VALUE, node.node)
        return self._fields(dot, receiver, node, node.names, args, final)

    def _fields(
        self, dot: Any, receiver: Any, node: BaseNode, names: tuple[str, ...], args: tuple[Operand, ...], final: Any
    ) -> Any:
        shown: str | None = None
        for name in names[:-1]:
            inner = self._field(dot, name, node, (), ABSENT, receiver, shown)
            shown = static_type(receiver, name)
            receiver = inner
        return self._field(dot, names[-1], node, args, final, receiver, shown)

    def _field(
        self,
        dot: Any,
        name: str,
        node: BaseNode,
        args: tuple[Operand, ...],
        final: Any,
        receiver: Any,
        shown: str | None,
    ) -> Any:
        """Return a field, a map's entry or what a method gives; `shown` is the receiver's type as errors name it."""
        self.budget.step()
        if receiver is None:
            if self.missing == "error":
                raise self.error(f"nil data; no entry for key {quote(name)}")
            return None
        if receiver is NIL:
            raise self.error(f"nil pointer evaluating {ANY}.{name}")
        if isinstance(receiver, GoValue) and (method := receiver.go_methods.get(name)):
            bound = Function(_bind(method.body, receiver), method.params, method.variadic)
            return self._call(dot, bound, node, name, args, final, builtin=False)
        has_arguments = len(args) > 1 or final is not ABSENT
        fields = fields_of(receiver)
        if fields is not None and name in fields:
            if has_arguments:
                raise self.error(f"{name} has arguments but cannot be invoked as function")
            return element(fields[name])
        if fields is None and is_map(receiver):
            if has_arguments:
                raise self.error(f"{name} is not a method but has arguments")
            return self._entry(receiver, name)
        raise self.error(f"can't evaluate field {name} in type {shown or type_name(receiver)}")

    def _entry(self, receiver: Mapping[str, Any], name: str) -> Any:
        if name in receiver:
            return element(receiver[name])
        if self.missing == "error":
            raise self.error(f"map has no entry for key {quote(name)}")
        return zero_element(receiver) if self.missing == "zero" else None

    # Calls.

    def _function(
        self, dot: Any, node: IdentifierNode, command: BaseNode, args: tuple[Operand, ...], final: Any
    ) -> Any:
        self.node = node
        name = node.name
        if (own := self._functions.get(name)) is not None:
            return self._call(dot, own, command, name, args, final, builtin=False)
        if (builtin := self._builtins.get(name)) is not None:
            return self._call(dot, builtin, command, name, args, final, builtin=True)
        raise self.error(f"{quote(name)} is not a defined function")

    def _call(
        self,
        dot: Any,
        called: Function,
        node: BaseNode,
        name: str,
        args: tuple[Operand, ...],
        final: Any,
        *,
        builtin: bool,
    ) -> Any:
        args = args[1:]
        count = len(args) + (final is not ABSENT)
        fixed = len(called.params) - called.variadic
        if called.variadic and count < fixed:
            raise self.error(f"wrong number of args for {name}: want at least {fixed} got {len(args)}")
        if not called.variadic and count != fixed:
            raise self.error(f"wrong number of args for {name}: want {fixed} got {count}")
        if builtin and name in _SHORT_CIRCUIT:
            return self._short_circuit(dot, args, final, stop_at=_SHORT_CIRCUIT[name])
        values = [self._argument(dot, _param(called, index), arg) for index, arg in enumerate(args)]
        if final is not ABSENT:
            values.append(self._validate(final, _param(called, len(args))))
        if builtin and name == "call":
            values.insert(0, str(args[0]) if args else str(final))
        self.budget.step()
        self.budget.handle(called.cost, *values)
        try:
            result = to_go(called.body(*values))
            if isinstance(result, str):
                check_size(len(result))
        except FunctionError as error:
            self.node = node
            raise self.error(f"error calling {name}: {error}") from error
        self.budget.handle(called.cost, result)
        return result

    def _short_circuit(self, dot: Any, args: tuple[Operand, ...], final: Any, *, stop_at: bool) -> Any:
        value: Any = None
        for arg in args:
            value = self._argument(dot, VALUE, arg)
            if is_true(value) == stop_at:
                return value
        return value if final is ABSENT else final

    def _argument(self, dot: Any, param: str, node: Operand) -> Any:
        self.node = node
        self.budget.step()
        match node:
            case DotNode():
                value = dot
            case NilNode():
                if not nilable(param):
                    raise self.error(f"cannot assign nil to {param}")
                value = None
            case FieldNode():
                value = self._field_node(dot, node, (node,), ABSENT)
            case VariableNode():
                value = self._variable(dot, node, (), ABSENT)
            case PipeNode():
                value = self.pipeline(dot, node)
            case IdentifierNode():
                value = self._function(dot, node, node, (), ABSENT)
            case ChainNode():
                value = self._chain(dot, node, (), ABSENT)
            case _:
                return self._literal(dot, param, node)
        return self._validate(value, param)

    def _literal(self, dot: Any, param: str, node: BoolNode | NumberNode | StringNode) -> Any:
        match param, node:
            case (("interface {}" | "reflect.Value"), _):
                return self._constant(dot, node)
            case "bool", BoolNode():
                return node.value
            case "string", StringNode():
                return node.text
            case "float64", NumberNode() if node.number.as_float is not None:
                return node.number.as_float
            case (("int" | "int64"), NumberNode()) if node.number.as_int is not None:
                return node.number.as_int
        if param in _EXPECTED:
            raise self.error(f"expected {_EXPECTED[param]}; found {node}")
        raise self.error(f"can't handle {node} for arg of type {param}")

    def _validate(self, value: Any, param: str) -> Any:
        """Return the value as a parameter of that type takes it."""
        if value is None:
            if nilable(param):
                return [] if param.startswith("[]") else None
            raise self.error(f"invalid value; expected {param}")
        if param == VALUE:
            return value
        if value is NIL:
            if param == ANY:
                return None
            raise self.error(f"wrong type for value; expected {param}; got {ANY}")
        if assignable(value, param):
            return value
        name = type_name(value)
        if name == f"*{param}":
            return value
        raise self.error(f"wrong type for value; expected {param}; got {name}")

    def limited(self, work: Callable[[], Any]) -> Any:
        """Run the work; a passed limit becomes a TemplateError at the node at hand."""
        try:
            return work()
        except LimitError as error:
            raise self.error(str(error)) from None
        except RecursionError:
            raise self.error("exceeded maximum nesting") from None


_EXPECTED = {"bool": "bool", "string": "string", "float64": "float", "int": "integer", "int64": "integer"}


def _param(called: Function, index: int) -> str:
    return called.params[min(index, len(called.params) - 1)]


def _bind(body: Callable[..., Any], receiver: Any) -> Callable[..., Any]:
    return lambda *args: body(receiver, *args)
