"""The series of one scrape, in the order of its page."""

from collections.abc import Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Label sets, each with `__name__`; the same object for as long as the page's series stay the same."""

    labels: tuple[Labels, ...]


def series_hash(labels: Labels) -> int:
    """Return a number that is equal for equal label sets, within this process."""
    return hash(frozenset(labels.items()))
