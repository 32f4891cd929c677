"""How the findings of a check are shown."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from services.evaluator.rules.problem import Problem


def errors_of(problems: Sequence[Problem]) -> int:
    """Return how many of the problems keep a file out of force."""
    return sum(one.severity == "error" for one in problems)


def as_text(problems: Sequence[Problem], files: int) -> str:
    """Return a line for each problem and one for all."""
    errors = errors_of(problems)
    lines = [f"{one.severity}: {one}" for one in problems]
    return "\n".join([*lines, f"{files} file(s), {errors} error(s), {len(problems) - errors} warning(s)"])


def as_json(problems: Sequence[Problem], files: int) -> str:
    """Return `{files, errors, warnings, problems: [{file, line, column, severity, group, rule, problem, mend}]}`."""
    errors = errors_of(problems)
    document = {
        "files": files, "errors": errors, "warnings": len(problems) - errors,
        "problems": [asdict(one) for one in problems],
    }  # fmt: skip
    return json.dumps(document, indent=2, ensure_ascii=False)
