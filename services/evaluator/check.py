"""`tocsin rules check`: everything that can be told about rule files without running them."""

from collections.abc import Sequence
from pathlib import Path

from services.evaluator.rules.definition import AlertingRule, Group
from services.evaluator.rules.loader import RuleDefaults, inspect_file
from services.evaluator.rules.problem import Problem

_WANTED = ("summary", "description")


def check_files(paths: Sequence[Path]) -> list[Problem]:
    """Return every problem of these rule files, by file and line; a missing file is one too."""
    problems: list[Problem] = []
    for path in paths:
        groups, found = inspect_file(path, RuleDefaults())
        problems += found
        for group in groups:
            problems += _advice(group)
    return sorted(problems, key=lambda one: (one.file, one.line, one.column))


def _advice(group: Group) -> list[Problem]:
    found = []
    for rule in group.rules:
        if not isinstance(rule, AlertingRule):
            continue
        missing = [name for name in _WANTED if not rule.annotations.get(name)]
        if missing:
            found.append(
                Problem(
                    rule.file, rule.line, 1, f"no annotation {' or '.join(missing)}",
                    "say what happened, so that whoever is paged can act", group.name, rule.name, "warning",
                )
            )  # fmt: skip
    return found
