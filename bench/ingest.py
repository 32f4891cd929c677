"""What a scraped sample costs in CPU: Tocsin's evaluator beside Prometheus, over the same targets, in the same run.

Both sides scrape targets of 1,000 series each (bench/exporter.py) every 5 s, paced as in real use, at the same time.
CPU is user + system time of the process from /proc; samples are counted by each side itself. First with everything
kept (`retain: all`) and no rules, at growing numbers of series; then with rules that read 5 % of the series, which is
how Tocsin is meant to run: it keeps what rules need.
"""

import asyncio
import re
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml
from rich.console import Console

from bench.exporter import FAMILIES, SERIES, changed_share, make_pages, scrape_configs, start_targets
from bench.processes import HOST, Side, free_port, start, wait_ready
from bench.report import Figure, Report, arguments, peer, version_of
from bench.tocsin_side import start_evaluator

INTERVAL = "5s"
_WARM_UP_SECONDS = 17.0
_LARGE = 100_000
_GOAL_ALL, _GOAL_RULES = 0.5, 0.35


@dataclass(frozen=True)
class Case:
    """One measurement: how many series, and whether rules read 5 % of them."""

    series: int
    rules: bool = False

    @property
    def name(self) -> str:
        """What the tables call it."""
        kept = "rules read 5 %" if self.rules else "everything kept"
        return f"{self.series // 1000}k series, {kept}"

    @property
    def goal(self) -> float | None:
        """The ratio that must not be exceeded."""
        return None if self.series != _LARGE else _GOAL_RULES if self.rules else _GOAL_ALL


def rules(case: Case) -> dict[str, object]:
    """Return alert rules over 50 of each target's 1,000 series, or none."""
    made = [
        {"alert": f"PoolLarge{number}", "expr": f"pool_{number:02d}_resident_bytes > 1e15", "for": "1m"}
        for number in range(FAMILIES)
    ]
    return {"groups": [{"name": "bench", "rules": made}] if case.rules else []}


class Measured:
    """One side: its process and the counter of the samples that it took in."""

    def __init__(self, side: Side, metrics: str, counter: str) -> None:
        self.side, self._metrics = side, metrics
        self._pattern = re.compile(rf"^{counter}(?:\{{[^}}]*\}})? (\S+)$", re.MULTILINE)
        self._cpu = self._samples = 0.0

    async def begin(self) -> None:
        """Note where the counters stand."""
        self._samples, self._cpu = await self._count(), self.side.cpu_seconds()

    async def end(self) -> tuple[float, float]:
        """Return CPU seconds and samples since the beginning."""
        cpu = self.side.cpu_seconds() - self._cpu
        return cpu, await self._count() - self._samples

    async def _count(self) -> float:
        async with aiohttp.ClientSession() as session, session.get(self._metrics) as answer:
            return sum(map(float, self._pattern.findall(await answer.text())))


async def start_prometheus(stack: AsyncExitStack, folder: Path, case: Case, jobs: list[dict[str, object]]) -> Measured:
    """Start Debian's Prometheus."""
    program, port = peer("prometheus", "prometheus"), free_port(HOST)
    (folder / "rules.yml").write_text(yaml.safe_dump(rules(case)))
    config = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    argv = [program, f"--web.listen-address={HOST}:{port}", f"--storage.tsdb.path={folder / 'tsdb'}",
            "--config.file=prometheus.yml"]  # fmt: skip
    side = start(stack, "prometheus", argv, folder)
    await wait_ready(side, f"http://{HOST}:{port}/-/ready")
    return Measured(side, f"http://{HOST}:{port}/metrics", "prometheus_tsdb_head_samples_appended_total")


async def start_ours(stack: AsyncExitStack, folder: Path, case: Case, jobs: list[dict[str, object]]) -> Measured:
    """Start our evaluator over a Redis of its own."""
    evaluator = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "retain": "rules" if case.rules else "all",
        "scrape_configs": jobs,
    }
    side, url = await start_evaluator(stack, folder, evaluator=evaluator, rules=rules(case))
    return Measured(side, f"{url}/metrics", "tocsin_scrape_samples_total")


async def measure(case: Case, seconds: float) -> tuple[Figure, float, float]:
    """Return the cost of both sides (CPU ms per 100,000 samples) and the samples each took in per second."""
    targets = case.series // SERIES
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        jobs = scrape_configs(await start_targets(stack, folder, targets))
        sides = await start_prometheus(stack, folder, case, jobs), await start_ours(stack, folder, case, jobs)
        await asyncio.sleep(_WARM_UP_SECONDS)
        await asyncio.gather(*(side.begin() for side in sides))
        await asyncio.sleep(seconds)
        (their_cpu, theirs), (our_cpu, ours) = await asyncio.gather(*(side.end() for side in sides))
    expected = case.series * seconds / 5
    if min(ours, theirs) < 0.9 * expected:
        raise RuntimeError(f"{case.name}: a side fell behind: {ours:.0f} and {theirs:.0f} of {expected:.0f} samples")
    per = 1000 * 100_000
    figure = Figure(case.name, our_cpu / ours * per, their_cpu / theirs * per, "CPU ms / 100k samples", case.goal)
    return figure, ours / seconds, theirs / seconds


def cases(*, quick: bool, only: str | None = None) -> list[Case]:
    """Return what is measured."""
    sizes = (1_000, 10_000, _LARGE) if quick else (1_000, 10_000, _LARGE, 300_000)
    every = [*(Case(size) for size in sizes), Case(_LARGE, rules=True)]
    return [case for case in every if only is None or only in case.name]


async def run(chosen: list[Case], seconds: float, console: Console) -> Report:
    """Measure the cases one after the other."""
    report = Report("CPU per scraped sample, 5 s scrapes")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    share = changed_share(make_pages(8))
    for case in chosen:
        console.print(f"{case.name} …")
        figure, ours, theirs = await measure(case, seconds)
        report.figures.append(figure)
        report.notes.append(f"{case.name}: {ours:,.0f} and {theirs:,.0f} samples a second for {seconds:g} s")
    report.notes.append(f"{share:.0%} of the samples change from one scrape to the next; pages are not compressed")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("CPU per scraped sample, beside Prometheus", extra={"--only": "measure the cases with this text"})
    console = Console()
    report = asyncio.run(run(cases(quick=given.quick, only=given.only), 30.0 if given.quick else 60.0, console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
