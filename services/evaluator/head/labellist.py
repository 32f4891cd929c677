"""Many label sets in little memory: each is put together when it is looked at.

A label set is the values that its page gives, held once for all targets with the same page, and a kind: its names and
the values of its target. An object for each would take 56 bytes a series, and the collector's time.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from services.evaluator.head.labelset import Kind, LabelSet, Values, label_set

_FEW = 1 << 16


class LabelSets(Sequence[LabelSet]):
    """Label sets that never change. `like`: values that theirs probably equal; then the same tuple is held."""

    __slots__ = ("_codes", "_kinds", "owns")

    def __init__(self, labels: Sequence[LabelSet], like: tuple[Values, ...] = ()) -> None:
        owns = tuple([one.own for one in labels])
        self.owns = like if like == owns else owns
        numbers: dict[tuple[int, Values], int] = {}
        self._kinds: list[Kind] = []
        codes: list[int] = []
        for one in labels:
            places, tail = kind = one.kind
            number = numbers.setdefault((id(places), tail), len(numbers))
            if number == len(self._kinds):
                self._kinds.append(kind)
            codes.append(number)
        self._codes = array("H" if len(self._kinds) <= _FEW else "I", codes)

    def __len__(self) -> int:
        return len(self.owns)

    @overload
    def __getitem__(self, place: int) -> LabelSet: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[LabelSet]: ...
    def __getitem__(self, place: int | slice) -> LabelSet | Sequence[LabelSet]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return LabelSet.of(self._kinds[self._codes[place]], self.owns[place])

    def __iter__(self) -> Iterator[LabelSet]:
        kinds = self._kinds
        for code, own in zip(self._codes, self.owns, strict=True):
            yield LabelSet.of(kinds[code], own)


class RowLabels:
    """The label sets of numbered rows; a row may have none."""

    def __init__(self) -> None:
        self._owns: list[Values | None] = []
        self._codes = array("i")
        self._kinds: list[Kind | None] = []
        self._uses: list[int] = []
        self._numbers: dict[tuple[int, Values], int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._owns)

    def __getitem__(self, row: int) -> LabelSet | None:
        own = self._owns[row]
        kind = self._kinds[self._codes[row]] if own is not None else None
        return None if own is None or kind is None else LabelSet.of(kind, own)

    def all(self) -> Iterator[LabelSet]:
        """Return every row's labels."""
        return (labels for row in range(len(self)) if (labels := self[row]) is not None)

    def value(self, row: int, name: str) -> str:
        """Return the value of one label of a row, empty without it."""
        own = self._owns[row]
        kind = self._kinds[self._codes[row]] if own is not None else None
        if own is None or kind is None:
            return ""
        place = kind[0].get(name)
        if place is None:
            return ""
        return own[place] if place < len(own) else kind[1][place - len(own)]

    def grow(self, rows: int) -> None:
        """Add rows without labels."""
        self._owns += [None] * rows
        self._codes.extend([0] * rows)

    def put(self, row: int, labels: Mapping[str, str]) -> None:
        """Give a row that has none its labels."""
        one = label_set(labels)
        places, tail = kind = one.kind
        key = id(places), tail  # `places` is held by the kind, so that the id stays its own
        number = self._numbers.get(key)
        if number is None:
            number = self._number(kind)
            self._numbers[key] = number
        self._uses[number] += 1
        self._owns[row], self._codes[row] = one.own, number

    def _number(self, kind: Kind) -> int:
        if self._free:
            number = self._free.pop()
            self._kinds[number] = kind
        else:
            number = len(self._kinds)
            self._kinds.append(kind)
            self._uses.append(0)
        return number

    def clear(self, row: int) -> None:
        """Take a row's labels away."""
        if self._owns[row] is None:
            return
        number = self._codes[row]
        self._owns[row] = None
        self._uses[number] -= 1
        kind = self._kinds[number]
        if not self._uses[number] and kind is not None:
            del self._numbers[id(kind[0]), kind[1]]
            self._kinds[number] = None
            self._free.append(number)
