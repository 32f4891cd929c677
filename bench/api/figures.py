"""Figures with limits; nothing else answers these questions over the same data, so there is no peer to divide by."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.report import percentile
from services import __version__

_PEER = (
    "no peer: Prometheus and VictoriaMetrics answer range queries from engines of their own, not from roll-ups in "
    "PostgreSQL, and keep no record of alerts"
)


@dataclass(frozen=True)
class Latency:
    """Answers to one question: how many a second with several at once, and how long one takes by itself, in ms."""

    name: str
    per_second: float
    busy_p95: float
    alone_p50: float
    alone_p95: float
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether p95 of single answers is within the limit; None without one."""
        return None if self.limit is None else self.alone_p95 <= self.limit


@dataclass(frozen=True)
class Single:
    """One figure."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is within the limit; None without one."""
        return None if self.limit is None else self.value <= self.limit


@dataclass
class Figures:
    """All figures of a run."""

    title: str
    latencies: list[Latency] = field(default_factory=list)
    singles: list[Single] = field(default_factory=list)

    def spread(self, name: str, seconds: Sequence[float], limit: float | None) -> None:
        """Add median and 95th percentile of delays, the limit for the latter."""
        self.singles.append(Single(f"{name}, p50", percentile(seconds, 0.5), "s"))
        self.singles.append(Single(f"{name}, p95", percentile(seconds, 0.95), "s", limit))
        self.singles.append(Single(f"{name}, longest of {len(seconds)}", max(seconds), "s"))

    def show(self, console: Console) -> None:
        """Print both tables."""
        if self.latencies:
            console.print(_latency_table(self.title, self.latencies))
        if self.singles:
            console.print(_single_table(self.singles))
        console.print(_PEER)

    def write(self, path: Path) -> None:
        """Write all as JSON."""
        machine = {"cpus": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
        found = {
            "title": self.title,
            "questions": [{**asdict(one), "met": one.met} for one in self.latencies],
            "figures": [{**asdict(one), "met": one.met} for one in self.singles],
            "machine": machine,
            "versions": {"tocsin": __version__, "python": platform.python_version()},
        }
        path.write_text(json.dumps(found, indent=2) + "\n")


def _met(one: Latency | Single) -> str:
    return {None: "", True: "yes", False: "NO"}[one.met]


def _limit(one: Latency | Single) -> str:
    return "" if one.limit is None else f"{one.limit:g}"


def _latency_table(title: str, latencies: Sequence[Latency]) -> Table:
    table = Table(title=title)
    table.add_column("question")
    for column in ("a second", "p95 then, ms", "alone p50, ms", "alone p95, ms", "limit", "met"):
        table.add_column(column, justify="right")
    for one in latencies:
        figures = (one.per_second, one.busy_p95, one.alone_p50, one.alone_p95)
        table.add_row(one.name, *(f"{figure:.1f}" for figure in figures), _limit(one), _met(one))
    return table


def _single_table(singles: Sequence[Single]) -> Table:
    table = Table()
    for column in ("figure", "value", "unit", "limit", "met"):
        table.add_column(column, justify="left" if column in {"figure", "unit"} else "right")
    for one in singles:
        table.add_row(one.name, f"{one.value:.3g}", one.unit, _limit(one), _met(one))
    return table
