"""What expressions give: columns over the evaluation steps.

Not frozen, as setting the fields of a frozen one takes twice the time, and a tick makes thousands. Nobody changes them.
"""

from dataclasses import dataclass

import numpy as np

from services.evaluator.promql.storage import Bools, Floats
from services.evaluator.promql.table import Table


@dataclass(eq=False, slots=True)
class Vector:
    """n series over T steps: `values` and `present` are n x T; `present` None means that every cell is a sample."""

    table: Table
    values: Floats
    present: Bools | None = None

    @property
    def mask(self) -> Bools:
        """Presence as an array."""
        return np.ones(self.values.shape, np.bool_) if self.present is None else self.present

    @property
    def steps(self) -> int:
        """The number of steps."""
        return int(self.values.shape[1])


@dataclass(eq=False, slots=True)
class Scalar:
    """One number per step."""

    values: Floats


@dataclass(eq=False, slots=True)
class Text:
    """A string."""

    value: str


Value = Vector | Scalar | Text


def both(left: Bools | None, right: Bools | None) -> Bools | None:
    """Combine two presences."""
    if left is None:
        return right
    return left if right is None else left & right
