"""What is wrong with a rule, and what mends it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One complaint about a rule file; a warning does not keep the file out of force."""

    file: str
    line: int
    column: int
    problem: str
    mend: str = ""
    group: str = ""
    rule: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        """Return `file:line:column: group "g", rule "r": problem; mend`."""
        where = ", ".join(f'{kind} "{name}"' for kind, name in (("group", self.group), ("rule", self.rule)) if name)
        text = f"{self.problem}; {self.mend}" if self.mend else self.problem
        return f"{self.file}:{self.line}:{self.column}: {where + ': ' if where else ''}{text}"


class RuleFileError(ValueError):
    """A rule file that can't be taken into force."""

    def __init__(self, problems: "list[Problem]") -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
