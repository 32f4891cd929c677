"""Templates as the rest of Tocsin uses them: parse once, execute often; a set shares its definitions."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from services.common.gotemplate.builtins import BUILTINS
from services.common.gotemplate.errors import TemplateError
from services.common.gotemplate.evaluate import Evaluation, Missing
from services.common.gotemplate.executor import Execution, Output
from services.common.gotemplate.html_output import HtmlOutput
from services.common.gotemplate.limits import Budget, Limits
from services.common.gotemplate.nodes import ListNode, is_empty
from services.common.gotemplate.parser import parse_trees
from services.common.gotemplate.quoting import quote, to_bytes
from services.common.gotemplate.values import ANY, Function, function, to_go

Functions = Mapping[str, Function | Callable[..., Any]]
"""By name; a plain callable takes any number of arguments of any type."""

_DEFAULT_LIMITS = Limits()


def as_functions(functions: Functions) -> dict[str, Function]:
    """Return the functions with plain callables as variadic ones of any type."""
    return {
        name: body if isinstance(body, Function) else function(body, ANY, variadic=True)
        for name, body in functions.items()
    }


class TemplateSet:
    """Templates that see each other's `define`s; a later one of a name replaces an earlier one.

    `variables` names, without the dollar, those that texts may use and that `execute` gives. `missing` says what a map
    gives for a key that it lacks; Prometheus and Alertmanager use the zero value. With `html`, values are escaped for
    the place where they stand.
    """

    def __init__(
        self,
        functions: Functions | None = None,
        *,
        variables: Collection[str] = (),
        html: bool = False,
        missing: Missing = "zero",
        limits: Limits = _DEFAULT_LIMITS,
    ) -> None:
        self._functions = as_functions(functions or {})
        self._variables = variables
        self._html = html
        self._missing: Missing = missing
        self._limits = limits
        self._trees: dict[str, ListNode] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the templates that can be executed, sorted."""
        return tuple(sorted(self._trees))

    def copy(self) -> "TemplateSet":
        """Return a set with the same templates, to which more can be added without changing this one."""
        other = TemplateSet(
            self._functions,
            variables=self._variables,
            html=self._html,
            missing=self._missing,
            limits=self._limits,
        )
        other._trees = dict(self._trees)
        return other

    def add(self, name: str, text: str) -> None:
        """Parse a text as the template of that name, with the templates that it defines; raises TemplateError.

        A text of nothing but space and definitions does not replace a template of that name.
        """
        functions = BUILTINS.keys() | self._functions.keys()
        for found, tree in parse_trees(name, text, functions, self._variables).items():
            if found not in self._trees or not is_empty(tree):
                self._trees[found] = tree

    def execute(
        self,
        name: str,
        data: Any,
        *,
        variables: Mapping[str, Any] | None = None,
        functions: Functions | None = None,
    ) -> str:
        """Return the text that a template gives for the data; raises TemplateError and no other.

        `variables` gives the values of those that the set names; one left out is nil. `functions` replace those of the
        same name for this execution.
        """
        tree = self._trees.get(name)
        if tree is None:
            message = f'template: no template {quote(name)} associated with template ""'
            raise TemplateError(message, name, 1, 0)
        budget = Budget(self._limits)
        own = self._functions if functions is None else {**self._functions, **as_functions(functions)}
        evaluation = Evaluation(own, BUILTINS, budget)
        evaluation.missing, evaluation.template_name = self._missing, name
        root = to_go(data)
        evaluation.variables = [("$", root)]
        given = variables or {}
        evaluation.variables += [(f"${variable}", to_go(given.get(variable))) for variable in self._variables]
        output = HtmlOutput(budget) if self._html else Output(budget)
        execution = Execution(self._trees, evaluation, output, self._limits.depth)

        def run() -> None:
            execution.walk(root, tree)
            execution.finish()

        evaluation.limited(run)
        return to_bytes(output.text).decode("utf-8", "replace")


class Template:
    """One parsed text with the templates that it defines."""

    def __init__(self, name: str, templates: TemplateSet) -> None:
        self.name = name
        self._templates = templates

    def execute(
        self,
        data: Any,
        *,
        variables: Mapping[str, Any] | None = None,
        template_name: str | None = None,
        functions: Functions | None = None,
    ) -> str:
        """Return the text for the data, of the template itself or of one that it defines; raises TemplateError."""
        return self._templates.execute(template_name or self.name, data, variables=variables, functions=functions)


def parse(
    name: str,
    text: str,
    functions: Functions | None = None,
    *,
    variables: Collection[str] = (),
    html: bool = False,
    missing: Missing = "zero",
    limits: Limits = _DEFAULT_LIMITS,
) -> Template:
    """Return the parsed template; raises TemplateError."""
    templates = TemplateSet(functions, variables=variables, html=html, missing=missing, limits=limits)
    templates.add(name, text)
    return Template(name, templates)
