"""The parsed template; `str()` of a node is its source as Go prints it in errors.

`pos` counts characters from the start of the text that the node's `source` holds.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from services.common.gotemplate.numbers import Number
from services.common.gotemplate.quoting import quote, to_bytes


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed text and the name that errors give it."""

    name: str
    text: str

    def locate(self, pos: int) -> tuple[int, int]:
        """Return the 1-based line and the 0-based column in bytes."""
        before = self.text[:pos]
        start = before.rfind("\n") + 1
        return before.count("\n") + 1, len(to_bytes(before[start:]))


@dataclass(slots=True, eq=False)
class BaseNode:
    """Where a node stands."""

    source: Source = field(repr=False)
    pos: int


@dataclass(slots=True, eq=False)
class TextNode(BaseNode):
    """Text that is written as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True, eq=False)
class BoolNode(BaseNode):
    """`true` or `false`."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(slots=True, eq=False)
class NumberNode(BaseNode):
    """A number or character literal."""

    number: Number

    def __str__(self) -> str:
        return self.number.text


@dataclass(slots=True, eq=False)
class StringNode(BaseNode):
    """A string literal: as written and as meant."""

    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(slots=True, eq=False)
class NilNode(BaseNode):
    """`nil`."""

    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True, eq=False)
class DotNode(BaseNode):
    """The cursor `.`."""

    def __str__(self) -> str:
        return "."


@dataclass(slots=True, eq=False)
class FieldNode(BaseNode):
    """`.A.B`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True, eq=False)
class VariableNode(BaseNode):
    """`$x.A.B`; the first name has its dollar."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True, eq=False)
class IdentifierNode(BaseNode):
    """A function's name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True, eq=False)
class ChainNode(BaseNode):
    """Fields of what another term gives: `(pipeline).A.B`."""

    node: "Operand"
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, PipeNode) else str(self.node)
        return ".".join((inner, *self.names))


@dataclass(slots=True, eq=False)
class CommandNode(BaseNode):
    """A function or value with its arguments."""

    args: tuple["Operand", ...]

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, PipeNode) else str(arg) for arg in self.args)


@dataclass(slots=True, eq=False)
class PipeNode(BaseNode):
    """Commands joined by `|`, with the variables that take the result."""

    is_assign: bool = False
    variables: list[VariableNode] = field(default_factory=list)
    commands: list[CommandNode] = field(default_factory=list)

    def __str__(self) -> str:
        commands = " | ".join(map(str, self.commands))
        if not self.variables:
            return commands
        return f"{', '.join(map(str, self.variables))} {'=' if self.is_assign else ':='} {commands}"


Operand: TypeAlias = (
    BoolNode
    | NumberNode
    | StringNode
    | NilNode
    | DotNode
    | FieldNode
    | VariableNode
    | IdentifierNode
    | ChainNode
    | PipeNode
)
"""What a command is made of."""


@dataclass(slots=True, eq=False)
class ActionNode(BaseNode):
    """`{{pipeline}}`."""

    pipe: PipeNode

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True, eq=False)
class ListNode(BaseNode):
    """Nodes in order."""

    nodes: list["Statement"] = field(default_factory=list)

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


@dataclass(slots=True, eq=False)
class BranchNode(BaseNode):
    """`if`, `range` or `with`."""

    pipe: PipeNode
    body: ListNode
    otherwise: ListNode | None
    keyword = ""

    def __str__(self) -> str:
        otherwise = "" if self.otherwise is None else f"{{{{else}}}}{self.otherwise}"
        return f"{{{{{self.keyword} {self.pipe}}}}}{self.body}{otherwise}{{{{end}}}}"


class IfNode(BranchNode):
    """`{{if pipeline}}`."""

    __slots__ = ()
    keyword = "if"


class RangeNode(BranchNode):
    """`{{range pipeline}}`."""

    __slots__ = ()
    keyword = "range"


class WithNode(BranchNode):
    """`{{with pipeline}}`."""

    __slots__ = ()
    keyword = "with"


@dataclass(slots=True, eq=False)
class BreakNode(BaseNode):
    """`{{break}}`."""

    def __str__(self) -> str:
        return "{{break}}"


@dataclass(slots=True, eq=False)
class ContinueNode(BaseNode):
    """`{{continue}}`."""

    def __str__(self) -> str:
        return "{{continue}}"


@dataclass(slots=True, eq=False)
class TemplateNode(BaseNode):
    """`{{template "name" pipeline}}`."""

    name: str
    pipe: PipeNode | None

    def __str__(self) -> str:
        argument = "" if self.pipe is None else f" {self.pipe}"
        return f"{{{{template {quote(self.name)}{argument}}}}}"


@dataclass(slots=True, eq=False)
class EndNode(BaseNode):
    """`{{end}}`; not in a finished tree."""

    def __str__(self) -> str:
        return "{{end}}"


@dataclass(slots=True, eq=False)
class ElseNode(BaseNode):
    """`{{else}}`; not in a finished tree. `keyword` is the `if` or `with` that follows at once, or empty."""

    keyword: str

    def __str__(self) -> str:
        return "{{else}}"


Statement: TypeAlias = (
    TextNode | ActionNode | IfNode | RangeNode | WithNode | BreakNode | ContinueNode | TemplateNode | ListNode
)
"""What a template is made of."""


def is_empty(node: ListNode) -> bool:
    """Return whether the tree holds nothing but space, so that it does not replace another of its name."""
    return all(isinstance(child, TextNode) and not child.text.strip() for child in node.nodes)
