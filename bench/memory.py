"""Resident memory per active series, 5 minutes kept at 5 s scrapes: ours beside Prometheus, over the same targets."""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from bench.pair import Pair, start_pair
from bench.report import Figure, Report, arguments, peer, version_of

SCRAPE_SECONDS = 5
KEEP_SECONDS = 300
_SIZES = (1_000, 10_000, 100_000, 300_000)
_SETTLE_SECONDS = 30


async def measure(series: int, console: Console) -> tuple[Pair, list[float]]:
    """Return the resident bytes per series of both sides when the kept time is full."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        pair = await start_pair(
            stack, folder, series=series, scrape_s=SCRAPE_SECONDS, evaluate_s=SCRAPE_SECONDS, keep_s=KEEP_SECONDS
        )
        await pair.wait_scraped()
        empty = [member.side.resident_bytes() / series for member in pair.members]
        console.print(f"{series} series held ({empty[0]:.0f} and {empty[1]:.0f} B each); filling {KEEP_SECONDS} s …")
        await asyncio.sleep(KEEP_SECONDS + (0 if series <= 100_000 else _SETTLE_SECONDS))
        return pair, [member.side.resident_bytes() / series for member in pair.members]


async def run(*, quick: bool, console: Console) -> Report:
    """Measure each size and return the report."""
    report = Report(f"resident memory per active series, {KEEP_SECONDS} s kept at {SCRAPE_SECONDS} s scrapes")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    for series in (100_000,) if quick else _SIZES:
        _, (ours, theirs) = await measure(series, console)
        goal = 0.4 if series == 100_000 else None
        report.figures.append(Figure(f"{series // 1000}k series", ours, theirs, "B/series", goal))
    report.notes.append("the whole process is counted, interpreter and libraries included")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("Resident memory per active series, beside Prometheus")
    console = Console()
    report = asyncio.run(run(quick=given.quick, console=console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
