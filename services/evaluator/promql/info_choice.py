"""Which info series `info()` means, by its second argument."""

from dataclasses import dataclass

from services.evaluator.promql import ast
from services.evaluator.promql.errors import EvaluationError
from services.evaluator.promql.storage import Matcher
from services.evaluator.promql.table import Labels

IDENTIFYING = ("instance", "job")
_DEFAULT = Matcher("__name__", "=", "target_info")
_ANY_INFO = Matcher("__name__", "=~", ".+_info")
_POSITIVE = ("=", "=~")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which info series are meant (`names`), and which of their labels (`data`; none: all)."""

    names: tuple[Matcher, ...]
    data: tuple[Matcher, ...]

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """All that an info series must meet."""
        return (*self.names, *self.data)

    def is_info(self, labels: Labels) -> bool:
        """Tell whether a series is itself an info series, which gets no labels."""
        name = labels.get("__name__", "")
        return all(matcher.matches(name) for matcher in self.names)

    @property
    def required(self) -> bool:
        """Whether a series without any info series is left out."""
        return not all(matcher.matches("") for matcher in self.data)

    def labels(self, row: Labels) -> dict[str, str]:
        """The labels that an info series gives."""
        wanted = {matcher.name for matcher in self.data}
        return {
            name: value
            for name, value in row.items()
            if name != "__name__" and name not in IDENTIFYING and (not wanted or name in wanted)
        }


def choice_of(node: ast.Call) -> Choice:
    """Return what the second argument says; without one, target_info and all its labels. Raises EvaluationError."""
    matchers: tuple[Matcher, ...] = ()
    if len(node.args) > 1:
        selector = ast.unwrap(node.args[1])
        if not isinstance(selector, ast.Selector):
            raise EvaluationError("the second argument of info() is a label selector", *selector.position)
        matchers = selector.matchers
    names = tuple(matcher for matcher in matchers if matcher.name == "__name__")
    if not names:
        names = (_DEFAULT,)
    elif not any(matcher.op in _POSITIVE for matcher in names):
        names = (_ANY_INFO, *names)
    return Choice(names, tuple(matcher for matcher in matchers if matcher.name != "__name__"))
