"""`tocsin rules coverage`: which rules, and which branches of them, no unit test touches."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from services.evaluator.promql import Expr, PromqlError, ast, parse, selectors
from services.evaluator.rules.definition import AlertingRule, Group, Rule
from services.evaluator.rules.state import AlertState
from services.evaluator.ruletest.model import TestFile
from services.evaluator.ruletest.world import World
from services.evaluator.unit_tests import run_rule_tests

CHECKED = "checked by a test"
Key = tuple[str, str, str]


@dataclass
class RuleCoverage:
    """One rule: each branch, and whether a test touched it."""

    file: str
    line: int
    group: str
    rule: str
    branches: dict[str, bool] = field(default_factory=dict)

    @property
    def untouched(self) -> list[str]:
        """The branches that no test touched."""
        return [name for name, touched in self.branches.items() if not touched]


@dataclass(frozen=True)
class Coverage:
    """All rules that the test files load; `problems` are files that could not be run."""

    rules: tuple[RuleCoverage, ...]
    problems: tuple[str, ...] = ()

    @property
    def percent(self) -> float:
        """The share of branches that were touched; 100 where there are none."""
        every = [touched for rule in self.rules for touched in rule.branches.values()]
        return 100.0 * sum(every) / len(every) if every else 100.0

    def text(self) -> str:
        """Return it for people: a line per untouched branch, and one for all."""
        lines = [f"error: {problem}" for problem in self.problems]
        for rule in self.rules:
            where = f'{rule.file}:{rule.line}: group "{rule.group}", rule "{rule.rule}"'
            lines += [f"{where}: no test: {branch}" for branch in rule.untouched]
        whole = sum(not rule.untouched for rule in self.rules)
        lines.append(f"{self.percent:.1f} % of the branches touched; {whole} of {len(self.rules)} rules wholly")
        return "\n".join(lines)

    def as_json(self) -> str:
        """Return `{percent, problems, rules: [{file, line, group, rule, branches, untouched}]}`."""
        rules = [{**asdict(rule), "untouched": rule.untouched} for rule in self.rules]
        return json.dumps({"percent": self.percent, "problems": self.problems, "rules": rules}, indent=2)


def measure_coverage(paths: Sequence[Path], *, lenient: bool = False) -> Coverage:
    """Run these unit-test files and return what they touch, whether they pass or not."""
    watch = _Watch()
    report = run_rule_tests(paths, lenient=lenient, watch=watch)
    problems = tuple(f"{file.file}: {file.problem}" for file in report.files if file.problem)
    return Coverage(tuple(sorted(watch.rules.values(), key=lambda one: (one.file, one.line))), problems)


class _Watch:
    """Looks at each evaluation of the tests."""

    def __init__(self) -> None:
        self.rules: dict[Key, RuleCoverage] = {}

    def loaded(self, groups: Sequence[Group], tests: TestFile) -> None:
        """Note the rules of a test file, and which of them its tests check."""
        named = _named(tests)
        rules = [rule for group in groups for rule in group.rules]
        while True:
            # What a checked rule reads is checked with it.
            reads = {
                one.name for rule in rules if rule.name in named for one in selectors(rule.expr) if one.name is not None
            }
            if reads <= named:
                break
            named |= reads
        for group in groups:
            for rule in group.rules:
                known = self.rules.setdefault(
                    _key(group, rule), RuleCoverage(rule.file, rule.line, group.name, rule.name, _branches(rule))
                )
                known.branches[CHECKED] |= rule.name in named

    def evaluated(self, world: World, now: float) -> None:
        """Note what the evaluation at `now` touched."""
        for runner in world.runners:
            for rule in runner.group.rules:
                branches = self.rules[_key(runner.group, rule)].branches
                if isinstance(rule, AlertingRule):
                    states = {one.state for one in runner.alerts[rule.key].state.active.values()}
                    _touch(branches, "firing", seen=AlertState.FIRING in states)
                    _touch(branches, "pending", seen=AlertState.PENDING in states)
                    _touch(branches, "not firing", seen=AlertState.FIRING not in states)
                else:
                    last = runner.health[rule.key].last
                    _touch(branches, "has a result", seen=last is not None and last.series > 0)
                for name, side in _sides(rule.expr):
                    if not branches[name]:
                        _touch(branches, name, seen=_has_series(world, side, now))


def _named(tests: TestFile) -> set[str]:
    named = {one.alertname for case in tests.tests for one in case.alert_rule_test}
    for case in tests.tests:
        for test in case.promql_expr_test:
            try:
                named |= {one.name for one in selectors(parse(test.expr)) if one.name is not None}
            except PromqlError:
                continue  # The test itself fails by it, and says so.
    return named


def _branches(rule: Rule) -> dict[str, bool]:
    if isinstance(rule, AlertingRule):
        names = [CHECKED, "firing", "not firing", *(["pending"] if rule.hold > 0 else [])]
    else:
        names = [CHECKED, "has a result"]
    return dict.fromkeys([*names, *(name for name, _ in _sides(rule.expr))], False)


def _sides(expr: Expr) -> Iterator[tuple[str, Expr]]:
    if isinstance(expr, ast.Binary) and expr.op in ast.SET_OPERATORS:
        yield f"left of {expr.op} has series: {expr.lhs.text}", expr.lhs
        yield f"right of {expr.op} has series: {expr.rhs.text}", expr.rhs
    for child in ast.children(expr):
        yield from _sides(child)


def _has_series(world: World, expr: Expr, now: float) -> bool:
    try:
        return bool(world.evaluate(expr, now))
    except PromqlError:
        # The rule itself fails by it, and the test with the rule.
        return False


def _touch(branches: dict[str, bool], name: str, *, seen: bool) -> None:
    if name in branches:
        branches[name] |= seen


def _key(group: Group, rule: Rule) -> Key:
    return (str(Path(rule.file).resolve()), group.name, rule.key)
