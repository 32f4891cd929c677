"""The short description of a dashboard: a YAML file in deploy/grafana/panels."""

from pathlib import Path
from typing import Literal

from services.common.config import StrictModel, validate
from services.common.yaml_source import read_yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "grafana"

Unit = Literal["bool", "percentunit", "percent", "s", "short", "ops", "reqps", "bytes", "Bps"]


class Panel(StrictModel):
    """One panel; `queries` are PromQL by legend."""

    title: str
    kind: Literal["timeseries", "stat"] = "timeseries"
    unit: Unit
    queries: dict[str, str]


class Row(StrictModel):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


class Dashboard(StrictModel):
    """One dashboard; `targets` is the query of its variable `target`, empty where it has none."""

    uid: str
    title: str
    targets: str = ""
    rows: tuple[Row, ...]

    @property
    def panels(self) -> list[Panel]:
        """All panels."""
        return [panel for row in self.rows for panel in row.panels]


def read_all() -> dict[str, Dashboard]:
    """Return all descriptions by name; raises ConfigError or YamlError."""
    found = {}
    for path in sorted((FOLDER / "panels").glob("*.yml")):
        source = read_yaml(path)
        found[path.stem] = validate(Dashboard, source.data, source, ())
    return found
