"""Resident memory per active series, 5 minutes kept: ours, Prometheus and VictoriaMetrics over the same targets."""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import yaml
from rich.console import Console

from bench.pair import Pair, start_pair
from bench.processes import HOST, Side, free_port, start, wait_ready
from bench.report import Figure, Report, arguments, peer, version_of

SCRAPE_SECONDS = 5
KEEP_SECONDS = 300
_SIZES = (1_000, 10_000, 100_000, 300_000)
_GOAL_SERIES = 100_000
_PROMETHEUS_GOAL, _VICTORIA_GOAL = 0.4, 1.0


async def start_victoria(stack: AsyncExitStack, folder: Path, jobs: list[dict[str, object]]) -> Side:
    """Start Debian's VictoriaMetrics over the same targets."""
    home, port = folder / "victoria", free_port(HOST)
    home.mkdir()
    config = {"global": {"scrape_interval": f"{SCRAPE_SECONDS}s"}, "scrape_configs": jobs}
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    argv = [peer("victoria-metrics", "victoria-metrics"), f"-httpListenAddr={HOST}:{port}",
            f"-storageDataPath={home / 'data'}", "-promscrape.config=prometheus.yml"]  # fmt: skip
    side = start(stack, "victoria-metrics", argv, home)
    await wait_ready(side, f"http://{HOST}:{port}/health")
    return side


async def measure(series: int, console: Console) -> tuple[Pair, list[float]]:
    """Return the resident bytes per series of ours, Prometheus and VictoriaMetrics when the kept time is full."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        pair = await start_pair(
            stack, folder, series=series, scrape_s=SCRAPE_SECONDS, evaluate_s=SCRAPE_SECONDS, keep_s=KEEP_SECONDS
        )
        sides = [*(member.side for member in pair.members), await start_victoria(stack, folder, pair.jobs)]
        await pair.wait_scraped()
        empty = ", ".join(f"{side.name} {side.resident_bytes() / series:.0f}" for side in sides)
        console.print(f"{series} series held ({empty} B each); filling {KEEP_SECONDS} s …")
        await asyncio.sleep(KEEP_SECONDS + SCRAPE_SECONDS)
        return pair, [side.resident_bytes() / series for side in sides]


async def run(sizes: tuple[int, ...], console: Console) -> Report:
    """Measure each size and return the report."""
    report = Report(f"resident memory per active series, {KEEP_SECONDS} s kept at {SCRAPE_SECONDS} s scrapes")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    report.versions["victoria-metrics"] = version_of(peer("victoria-metrics", "victoria-metrics"))
    for series in sizes:
        _, (ours, prometheus, victoria) = await measure(series, console)
        name, at_goal = f"{series // 1000}k series", series == _GOAL_SERIES
        for other, figure, goal in (
            ("Prometheus", prometheus, _PROMETHEUS_GOAL),
            ("Victoria", victoria, _VICTORIA_GOAL),
        ):
            report.figures.append(Figure(f"{name}, {other}", ours, figure, "B/series", goal if at_goal else None))
    report.notes.append("the whole process is counted, interpreter and libraries included")
    report.notes.append("all targets serve the same series, as copies of one program do; their values differ")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments(__doc__ or "", extra={"--only": "measure this many series"})
    sizes = (int(given.only),) if given.only else (_GOAL_SERIES,) if given.quick else _SIZES
    console = Console()
    report = asyncio.run(run(sizes, console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
