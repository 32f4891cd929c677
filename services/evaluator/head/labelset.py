"""Label sets that cost little memory: names are shared by all sets with the same names, equal values are one string."""

import sys
from collections.abc import ItemsView, Iterator, Mapping

_MOST_SHAPES = 10_000
Values = tuple[str, ...]
Kind = tuple[dict[str, int], Values]
"""What label sets of one page and target share: the place of each name, and the values at the end."""
_shapes: dict[tuple[str, ...], dict[str, int]] = {}


class _Pairs(ItemsView[str, str]):
    """Names and values, without a look-up for each."""

    __slots__ = ()
    _mapping: "LabelSet"

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self._mapping.pairs()


class Tail:
    """Labels that many sets end with, such as a target's; their values are held once for all of them."""

    __slots__ = ("names", "values")

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.names = tuple(labels)
        self.values = tuple([sys.intern(value) for value in labels.values()])


class LabelSet(Mapping[str, str]):
    """An unchangeable mapping of label names to values, a third of a dict's size.

    Sets that end with the labels of `tail` share its values. `like` are the other values of a set that is probably
    equal but for them; where it is, both hold the same tuple.
    """

    __slots__ = ("_places", "_tail", "own")

    def __init__(self, labels: Mapping[str, str], tail: Tail | None = None, like: Values | None = None) -> None:
        names, values = tuple(labels), tuple(labels.values())
        places = _shapes.get(names)
        if places is None:
            if len(_shapes) >= _MOST_SHAPES:
                _shapes.clear()
            places = _shapes[names] = {sys.intern(name): place for place, name in enumerate(names)}
        self._places = places
        self._tail: Values = ()
        if tail is not None and tail.names:
            size = len(tail.names)
            if names[-size:] == tail.names and values[-size:] == tail.values:
                self._tail, values = tail.values, values[:-size]
        self.own = like if like == values else tuple([sys.intern(value) for value in values])

    @classmethod
    def of(cls, kind: Kind, own: Values) -> "LabelSet":
        """Put a label set together again from what another one was made of."""
        made = cls.__new__(cls)
        made._places, made._tail = kind  # noqa: SLF001 - of its own class
        made.own = own
        return made

    @property
    def kind(self) -> Kind:
        """All but the set's own values."""
        return self._places, self._tail

    def __getitem__(self, name: str) -> str:
        place, own = self._places[name], self.own
        return own[place] if place < len(own) else self._tail[place - len(own)]

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # str keys only
        """Return a label's value, or the default."""
        place = self._places.get(name)
        if place is None:
            return default
        own = self.own
        return own[place] if place < len(own) else self._tail[place - len(own)]

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Return names with values."""
        return zip(self._places, self.own + self._tail, strict=True)

    def items(self) -> ItemsView[str, str]:
        """Return a view of names with values."""
        return _Pairs(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LabelSet) and other._places is self._places:
            return self.own + self._tail == other.own + other._tail
        return isinstance(other, Mapping) and dict(self.pairs()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]  # as a dict: equal to one, so not hashable

    def __repr__(self) -> str:
        return repr(dict(self.pairs()))


def label_set(labels: Mapping[str, str]) -> LabelSet:
    """Return the labels in compact form."""
    return labels if isinstance(labels, LabelSet) else LabelSet(labels)
