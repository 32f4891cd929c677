"""The busiest by name, the rest as one `other` whose counters never fall because of who is shown.

A counter of `other` is the sum over those that are not shown. When the shown ones change, that sum would fall or jump
by all that they have ever counted, and `rate()` would take it for a restart. So what goes out is added to an offset
and what comes in is taken off. One that is dropped while it belongs to `other` still makes it fall: a restart, truly.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

Values: TypeAlias = Sequence[float]
Key = TypeVar("Key")
_AGAIN_AFTER = 300.0


class Others(Generic[Key]):
    """The shown ones of one list."""

    def __init__(self) -> None:
        self.shown: tuple[Key, ...] = ()
        self._offset: list[float] = []
        self._chosen_at: float | None = None
        self._room = True

    def due(self, now: float) -> bool:
        """Tell whether the shown ones are to be chosen anew: after five minutes, or while there is room for more."""
        return self.has_room or self.grown_old(now)

    @property
    def has_room(self) -> bool:
        """Whether fewer are shown than may be."""
        return self._room

    def grown_old(self, now: float) -> bool:
        """Tell whether nothing was chosen for five minutes."""
        return self._chosen_at is None or now - self._chosen_at >= _AGAIN_AFTER

    def asked(self, best: Sequence[Key] | None) -> list[Key]:
        """Return whom to read one by one: those that are shown, and those that may be in their place."""
        return list(dict.fromkeys([*self.shown, *(best or ())]))

    def take(
        self, values: Mapping[Key, Values], rest: Values, best: Sequence[Key] | None, most: int, now: float
    ) -> tuple[list[Key], list[float]]:
        """Return who is shown, and the counters of all others together.

        `values` has those that were asked for one by one, `rest` is the sum of all the others; `best` is the newest
        order, None when it was not due.
        """
        width = len(rest)
        if not self._offset:
            self._offset = [0.0] * width
        before = [key for key in self.shown if key in values]
        if best is None:
            self.shown = tuple(before)
        else:
            self.shown = tuple(key for key in best[:most] if key in values)
            self._room, self._chosen_at = len(self.shown) < most, now
        after = _outside(values, self.shown, rest)
        if best is not None and before:
            old = _outside(values, before, rest)
            self._offset = [offset + was - now_ for offset, was, now_ in zip(self._offset, old, after, strict=True)]
        # A table that is new counts into `other` until it is shown: the offset may not push the sum below nothing.
        return list(self.shown), [
            max(0.0, value + offset) for value, offset in zip(after, self._offset, strict=True)
        ]  # fmt: skip


def _outside(values: Mapping[Key, Values], shown: Collection[Key], rest: Values) -> list[float]:
    inside = set(shown)
    outside = [value for key, value in values.items() if key not in inside]
    return [sum(column) for column in zip(rest, *outside, strict=True)]


def best_of(values: Mapping[Key, Values], weight: Callable[[Values], float], most: int) -> list[Key]:
    """Return the keys of the `most` heaviest, heaviest first; equals in the order of their keys' texts."""
    return sorted(values, key=lambda key: (-weight(values[key]), str(key)))[:most]
