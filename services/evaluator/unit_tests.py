"""`tocsin rules test`: runs unit-test files of rules; the form and the verdicts are promtool's."""

import glob
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from services.common.config import ConfigError, validate
from services.common.events import Muted
from services.common.yaml_source import YamlError, read_yaml
from services.evaluator.promql import PromqlError
from services.evaluator.rules.definition import Group
from services.evaluator.rules.loader import RuleDefaults, load_file
from services.evaluator.rules.problem import RuleFileError
from services.evaluator.ruletest.model import AlertTest, ExprTest, TestCase, TestFile
from services.evaluator.ruletest.notation import NotationError, parse_labels
from services.evaluator.ruletest.world import World

Labels = Mapping[str, str]
Pairs = tuple[tuple[str, str], ...]
_MAX_ROUNDS = 1_000_000


@dataclass(frozen=True)
class CaseReport:
    """One test case's outcome; it passed when `failures` is empty."""

    name: str
    failures: tuple[str, ...]


@dataclass
class FileReport:
    """One file's outcome; `problem` is why it could not be run at all."""

    file: str
    problem: str = ""
    cases: list[CaseReport] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything in the file is as expected."""
        return not self.problem and all(not case.failures for case in self.cases)


@dataclass(frozen=True)
class Report:
    """All files' outcomes."""

    files: tuple[FileReport, ...]

    @property
    def passed(self) -> bool:
        """Whether every file passed."""
        return all(file.passed for file in self.files)

    def text(self) -> str:
        """Return it for people, a line per file and per failure."""
        lines = []
        for file in self.files:
            lines.append(f"{file.file}: {'passed' if file.passed else 'FAILED'} ({len(file.cases)} tests)")
            if file.problem:
                lines.append(f"  {file.problem}")
            for case in file.cases:
                lines += [f"  {case.name}: {failure}" for failure in case.failures]
        return "\n".join(lines)


class Watch(Protocol):
    """Looks on while tests run."""

    def loaded(self, groups: Sequence[Group], tests: TestFile) -> None:
        """Hear what a file loads."""

    def evaluated(self, world: World, now: float) -> None:
        """Hear that all groups were evaluated at `now`."""


def run_rule_tests(paths: Sequence[Path], *, lenient: bool = False, watch: Watch | None = None) -> Report:
    """Run these unit-test files; rule files are found from each test file's own folder.

    `lenient` reads over keys of rule files that are not known.
    """
    return Report(tuple(_run_file(path, lenient=lenient, watch=watch) for path in paths))


def _run_file(path: Path, *, lenient: bool, watch: Watch | None) -> FileReport:
    report = FileReport(str(path))
    try:
        source = read_yaml(path, as_written=True)
        tests = validate(TestFile, source.data or {}, source, ())
        groups = _ordered(_load_rules(tests, path.parent, lenient=lenient), tests.group_eval_order)
    except (YamlError, ConfigError, RuleFileError, NotationError) as error:
        report.problem = str(error)
        return report
    if watch is not None:
        watch.loaded(groups, tests)
    for index, case in enumerate(tests.tests):
        name = case.name or f"test {index + 1}"
        try:
            failures = _run_case(case, tests, groups, watch)
        except NotationError as error:
            failures = [str(error)]
        report.cases.append(CaseReport(name, tuple(failures)))
    return report


def _load_rules(tests: TestFile, base: Path, *, lenient: bool) -> list[Group]:
    groups: list[Group] = []
    for pattern in tests.rule_files:
        found = sorted(glob.glob(str(base / pattern)))  # noqa: PTH207 - the pattern may be absolute
        if not found:
            raise NotationError(f"rule_files: no file is named {pattern}")
        for path in found:
            # As promtool: groups are evaluated at the test's own interval.
            defaults = RuleDefaults(tests.evaluation_interval, cooldown=0.0, max_per_hour=0)
            groups += load_file(Path(path), defaults, lenient=lenient)
    return groups


def _ordered(groups: list[Group], order: Sequence[str]) -> list[Group]:
    names = [group.name for group in groups]
    if missing := [name for name in order if name not in names]:
        raise NotationError(f"group_eval_order names groups that no rule file has: {', '.join(missing)}")
    rank = {name: index for index, name in enumerate(order)}
    return sorted(groups, key=lambda group: rank.get(group.name, len(rank)))


def _run_case(case: TestCase, tests: TestFile, groups: Sequence[Group], watch: Watch | None) -> list[str]:
    step = tests.evaluation_interval
    world = World(case, groups, case.interval or step)
    times = [one.eval_time for one in case.alert_rule_test] + [one.eval_time for one in case.promql_expr_test]
    last = max(times, default=0.0)
    if last / step > _MAX_ROUNDS:
        raise NotationError(f"more than {_MAX_ROUNDS} evaluations; shorten eval_time or lengthen evaluation_interval")
    failures: list[str] = []
    for number in range(int(last / step + 1e-9) + 1):
        at = number * step
        failures += world.advance(case.start_timestamp + at)
        if watch is not None:
            watch.evaluated(world, case.start_timestamp + at)
        if failures:
            # As promtool: a rule that can't be evaluated ends the case.
            return failures
        for test in case.alert_rule_test:
            if at <= test.eval_time + 1e-9 and test.eval_time < at + step - 1e-9:
                failures += _check_alerts(test, world)
    for expression in case.promql_expr_test:
        failures += _check_expr(expression, world, case.start_timestamp, fuzzy=tests.fuzzy_compare)
    return failures


def _check_alerts(test: AlertTest, world: World) -> list[str]:
    wanted = [
        (
            _sorted({**(one.exp_labels or {}), "alertname": test.alertname}),
            _sorted(one.exp_annotations or {}),
            one.muted,
        )
        for one in test.exp_alerts or ()
    ]
    expected = sorted(wanted, key=_identity)
    found = [(_sorted(one.labels), _sorted(one.annotations), one.muted) for one in world.firing(test.alertname)]
    firing = sorted(found, key=_identity)
    same = len(firing) == len(expected) and all(
        left[:2] == right[:2] and right[2] in {None, left[2]} for left, right in zip(firing, expected, strict=True)
    )
    if same:
        return []
    return [
        f"alertname: {test.alertname}, time: {test.eval_time:g}s\n    exp: {_show(expected)}\n    got: {_show(firing)}"
    ]


def _identity(alert: tuple[Pairs, Pairs, Muted | None]) -> tuple[Pairs, Pairs]:
    return alert[:2]


def _sorted(labels: Labels) -> Pairs:
    return tuple(sorted((name, value) for name, value in labels.items()))


def _show(alerts: Sequence[tuple[Pairs, Pairs, Muted | None]]) -> str:
    return "; ".join(
        f"labels {dict(labels)} annotations {dict(texts)}" + (f" muted {muted.value!r}" if muted is not None else "")
        for labels, texts, muted in alerts
    ) or "none"  # fmt: skip


def _check_expr(test: ExprTest, world: World, start: float, *, fuzzy: bool) -> list[str]:
    where = f"expr: {test.expr!r}, time: {test.eval_time:g}s"
    if any(one.histogram for one in test.exp_samples or ()):
        return [f"{where}: native histograms are not kept yet"]
    try:
        got = sorted((_sorted(labels), value) for labels, value in world.evaluate(test.expr, start + test.eval_time))
    except PromqlError as error:
        return [f"{where}, err: {error}"]
    expected = sorted((_sorted(parse_labels(one.labels)), one.value) for one in test.exp_samples or ())
    same = len(got) == len(expected) and all(
        left[0] == right[0] and _equal(left[1], right[1], fuzzy=fuzzy)
        for left, right in zip(got, expected, strict=True)
    )
    return [] if same else [f"{where}\n    exp: {expected}\n    got: {got}"]


def _equal(left: float, right: float, *, fuzzy: bool) -> bool:
    if left == right or (math.isnan(left) and math.isnan(right)):
        return True
    return fuzzy and right in {math.nextafter(left, math.inf), math.nextafter(left, -math.inf)}
