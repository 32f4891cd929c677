"""The series of one scrape, in the order of its page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.evaluator.head.labellist import LabelSets
from services.evaluator.head.labelset import Values, label_set

Labels = Mapping[str, str]


@dataclass(frozen=True, eq=False, slots=True, init=False)
class Layout:
    """Label sets, each with `__name__`; the same object for as long as the page's series stay the same.

    `like`: see LabelSets.
    """

    labels: LabelSets

    def __init__(self, labels: Iterable[Labels], like: tuple[Values, ...] = ()) -> None:
        object.__setattr__(self, "labels", LabelSets([label_set(item) for item in labels], like))


def series_hash(labels: Labels) -> int:
    """Return a number that is equal for equal label sets, within this process."""
    return hash(frozenset(labels.items()))
