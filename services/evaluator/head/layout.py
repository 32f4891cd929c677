"""The series of one scrape, in the order of its page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.evaluator.head.labelset import LabelSet, label_set

Labels = Mapping[str, str]


@dataclass(frozen=True, eq=False, slots=True, init=False)
class Layout:
    """Label sets, each with `__name__`; the same object for as long as the page's series stay the same."""

    labels: tuple[LabelSet, ...]

    def __init__(self, labels: Iterable[Labels]) -> None:
        object.__setattr__(self, "labels", tuple([label_set(item) for item in labels]))


def series_hash(labels: Labels) -> int:
    """Return a number that is equal for equal label sets, within this process."""
    return hash(frozenset(labels.items()))
