"""What every benchmark prints and writes."""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services import __version__


class MissingPeerError(SystemExit):
    """A program to compare with is not installed; the message names its package."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} is not installed; it is the peer of this benchmark: apt-get install {package}")


def peer(program: str, package: str) -> str:
    """Return the program's path; raises MissingPeerError."""
    found = shutil.which(program)
    if found is None:
        raise MissingPeerError(program, package)
    return found


def version_of(program: str) -> str:
    """Return the version number that a program prints of itself."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    match = re.search(r"\d+\.\d+(?:\.\d+)?", done.stdout + done.stderr)
    return match[0] if match else "unknown"


@dataclass(frozen=True)
class Figure:
    """One figure of both sides; `target` is the ratio that ours must not exceed, None where none is set."""

    name: str
    ours: float
    peer: float
    unit: str
    target: float | None = None

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.ours / self.peer if self.peer else float("nan")

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        return None if self.target is None else self.ratio <= self.target


@dataclass
class Report:
    """The figures of one run and where they were made."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    versions: dict[str, str] = field(
        default_factory=lambda: {"tocsin": __version__, "python": platform.python_version()}
    )
    notes: list[str] = field(default_factory=list)

    def show(self, console: Console) -> None:
        """Print the table."""
        table = Table(title=self.title)
        for column in ("figure", "ours", "peer", "unit", "ours / peer", "target", "met"):
            table.add_column(column, justify="left" if column in {"figure", "unit"} else "right")
        for figure in self.figures:
            met = {None: "", True: "yes", False: "NO"}[figure.met]
            target = "" if figure.target is None else f"≤ {figure.target:g}"
            table.add_row(
                figure.name, f"{figure.ours:.4g}", f"{figure.peer:.4g}", figure.unit, f"{figure.ratio:.3g}", target, met
            )
        console.print(table)
        for note in self.notes:
            console.print(note)

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        figures = [{**asdict(f), "ratio": f.ratio, "met": f.met} for f in self.figures]
        machine = {"cpus": os.cpu_count(), "system": platform.platform()}
        path.write_text(
            json.dumps({"figures": figures, "machine": machine, "versions": self.versions}, indent=2) + "\n"
        )

    def finish(self, console: Console, file: Path | None) -> int:
        """Print the table, write the JSON where a file was asked for, and return the program's exit code."""
        self.show(console)
        if file is not None:
            self.write(file)
        return 0


def arguments(
    description: str, argv: Sequence[str] | None = None, *, extra: Mapping[str, str] | None = None
) -> argparse.Namespace:
    """Read the arguments that every benchmark has: `--quick` (ends within 5 minutes) and `--json FILE`.

    `extra` are texts of its own: name and help.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; ends within 5 minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    for name, text in (extra or {}).items():
        parser.add_argument(name, help=text)
    return parser.parse_args(argv)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile by linear interpolation (numpy's default)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)
