"""What a component's file in `panels/` says."""

from dataclasses import dataclass

from services.api.overview.model import Unit


@dataclass(frozen=True)
class PanelSpec:
    """One panel: its recorded series gives the value, the rules that compare that series give the limits."""

    key: str
    title: str
    expr: str
    unit: Unit
    grid: int = 0
    """Its place in the metrics grid, from 1; 0 keeps it out."""


@dataclass(frozen=True)
class ComponentSpec:
    """One watched component; `card` holds the metrics of its card, `others` panels that stand elsewhere."""

    key: str
    title: str
    card: tuple[PanelSpec, ...]
    others: tuple[PanelSpec, ...] = ()

    @property
    def panels(self) -> tuple[PanelSpec, ...]:
        """All its panels."""
        return self.card + self.others
