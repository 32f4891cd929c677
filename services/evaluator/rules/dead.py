"""Selectors that match no series, and why: the metric is not there, or no series of it has such a label. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.evaluator.promql import Expr, Matcher, ast

_NAME = "__name__"
_ABSENT = frozenset({"absent", "absent_over_time"})
_OWN = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_SHOWN = 5

Labels = Mapping[str, str]
Lookup = Callable[[Sequence[Matcher]], Collection[Labels]]
"""Gives the label sets of the series that meet the matchers."""


@dataclass(frozen=True, slots=True)
class DeadSelector:
    """A selector without series: `label` is empty where the metric itself is missing.

    `join` tells of a join of live selectors that can't match, in place of all that.
    """

    selector: str
    metric: str
    label: str = ""
    matcher: str = ""
    known: tuple[str, ...] = ()
    join: str = ""

    @property
    def text(self) -> str:
        """What is wrong, for people."""
        if self.join:
            return self.join
        if not self.metric:
            return f"no series meets {self.selector}"
        if not self.label:
            return f"there is no series of metric {self.metric}" if not self.matcher else (
                f"no series of {self.metric} meets all of {self.matcher}"
            )  # fmt: skip
        if not self.known:
            return f"no series of {self.metric} has label {self.label}; {self.matcher} matches nothing"
        return f"no series of {self.metric} meets {self.matcher}; its {self.label} is {', '.join(self.known)}"


def live_selectors(expr: Expr) -> Iterator[ast.Selector]:
    """Yield the selectors that should match something: all but those that ask for absence."""
    if isinstance(expr, ast.Selector):
        yield expr
    elif not (isinstance(expr, ast.Call) and expr.name in _ABSENT):
        for child in ast.children(expr):
            yield from live_selectors(child)


def dead_selectors(
    expr: Expr, lookup: Lookup, *, made: Collection[str] = (), ignore: Collection[str] = ()
) -> list[DeadSelector]:
    """Return the selectors of the expression that match nothing, each once.

    `made` are names that rules make, so that their absence says nothing of the rule; `ignore` labels that can't be
    judged.
    """
    found: dict[str, DeadSelector] = {}
    for selector in live_selectors(expr):
        matchers = [one for one in selector.matchers if one.name not in ignore]
        name = next((one.value for one in matchers if one.name == _NAME and one.op == "="), "")
        if name in _OWN or name in made or (not name and _is_unnamed(matchers)):
            continue
        text = ast.Selector(selector.name, tuple(matchers)).text
        if text not in found and not lookup(matchers):
            found[text] = _why(text, name, matchers, lookup)
    return list(found.values())


def _is_unnamed(matchers: Sequence[Matcher]) -> bool:
    return not any(one.name == _NAME for one in matchers)


def _why(text: str, name: str, matchers: Sequence[Matcher], lookup: Lookup) -> DeadSelector:
    if not name:
        return DeadSelector(text, "")
    named = [one for one in matchers if one.name == _NAME]
    series = lookup(named)
    rest = [one for one in matchers if one.name != _NAME]
    if not series:
        return DeadSelector(text, name)
    for one in rest:
        if not any(one.matches(labels.get(one.name, "")) for labels in series):
            values = sorted({labels[one.name] for labels in series if labels.get(one.name)})
            shown = tuple(values[:_SHOWN]) + ((f"… ({len(values)} values)",) if len(values) > _SHOWN else ())
            return DeadSelector(text, name, one.name, _shown(one), shown)
    return DeadSelector(text, name, matcher=", ".join(_shown(one) for one in rest))


def _shown(matcher: Matcher) -> str:
    return f'{matcher.name}{matcher.op}"{matcher.value}"'
