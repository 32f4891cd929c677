"""The parser: a template's text to the trees of the templates that it defines."""

from collections.abc import Callable, Collection
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.common.gotemplate.lexer import Kind, Token
from services.common.gotemplate.limits import MAX_NESTING
from services.common.gotemplate.nodes import (
    ActionNode,
    BoolNode,
    BreakNode,
    ChainNode,
    CommandNode,
    ContinueNode,
    DotNode,
    ElseNode,
    EndNode,
    FieldNode,
    IdentifierNode,
    IfNode,
    ListNode,
    NilNode,
    NumberNode,
    Operand,
    PipeNode,
    RangeNode,
    Source,
    Statement,
    StringNode,
    TemplateNode,
    TextNode,
    VariableNode,
    WithNode,
    is_empty,
)
from services.common.gotemplate.numbers import parse_number
from services.common.gotemplate.quoting import quote, unquote
from services.common.gotemplate.token_stream import TokenStream

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPERANDS = {
    Kind.BOOL,
    Kind.CHAR_CONSTANT,
    Kind.COMPLEX,
    Kind.DOT,
    Kind.FIELD,
    Kind.IDENTIFIER,
    Kind.NUMBER,
    Kind.NIL,
    Kind.RAW_STRING,
    Kind.STRING,
    Kind.VARIABLE,
    Kind.LEFT_PAREN,
}
_CONSTANTS = (BoolNode, DotNode, NilNode, NumberNode, StringNode)
_BRANCHES: dict[str, type[IfNode | RangeNode | WithNode]] = {"if": IfNode, "range": RangeNode, "with": WithNode}
_MAX_RANGE_VARIABLES = 2


def parse_trees(
    name: str, text: str, functions: Collection[str], variables: Collection[str] = ()
) -> dict[str, ListNode]:
    """Return the tree of the text and of each `define` and `block` in it, by template name.

    The variables, without their dollar, can be used in the text, not in the definitions. Raises TemplateSyntaxError.
    """
    return _Parser(Source(name, text), functions, variables).parse()


class _Parser:
    def __init__(self, source: Source, functions: Collection[str], variables: Collection[str]) -> None:
        self._source = source
        self._functions = functions
        self._tokens = TokenStream(source)
        self._variables = ["$", *(f"${variable}" for variable in variables)]
        self._range_depth = 0
        self._nesting = 0
        self._trees: dict[str, ListNode] = {}

    @contextmanager
    def _nested(self) -> "Iterator[None]":
        if self._nesting >= MAX_NESTING:
            raise self._tokens.error("max expression depth exceeded")
        self._nesting += 1
        yield
        self._nesting -= 1

    # Templates.

    def parse(self) -> dict[str, ListNode]:
        root = ListNode(self._source, self._tokens.peek().pos)
        while self._tokens.peek().kind is not Kind.EOF:
            if self._tokens.peek().kind is Kind.LEFT_DELIM:
                start = self._tokens.mark()
                self._tokens.next()
                if self._tokens.next_word().kind is Kind.DEFINE:
                    self._define()
                    continue
                self._tokens.reset(start)
            node = self._statement()
            if isinstance(node, EndNode | ElseNode):
                raise self._tokens.error(f"unexpected {node}")
            root.nodes.append(node)
        self._add(self._source.name, root)
        return self._trees

    def _add(self, name: str, tree: ListNode) -> None:
        if name not in self._trees or is_empty(self._trees[name]):
            self._trees[name] = tree
        elif not is_empty(tree):
            raise self._tokens.error(f"template: multiple definition of template {quote(name)}")

    def _define(self) -> None:
        context = "define clause"
        name = self._unquote(self._tokens.expect({Kind.STRING, Kind.RAW_STRING}, context))
        self._tokens.expect({Kind.RIGHT_DELIM}, context)
        self._add(name, self._own_body(context))

    def _own_body(self, context: str) -> ListNode:
        """Parse the body of a template of its own: it sees none of the variables and loops around it."""
        outer = self._variables, self._range_depth
        self._variables, self._range_depth = ["$"], 0
        with self._nested():
            body, end = self._list()
        if not isinstance(end, EndNode):
            raise self._tokens.error(f"unexpected {end} in {context}")
        self._variables, self._range_depth = outer
        return body

    def _list(self) -> tuple[ListNode, EndNode | ElseNode]:
        body = ListNode(self._source, self._tokens.peek_word().pos)
        while self._tokens.peek_word().kind is not Kind.EOF:
            node = self._statement()
            if isinstance(node, EndNode | ElseNode):
                return body, node
            body.nodes.append(node)
        raise self._tokens.error("unexpected EOF")

    def _statement(self) -> Statement | EndNode | ElseNode:
        token = self._tokens.next_word()
        if token.kind is Kind.TEXT:
            return TextNode(self._source, token.pos, token.text)
        if token.kind is not Kind.LEFT_DELIM:
            raise self._tokens.unexpected(token, "input")
        self._tokens.action_line = token.line
        node = self._action()
        self._tokens.action_line = 0
        return node

    # Actions.

    def _action(self) -> Statement | EndNode | ElseNode:
        token = self._tokens.next_word()
        controls: dict[Kind, Callable[[Token], Statement | EndNode | ElseNode]] = {
            Kind.BLOCK: self._block,
            Kind.BREAK: self._loop_exit,
            Kind.CONTINUE: self._loop_exit,
            Kind.ELSE: self._else,
            Kind.END: self._end,
            Kind.IF: self._branch,
            Kind.RANGE: self._branch,
            Kind.TEMPLATE: self._template,
            Kind.WITH: self._branch,
        }
        if control := controls.get(token.kind):
            return control(token)
        self._tokens.back()
        return ActionNode(self._source, token.pos, self._pipeline("command", Kind.RIGHT_DELIM))

    def _loop_exit(self, token: Token) -> Statement:
        action = f"{{{{{token.text}}}}}"
        self._tokens.expect({Kind.RIGHT_DELIM}, action)
        if not self._range_depth:
            raise self._tokens.error(f"{action} outside {{{{range}}}}")
        return (BreakNode if token.kind is Kind.BREAK else ContinueNode)(self._source, token.pos)

    def _end(self, _token: Token) -> EndNode:
        return EndNode(self._source, self._tokens.expect({Kind.RIGHT_DELIM}, "end").pos)

    def _else(self, _token: Token) -> ElseNode:
        following = self._tokens.peek_word()
        if following.kind in {Kind.IF, Kind.WITH}:
            return ElseNode(self._source, following.pos, following.text)
        return ElseNode(self._source, self._tokens.expect({Kind.RIGHT_DELIM}, "else").pos, "")

    def _branch(self, token: Token) -> Statement:
        context = token.text
        declared = len(self._variables)
        with self._nested():
            pipe = self._pipeline(context, Kind.RIGHT_DELIM)
            self._range_depth += context == "range"
            body, stop = self._list()
            self._range_depth -= context == "range"
            otherwise = None if isinstance(stop, EndNode) else self._otherwise(stop, context)
        del self._variables[declared:]
        return _BRANCHES[context](self._source, pipe.pos, pipe, body, otherwise)

    def _otherwise(self, stop: ElseNode, context: str) -> ListNode:
        """Parse what follows an `else`; of `else if` and `else with` the own `end` closes the outer too."""
        if stop.keyword and stop.keyword == context and context != "range":
            return ListNode(self._source, stop.pos, [self._branch(self._tokens.next_word())])
        otherwise, end = self._list()
        if not isinstance(end, EndNode):
            raise self._tokens.error(f"expected end; found {end}")
        return otherwise

    def _block(self, _token: Token) -> TemplateNode:
        context = "block clause"
        token = self._tokens.next_word()
        name = self._template_name(token, context)
        pipe = self._pipeline(context, Kind.RIGHT_DELIM)
        self._add(name, self._own_body(context))
        return TemplateNode(self._source, token.pos, name, pipe)

    def _template(self, _token: Token) -> TemplateNode:
        context = "template clause"
        token = self._tokens.next_word()
        name = self._template_name(token, context)
        if self._tokens.peek_word().kind is Kind.RIGHT_DELIM:
            self._tokens.next_word()
            return TemplateNode(self._source, token.pos, name, None)
        return TemplateNode(self._source, token.pos, name, self._pipeline(context, Kind.RIGHT_DELIM))

    def _template_name(self, token: Token, context: str) -> str:
        if token.kind not in {Kind.STRING, Kind.RAW_STRING}:
            raise self._tokens.unexpected(token, context)
        return self._unquote(token)

    def _unquote(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except ValueError as error:
            raise self._tokens.error(str(error)) from error

    # Pipelines.

    def _pipeline(self, context: str, end: Kind) -> PipeNode:
        pipe = PipeNode(self._source, self._tokens.peek_word().pos)
        self._declarations(pipe, context)
        while (token := self._tokens.next_word()).kind is not end:
            if token.kind not in _OPERANDS:
                raise self._tokens.unexpected(token, context)
            self._tokens.back()
            pipe.commands.append(self._command())
        if not pipe.commands:
            raise self._tokens.error(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.args[0], _CONSTANTS):
                raise self._tokens.error(f"non executable command in pipeline stage {stage}")
        return pipe

    def _declarations(self, pipe: PipeNode, context: str) -> None:
        while self._tokens.peek_word().kind is Kind.VARIABLE:
            start = self._tokens.mark()
            token = self._tokens.next_word()
            following = self._tokens.peek_word()
            if following.kind in {Kind.ASSIGN, Kind.DECLARE}:
                pipe.is_assign = following.kind is Kind.ASSIGN
                self._tokens.next_word()
                self._declare(pipe, token)
                return
            if following.kind is not Kind.CHAR or following.text != ",":
                self._tokens.reset(start)
                return
            self._tokens.next_word()
            self._declare(pipe, token)
            if context != "range" or len(pipe.variables) >= _MAX_RANGE_VARIABLES:
                raise self._tokens.error(f"too many declarations in {context}")
            if self._tokens.peek_word().kind not in {Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN}:
                raise self._tokens.error("range can only initialize variables")

    def _declare(self, pipe: PipeNode, token: Token) -> None:
        pipe.variables.append(VariableNode(self._source, token.pos, tuple(token.text.split("."))))
        self._variables.append(token.text)

    def _command(self) -> CommandNode:
        pos = self._tokens.peek_word().pos
        args: list[Operand] = []
        while True:
            self._tokens.peek_word()
            if (operand := self._operand()) is not None:
                args.append(operand)
            token = self._tokens.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in {Kind.RIGHT_DELIM, Kind.RIGHT_PAREN}:
                self._tokens.back()
            elif token.kind is not Kind.PIPE:
                raise self._tokens.unexpected(token, "operand")
            break
        if not args:
            raise self._tokens.error("empty command")
        return CommandNode(self._source, pos, tuple(args))

    def _operand(self) -> Operand | None:
        node = self._term()
        if node is None or self._tokens.peek().kind is not Kind.FIELD:
            return node
        pos = self._tokens.peek().pos
        names: list[str] = []
        while self._tokens.peek().kind is Kind.FIELD:
            names.append(self._tokens.next().text[1:])
        if isinstance(node, FieldNode | VariableNode):
            return type(node)(self._source, pos, (*node.names, *names))
        if isinstance(node, _CONSTANTS):
            raise self._tokens.error(f"unexpected . after term {quote(str(node))}")
        return ChainNode(self._source, pos, node, tuple(names))

    def _term(self) -> Operand | None:
        token = self._tokens.next_word()
        terms: dict[Kind, Callable[[Token], Operand]] = {
            Kind.IDENTIFIER: self._identifier,
            Kind.DOT: lambda token: DotNode(self._source, token.pos),
            Kind.NIL: lambda token: NilNode(self._source, token.pos),
            Kind.VARIABLE: self._variable,
            Kind.FIELD: lambda token: FieldNode(self._source, token.pos, (token.text[1:],)),
            Kind.BOOL: lambda token: BoolNode(self._source, token.pos, token.text == "true"),
            Kind.STRING: self._string,
            Kind.RAW_STRING: self._string,
            Kind.CHAR_CONSTANT: self._number,
            Kind.COMPLEX: self._number,
            Kind.NUMBER: self._number,
            Kind.LEFT_PAREN: self._parenthesized,
        }
        if term := terms.get(token.kind):
            return term(token)
        self._tokens.back()
        return None

    def _identifier(self, token: Token) -> IdentifierNode:
        if token.text not in self._functions:
            raise self._tokens.error(f"function {quote(token.text)} not defined")
        return IdentifierNode(self._source, token.pos, token.text)

    def _variable(self, token: Token) -> VariableNode:
        if token.text not in self._variables:
            raise self._tokens.error(f"undefined variable {quote(token.text)}")
        return VariableNode(self._source, token.pos, (token.text,))

    def _string(self, token: Token) -> StringNode:
        return StringNode(self._source, token.pos, token.text, self._unquote(token))

    def _parenthesized(self, _token: Token) -> PipeNode:
        with self._nested():
            return self._pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)

    def _number(self, token: Token) -> NumberNode:
        try:
            number = parse_number(token.text, is_complex=token.kind is Kind.COMPLEX)
        except ValueError as error:
            raise self._tokens.error(str(error)) from error
        return NumberNode(self._source, token.pos, number)
