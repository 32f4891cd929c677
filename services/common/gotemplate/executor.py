"""Execution of a template's tree: it writes text, follows branches and loops, and calls other templates."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.common.gotemplate.errors import FunctionError
from services.common.gotemplate.evaluate import Evaluation
from services.common.gotemplate.limits import Budget
from services.common.gotemplate.nodes import (
    ActionNode,
    BreakNode,
    ContinueNode,
    IfNode,
    ListNode,
    PipeNode,
    RangeNode,
    Statement,
    TemplateNode,
    TextNode,
    WithNode,
)
from services.common.gotemplate.printer import as_text, sorted_keys, sprint
from services.common.gotemplate.quoting import quote
from services.common.gotemplate.values import Function, element, is_int, is_map, is_slice, is_true, type_name

_TWO = 2


class _Break(Exception):  # noqa: N818 (control flow, not an error)
    pass


class _Continue(Exception):  # noqa: N818 (control flow, not an error)
    pass


class Output:
    """Takes what a template writes: its own text and the values of its actions."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)

    def put(self, text: str) -> None:
        """Add text; raises LimitError when it becomes too much."""
        self._budget.write(len(text))
        self._parts.append(text)

    def literal(self, text: str) -> None:
        """Write the template's own text; raises FunctionError when that is not possible."""
        self.put(text)

    def finish(self) -> None:
        """Check the whole at its end; raises FunctionError."""

    def value(self, value: Any, _pipe: PipeNode) -> None:
        """Write an action's value; raises FunctionError when that is not possible."""
        self.put(str(value) if isinstance(value, str) else as_text(value))


class Execution:
    """One run of a template over its data."""

    def __init__(self, trees: Mapping[str, ListNode], evaluation: Evaluation, output: Output, max_depth: int) -> None:
        self._trees = trees
        self._evaluation = evaluation
        self._output = output
        self._max_depth = max_depth
        self._depth = 0
        self._walkers: dict[type, Callable[[Any, Any], None]] = {
            TextNode: self._text,
            ActionNode: self._action,
            ListNode: self.walk,
            IfNode: self._branch,
            WithNode: self._branch,
            RangeNode: self._range,
            TemplateNode: self._template,
            BreakNode: self._break,
            ContinueNode: self._continue,
        }

    def walk(self, dot: Any, tree: ListNode) -> None:
        """Execute the nodes in order."""
        if self._depth >= self._max_depth:
            raise self._evaluation.error(f"exceeded maximum template depth ({self._max_depth})")
        self._depth += 1
        for node in tree.nodes:
            self._walk_node(dot, node)
        self._depth -= 1

    def _walk_node(self, dot: Any, node: Statement) -> None:
        self._evaluation.node = node
        self._evaluation.budget.step()
        self._walkers[type(node)](dot, node)

    def _text(self, _dot: Any, node: TextNode) -> None:
        self._write(lambda: self._output.literal(node.text))

    def _action(self, dot: Any, node: ActionNode) -> None:
        value = self._evaluation.pipeline(dot, node.pipe)
        if node.pipe.variables:
            return
        self._evaluation.node = node
        if isinstance(value, Function):
            raise self._evaluation.error(f"can't print {node} of type {type_name(value)}")
        self._write(lambda: self._output.value(value, node.pipe))

    def finish(self) -> None:
        """Check the whole output; an error points at the last node."""
        self._write(self._output.finish)

    def _write(self, work: Callable[[], None]) -> None:
        try:
            work()
        except FunctionError as error:
            raise self._evaluation.error(str(error)) from error

    def _break(self, _dot: Any, _node: BreakNode) -> None:
        raise _Break

    def _continue(self, _dot: Any, _node: ContinueNode) -> None:
        raise _Continue

    def _branch(self, dot: Any, node: IfNode | WithNode) -> None:
        variables = self._evaluation.variables
        mark, depth = len(variables), self._depth
        try:
            value = self._evaluation.pipeline(dot, node.pipe)
            if is_true(value):
                self.walk(value if isinstance(node, WithNode) else dot, node.body)
            elif node.otherwise is not None:
                self.walk(dot, node.otherwise)
        finally:
            self._depth = depth
            del variables[mark:]

    def _range(self, dot: Any, node: RangeNode) -> None:
        variables = self._evaluation.variables
        mark, depth = len(variables), self._depth
        try:
            value = self._evaluation.pipeline(dot, node.pipe)
            ran = False
            for index, item in self._items(value, node):
                ran = True
                self._iterate(node, index, element(item))
            if not ran and node.otherwise is not None:
                self.walk(dot, node.otherwise)
        except _Break:
            pass
        finally:
            self._depth = depth
            del variables[mark:]

    def _iterate(self, node: RangeNode, index: Any, item: Any) -> None:
        evaluation = self._evaluation
        names = [variable.names[0] for variable in node.pipe.variables]
        values = [item] if len(names) == 1 else [index, item]
        if node.pipe.is_assign:
            for name, value in zip(names, values, strict=False):
                evaluation.set_variable(name, value)
        else:
            for offset, (name, value) in enumerate(zip(names, values, strict=False)):
                evaluation.variables[len(evaluation.variables) - len(names) + offset] = (name, value)
        mark, depth = len(evaluation.variables), self._depth
        evaluation.budget.step()
        try:
            self.walk(item, node.body)
        except _Continue:
            pass
        finally:
            self._depth = depth
            del evaluation.variables[mark:]

    def _items(self, value: Any, node: RangeNode) -> Iterable[tuple[Any, Any]]:
        if is_int(value):
            if len(node.pipe.variables) == _TWO:
                raise self._evaluation.error(f"can't use {sprint(value)} to iterate over more than one variable")
            return ((None, number) for number in range(value))
        if is_slice(value):
            return enumerate(value)
        if is_map(value):
            self._evaluation.budget.step(len(value))
            return ((key, value[key]) for key in sorted_keys(value))
        if value is None:
            return ()
        raise self._evaluation.error(f"range can't iterate over {sprint(value)}")

    def _template(self, dot: Any, node: TemplateNode) -> None:
        evaluation = self._evaluation
        tree = self._trees.get(node.name)
        if tree is None:
            raise evaluation.error(f"template {quote(node.name)} not defined")
        inner = evaluation.pipeline(dot, node.pipe)
        outer = evaluation.template_name, evaluation.variables
        evaluation.template_name, evaluation.variables = node.name, [("$", inner)]
        # An error keeps the name and node of the place where it happened.
        self.walk(inner, tree)
        evaluation.template_name, evaluation.variables = outer
