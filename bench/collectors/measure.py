"""What one scrape costs: time, CPU of the exporter and of its target, and what the target had to do for it.

Sequential HTTP GETs with gzip, each over a new connection, after warm-ups; the wall time is the client's. CPU is user +
system time from /proc (ticks of 10 ms, so only its mean over many scrapes means something), with children, living and
reaped.
"""

import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from bench.report import median, percentile

Counter = Callable[[], Awaitable[Mapping[str, float]]]
"""Reads what the target has done so far, such as {"statements": 120, "connections": 3}."""

_TICKS = os.sysconf("SC_CLK_TCK")
_WARM_UPS = 5
_COUNTED_SCRAPES = 3
_TIMEOUT = aiohttp.ClientTimeout(total=60)


@dataclass(frozen=True)
class Subject:
    """One exporter under measure."""

    name: str
    url: str
    """Its page."""
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """The server that is scraped; `counter` is read around a few scrapes of their own, apart from the timed ones."""

    pid: int | None = None
    counter: Counter | None = None


@dataclass(frozen=True)
class Usage:
    """One scrape's cost; times in milliseconds."""

    name: str
    samples: int
    wall_p50_ms: float
    wall_p95_ms: float
    own_cpu_ms: float
    target_cpu_ms: float | None
    rss_mib: float
    on_target: Mapping[str, float]
    """What the target did for one scrape."""

    def figure(self, name: str) -> float | None:
        """Return a figure by its name, also one of `on_target`."""
        value = self.on_target.get(name)
        return value if value is not None else getattr(self, name, None)


@dataclass
class Comparison:
    """Ours and the peers' on one target; `limits` are what ours must not exceed, by figure."""

    title: str
    ours: Usage
    peers: Sequence[Usage]
    limits: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def missed(self) -> list[str]:
        """Return the figures over their limit."""
        return [name for name, most in self.limits.items() if (value := self.ours.figure(name)) is None or value > most]

    def show(self, console: Console) -> None:
        """Print the table, a line for each figure."""
        sides = [self.ours, *self.peers]
        table = Table(title=self.title)
        table.add_column("per scrape")
        for side in sides:
            table.add_column(side.name, justify="right")
        table.add_column("limit of ours", justify="right")
        counted = list(dict.fromkeys(name for side in sides for name in side.on_target))
        for name in (
            "samples", "wall_p50_ms", "wall_p95_ms", "own_cpu_ms", "target_cpu_ms", *counted, "rss_mib",
        ):  # fmt: skip
            limit = "" if name not in self.limits else f"≤ {self.limits[name]:g}"
            mark = " MISSED" if name in self.missed() else ""
            table.add_row(name, *(_shown(side.figure(name)) for side in sides), limit + mark)
        console.print(table)
        for note in self.notes:
            console.print(note)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"  # noqa: RUF001 - a dash


def write_json(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write all figures."""
    path.write_text(json.dumps([{**asdict(one), "missed": one.missed()} for one in comparisons], indent=2) + "\n")


def cpu_seconds(pid: int) -> float:
    """Return user + system time of a process, its reaped children and all its living descendants."""
    total = 0.0
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total = sum(map(int, fields[11:15])) / _TICKS
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += sum(cpu_seconds(int(child)) for child in (thread / "children").read_text().split())
    return total


def resident_mib(pid: int) -> float:
    """Return VmRSS in MiB."""
    match = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(match[1]) / 1024 if match else 0.0


async def scrape(subject: Subject) -> tuple[float, str]:
    """Return the seconds that one GET over a new connection took, and the page; raises for any status but 200."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        start = time.perf_counter()
        headers = {"Accept-Encoding": "gzip", **subject.headers}
        async with session.get(subject.url, headers=headers) as answer:
            body = await answer.text()
            took = time.perf_counter() - start
            answer.raise_for_status()
    return took, body


async def measure(subject: Subject, watched: Watched, *, rounds: int) -> Usage:
    """Scrape so many times and return what one scrape costs; raises when a scrape fails."""
    for _ in range(_WARM_UPS):
        _, body = await scrape(subject)
    own, target = cpu_seconds(subject.pid), _target_cpu(watched)
    walls = [(await scrape(subject))[0] * 1000 for _ in range(rounds)]
    own_ms = (cpu_seconds(subject.pid) - own) * 1000 / rounds
    after = _target_cpu(watched)
    return Usage(
        name=subject.name,
        samples=sum(1 for line in body.splitlines() if line and not line.startswith("#")),
        wall_p50_ms=median(walls),
        wall_p95_ms=percentile(walls, 0.95),
        own_cpu_ms=own_ms,
        target_cpu_ms=None if after is None or target is None else (after - target) * 1000 / rounds,
        rss_mib=resident_mib(subject.pid),
        on_target=await _counted(subject, watched),
    )


def _target_cpu(watched: Watched) -> float | None:
    return None if watched.pid is None else cpu_seconds(watched.pid)


async def _counted(subject: Subject, watched: Watched) -> dict[str, float]:
    if watched.counter is None:
        return {}
    before = await watched.counter()
    for _ in range(_COUNTED_SCRAPES):
        await scrape(subject)
    after = await watched.counter()
    return {name: (value - before.get(name, 0)) / _COUNTED_SCRAPES for name, value in after.items()}
