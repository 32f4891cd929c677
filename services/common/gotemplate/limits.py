"""The bounds within which a template runs, so that none hangs or eats memory."""

from dataclasses import dataclass

from services.common.gotemplate.errors import FunctionError

MAX_TEXT = 1 << 20
"""Characters that one function may return."""

MAX_NESTING = 100
"""Parentheses and control structures that a template's text may nest; Go allows 10,000 parentheses."""

_CHARACTERS_PER_STEP = 256


@dataclass(frozen=True)
class Limits:
    """How much one execution may use.

    `output`: characters written. `steps`: nodes walked, arguments evaluated and 256 characters handled count as one
    each. `depth`: templates, control structures and pipelines inside each other (Go: 100,000 templates).
    """

    output: int = 1 << 20
    steps: int = 200_000
    depth: int = 100


class LimitError(Exception):
    """A bound was passed; the executor turns it into a TemplateError that says where."""


class Budget:
    """What is left of one execution's limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._steps = limits.steps
        self._output = limits.output

    def step(self, count: int = 1) -> None:
        """Use up steps; raises LimitError when there are none left."""
        self._steps -= count
        if self._steps < 0:
            raise LimitError(f"exceeded maximum number of steps ({self._limits.steps})")

    def handle(self, cost: int, *values: object) -> None:
        """Use up steps for the size of the values: `cost` for 256 characters or elements."""
        size = sum(len(value) for value in values if isinstance(value, str | bytes | list | tuple | dict))
        self.step(size * cost // _CHARACTERS_PER_STEP)

    def write(self, count: int) -> None:
        """Use up characters of output; raises LimitError when there are none left."""
        self._output -= count
        if self._output < 0:
            raise LimitError(f"exceeded maximum output size ({self._limits.output} characters)")


def bounded(text: str) -> str:
    """Return the text if a function may return as much; raises FunctionError."""
    check_size(len(text))
    return text


def check_size(count: int) -> None:
    """Raise FunctionError when a function is about to return more characters than it may."""
    if count > MAX_TEXT:
        raise FunctionError(f"result is larger than {MAX_TEXT} characters")
