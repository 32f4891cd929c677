"""Warnings and infos that go with a result, in Prometheus' words."""

from services.evaluator.promql.ast import Position


class Annotations:
    """Texts without repeats, in the order they came up."""

    def __init__(self) -> None:
        self._warnings: dict[str, None] = {}
        self._infos: dict[str, None] = {}

    def warn(self, text: str, position: Position) -> None:
        """Note that the result may be wrong."""
        self._warnings[f"PromQL warning: {text} ({position[0]}:{position[1]})"] = None

    def info(self, text: str, position: Position) -> None:
        """Note that the query may not mean what its author thinks."""
        self._infos[f"PromQL info: {text} ({position[0]}:{position[1]})"] = None

    @property
    def warnings(self) -> list[str]:
        """All warnings."""
        return list(self._warnings)

    @property
    def infos(self) -> list[str]:
        """All infos."""
        return list(self._infos)

    def __len__(self) -> int:
        return len(self._warnings) + len(self._infos)

    def update(self, other: "Annotations") -> None:
        """Take over what another part of the query noted."""
        self._warnings.update(other._warnings)
        self._infos.update(other._infos)
