"""Reads rule files: model, expressions, templates, duplicates; every problem with file, line, rule and mend."""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.common.config import ConfigError, validate
from services.common.gotemplate import TemplateError, prometheus
from services.common.yaml_source import KeyPath, YamlError, YamlSource, read_yaml
from services.evaluator.promql import Expr, PromqlError, parse, value_type
from services.evaluator.rules.definition import AlertingRule, Group, RecordingRule, Rule
from services.evaluator.rules.model import GroupModel, RuleFileModel, RuleModel
from services.evaluator.rules.presence import presence
from services.evaluator.rules.problem import Problem, RuleFileError, Severity


@dataclass(frozen=True)
class RuleDefaults:
    """What a rule has where its file gives nothing; seconds.

    A rule without `no_data` resolves when its series vanish, as in Prometheus.
    """

    interval: float = 15.0
    query_offset: float = 0.0
    cooldown: float = 900.0
    max_per_hour: int = 4


def find_files(patterns: Sequence[str], base: Path) -> list[Path]:
    """Return the files that the patterns name (globs, relative to `base`), sorted, each once."""
    return sorted({Path(path) for pattern in patterns for path in glob.glob(str(base / pattern), recursive=True)})  # noqa: PTH207 - patterns may be absolute


def load_file(path: Path, defaults: RuleDefaults, *, name: str | None = None, lenient: bool = False) -> list[Group]:
    """Return the file's groups ready to run; raises RuleFileError with all problems found."""
    groups, problems = inspect_file(path, defaults, name=name, lenient=lenient)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise RuleFileError(errors)
    return groups


def inspect_file(
    path: Path, defaults: RuleDefaults, *, name: str | None = None, lenient: bool = False
) -> tuple[list[Group], list[Problem]]:
    """Return the groups that could be built and every problem; `name` is how the file is called in keys and texts.

    `lenient` reads over keys of groups and rules that are not known.
    """
    shown = name or str(path)
    try:
        source = read_yaml(path, as_written=True)
    except YamlError as error:
        return [], [Problem(shown, error.line, error.column, f"not YAML: {error.problem}", "correct the syntax there")]
    try:
        data = _known_only(source.data) if lenient else source.data
        model = validate(RuleFileModel, data or {}, source, ())
    except ConfigError as error:
        return [], [_from_config(shown, line) for line in str(error).splitlines()]
    builder = _Builder(shown, source, defaults)
    groups = [builder.group(index, group) for index, group in enumerate(model.groups)]
    builder.check_group_names(model.groups)
    return groups, builder.problems


def _known_only(data: object) -> object:
    """Return the document without the keys of groups and rules that Prometheus and Tocsin don't know."""
    if not isinstance(data, dict) or not isinstance(data.get("groups"), list):
        return data
    return {"groups": [_with_keys(group, GroupModel) for group in data["groups"]]}


def _with_keys(data: object, model: type[GroupModel] | type[RuleModel]) -> object:
    if not isinstance(data, dict):
        return data
    known = {field.alias or name for name, field in model.model_fields.items()}
    kept = {name: value for name, value in data.items() if name in known}
    if isinstance(kept.get("rules"), list):
        kept["rules"] = [_with_keys(rule, RuleModel) for rule in kept["rules"]]
    return kept


def _from_config(file: str, text: str) -> Problem:
    place, _, problem = text.partition(": ")
    _, line, column = place.rsplit(":", 2)
    return Problem(file, int(line), int(column), problem, "see the rule file format in the documentation")


@dataclass
class _Builder:
    file: str
    source: YamlSource
    defaults: RuleDefaults
    problems: list[Problem] = field(default_factory=list)

    def _add(self, path: KeyPath, problem: str, mend: str, *, rule: str = "", warning: bool = False) -> None:
        group = self.source.data["groups"][path[1]].get("name", "") if len(path) > 1 else ""
        severity: Severity = "warning" if warning else "error"
        line, column = self.source.position(path)
        self.problems.append(Problem(self.file, line, column, problem, mend, str(group), rule, severity))

    def check_group_names(self, groups: Sequence[GroupModel]) -> None:
        seen: set[str] = set()
        for index, group in enumerate(groups):
            if group.name in seen:
                self._add(
                    ("groups", index), f"group name {group.name!r} stands twice in this file", "rename one of them"
                )
            seen.add(group.name)

    def group(self, index: int, model: GroupModel) -> Group:
        path: KeyPath = ("groups", index)
        key = f"{self.file};{model.name}"
        rules: list[Rule] = []
        seen: dict[tuple[object, ...], int] = {}
        for number, rule in enumerate(model.rules):
            where = (*path, "rules", number)
            labels = {**model.labels, **rule.labels}
            identity = (rule.alert, rule.record, tuple(sorted(labels.items())))
            ordinal = seen[identity] = seen.get(identity, -1) + 1
            if ordinal and any(one.name == rule.name and one.expr.text == _text(rule.expr) for one in rules):
                self._add(where, "the same rule stands twice in the group", "remove one", rule=rule.name, warning=True)
            rule_key = f"{'alert' if rule.alert else 'record'}:{rule.name}:{_canonical_labels(labels)}:{ordinal}"
            built = self._rule(where, rule, labels, rule_key)
            if built is not None:
                rules.append(built)
        return Group(
            key, model.name, self.file, model.interval or self.defaults.interval,
            self.defaults.query_offset if model.query_offset is None else model.query_offset,
            max(0, model.limit), tuple(rules),
            model.source.rstrip("/"),
        )  # fmt: skip

    def _rule(self, path: KeyPath, model: RuleModel, labels: Mapping[str, str], key: str) -> Rule | None:
        expr = self._expr((*path, "expr"), model.expr, model.name)
        line = self.source.position(path)[0]
        if model.record:
            if "{" in model.record or "}" in model.record:
                self._add((*path, "record"), "braces in a recorded name", "move the labels to labels:", rule=model.name)
            return RecordingRule(model.record, expr, labels, self.file, line, key) if expr is not None else None
        clear = self._expr((*path, "clear"), model.clear, model.name) if model.clear is not None else None
        self._templates(path, model, labels)
        if expr is None:
            return None
        watches = presence(expr)
        if clear is not None and watches is None:
            watches = presence(clear)
        no_data = model.no_data or "resolve"
        if no_data != "resolve" and watches is None:
            self._add(
                (*path, "no_data"),
                f"no_data: {no_data} has no effect: the expression compares nothing, so missing data can't be told",
                "compare a metric with a threshold",
                rule=model.name,
                warning=True,
            )
        return AlertingRule(
            name=model.name, expr=expr, labels=labels, annotations=model.annotations,
            file=self.file, line=line, key=key, hold=model.for_ or 0.0,
            keep_firing=model.keep_firing_for or 0.0, clear=clear, no_data=no_data,
            cooldown=self.defaults.cooldown if model.cooldown is None else model.cooldown,
            max_per_hour=self.defaults.max_per_hour if model.max_alerts_per_hour is None else model.max_alerts_per_hour,
            presence=watches, depends_on=model.depends_on,
        )  # fmt: skip

    def _expr(self, path: KeyPath, text: str, rule: str) -> Expr | None:
        try:
            expr = parse(text)
        except PromqlError as error:
            place = f" at {error.line}:{error.column} of the expression" if error.line else ""
            self._add(path, f"could not parse expression{place}: {error.message}", "correct the expression", rule=rule)
            return None
        if (kind := value_type(expr)) not in {"vector", "scalar"}:
            self._add(path, f"the expression gives a {kind}, a rule needs a vector or a scalar",
                      "apply a function such as rate() or avg_over_time()", rule=rule)  # fmt: skip
            return None
        return expr

    def _templates(self, path: KeyPath, model: RuleModel, labels: Mapping[str, str]) -> None:
        for kind, texts in (("labels", labels), ("annotations", model.annotations)):
            for name, text in texts.items():
                try:
                    prometheus.check(text, alert=model.name)
                except TemplateError as error:
                    self._add((*path, kind, name), f"template of {kind[:-1]} {name!r}: {error}", "correct the template",
                              rule=model.name)  # fmt: skip


def _canonical_labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value!r}" for name, value in sorted(labels.items()))


def _text(expr: str) -> str:
    try:
        return parse(expr).text
    except PromqlError:
        return expr
