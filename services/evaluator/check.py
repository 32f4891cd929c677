"""`tocsin rules check`: everything that can be told about rule files without running them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from services.evaluator.promql import ast
from services.evaluator.rulecheck.inventory import Inventory
from services.evaluator.rulecheck.joins import dead_template_labels, suspicious
from services.evaluator.rulecheck.shape import OPEN, Shape, live_shapes, shape_of
from services.evaluator.rules.dead import dead_selectors, live_selectors
from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule, Rule
from services.evaluator.rules.loader import RuleDefaults, inspect_file
from services.evaluator.rules.problem import Problem, Severity
from services.evaluator.scrape.loop import REPORT_NAMES

_WANTED = ("summary", "description")


def check_files(paths: Sequence[Path], *, inventory: Inventory | None = None) -> list[Problem]:
    """Return every problem of these rule files, by file and line; a missing file is one too.

    With an inventory, selectors that match none of its series are warned of. Raises InventoryError.
    """
    problems: list[Problem] = []
    groups: list[Group] = []
    for path in paths:
        built, found = inspect_file(path, RuleDefaults())
        problems += found
        groups += built
    recorded = _recorded(groups)
    problems += _twice(groups)
    for group in groups:
        for rule in group.rules:
            problems += _texts(group, rule, recorded)
            if inventory is not None and not group.source:
                problems += _dead(group, rule, inventory, recorded)
    return sorted(problems, key=lambda one: (one.file, one.line, one.column))


def _problem(group: Group, rule: Rule, text: str, mend: str, severity: Severity = "warning") -> Problem:
    return Problem(rule.file, rule.line, 1, text, mend, group.name, rule.name, severity)


def _recorded(groups: Sequence[Group]) -> dict[str, Shape]:
    """Return the shapes of what the rules record; a name that several rules record may have any labels."""
    found: dict[str, Shape] = {}
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                own = shape_of(rule.expr, found).plus(frozenset(rule.labels))
                found[rule.name] = OPEN if rule.name in found else own
    return found


def _twice(groups: Sequence[Group]) -> Iterator[Problem]:
    seen: dict[tuple[object, ...], Rule] = {}
    for group in groups:
        for rule in group.rules:
            labels = tuple(sorted(rule.labels.items()))
            # Two writers of one series are wrong whatever they write; an alert twice only with the same expression.
            identity = (rule.name, labels, rule.expr.text if isinstance(rule, AlertingRule) else "")
            first = seen.setdefault(identity, rule)
            if first is not rule and (first.file != rule.file or first.key == rule.key):
                kind = "alert" if isinstance(rule, AlertingRule) else "recorded series"
                yield _problem(
                    group, rule, f"the same {kind} stands at {first.file}:{first.line} too", "remove or rename one"
                )


def _texts(group: Group, rule: Rule, recorded: dict[str, Shape]) -> Iterator[Problem]:
    for problem, mend in suspicious(rule.expr, recorded):
        yield _problem(group, rule, problem, mend)
    if not isinstance(rule, AlertingRule):
        return
    if rule.clear is not None:
        for problem, mend in suspicious(rule.clear, recorded):
            yield _problem(group, rule, f"clear: {problem}", mend)
    texts = iter([*rule.labels.values(), *rule.annotations.values()])
    for label in dead_template_labels(texts, rule.expr, recorded):
        yield _problem(
            group, rule, f"a template uses $labels.{label}, which no alert of this expression has",
            "keep the label in the expression, or take it out of the text",
        )  # fmt: skip
    missing = [name for name in _WANTED if not rule.annotations.get(name)]
    if missing:
        yield _problem(
            group, rule, f"no annotation {' or '.join(missing)}",
            "say what happened, so that whoever is paged can act",
        )  # fmt: skip


def _dead(group: Group, rule: Rule, inventory: Inventory, recorded: dict[str, Shape]) -> Iterator[Problem]:
    made = set(recorded) if inventory.target_series else {*recorded, *REPORT_NAMES}
    exprs = [rule.expr, *([rule.clear] if isinstance(rule, AlertingRule) and rule.clear is not None else [])]
    for expr in exprs:
        dead = dead_selectors(expr, inventory.lookup, made=made, ignore=inventory.ignore)
        for one in dead:
            yield _problem(
                group, rule, f"{one.text} in {inventory.name}", "correct the name, or see why it is not scraped"
            )
        if not dead:
            for problem, mend in _dead_joins(expr, inventory, recorded):
                yield _problem(group, rule, f"{problem} in {inventory.name}", mend)
        for label, name in _unmade_labels(expr, recorded):
            yield _problem(
                group, rule, f"the rules record {name} without label {label}", "take the matcher out, or keep the label"
            )


def _dead_joins(expr: ast.Expr, inventory: Inventory, recorded: dict[str, Shape]) -> list[tuple[str, str]]:
    """Return what the series add to what the text alone tells of the joins."""
    known = set(suspicious(expr, recorded))
    shapes = live_shapes(expr, inventory.lookup, inventory.ignore) | recorded
    return [one for one in suspicious(expr, shapes) if one not in known]


def _unmade_labels(expr: ast.Expr, recorded: dict[str, Shape]) -> Iterator[tuple[str, str]]:
    for selector in live_selectors(expr):
        name = next((one.value for one in selector.matchers if one.name == "__name__" and one.op == "="), "")
        for one in selector.matchers:
            if name in recorded and recorded[name].lacks(one.name) and one.name != "__name__" and not one.matches(""):
                yield one.name, name
