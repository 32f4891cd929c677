"""Warnings and infos that go with a result, in Prometheus' words."""

from collections.abc import Iterator

from services.evaluator.promql.ast import Position


class Annotations:
    """Texts without repeats, in the order they came up."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], None] = {}

    def warn(self, text: str, position: Position) -> None:
        """Note that the result may be wrong."""
        self._texts["warning", f"PromQL warning: {text} ({position[0]}:{position[1]})"] = None

    def info(self, text: str, position: Position) -> None:
        """Note that the query may not mean what its author thinks."""
        self._texts["info", f"PromQL info: {text} ({position[0]}:{position[1]})"] = None

    @property
    def warnings(self) -> list[str]:
        """All warnings."""
        return [text for kind, text in self._texts if kind == "warning"]

    @property
    def infos(self) -> list[str]:
        """All infos."""
        return [text for kind, text in self._texts if kind == "info"]

    def __len__(self) -> int:
        return len(self._texts)

    def update(self, other: "Annotations") -> None:
        """Take over what another part of the query noted."""
        if len(other):
            self._texts.update(dict.fromkeys(other))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._texts)
