"""The API over a year's record: requests a second and p95, 1,000 open pages on one process, freshness of a value.

A new data folder is filled: 1,000,000 alerts with as many notifications, 100,000,000 samples and their roll-ups of
1 min, 5 min and 1 h, kept as long as by default. Then `tocsin up` runs on it with its embedded PostgreSQL as shipped.
Limits on requests are off; all else is as by default, with the demo's scrapes each 5 s. Needs 35 GB of disk
(`--quick`: 2 GB) in the folder for temporary files (TMPDIR), and gives it back.
"""

import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from bench.api.figures import Figures, Single
from bench.api.live import Clients, event_delays, freshness
from bench.api.record import Size
from bench.api.requests import measure, questions
from bench.api.system import System, fill_and_start
from bench.api.target import Target
from bench.report import arguments

FULL, QUICK = Size(alerts=1_000_000, series=827), Size(alerts=50_000, series=54)
_PAGES = 1_000
_LATE, _STALE = 1.0, 5.0


async def run(folder: Path, *, quick: bool, console: Console) -> Figures:
    """Fill, start, measure; everything is below `folder`."""
    size, now = (QUICK if quick else FULL), time.time()
    figures = Figures(f"{size.alerts:,} alerts, {size.samples:,} samples")
    async with AsyncExitStack() as stack:
        target = Target()
        await target.listen(stack)
        system = await fill_and_start(stack, folder, size, target.port, console, now)
        await all_questions(figures, system, size, now, 2.0 if quick else 6.0, console)
        await open_pages(figures, system, target, quick=quick, console=console)
    return figures


async def all_questions(
    figures: Figures, system: System, size: Size, now: float, seconds: float, console: Console
) -> None:
    """Ask every kind of question."""
    async with AsyncExitStack() as stack:
        session = await system.log_in(stack)
        for question in questions(size.series, now):
            console.print(f"{question.name} …")
            figures.latencies.append(await measure(session, question, seconds))


async def open_pages(figures: Figures, system: System, target: Target, *, quick: bool, console: Console) -> None:
    """Freshness with one page, then events to many."""
    api = system.api()
    async with AsyncExitStack() as stack:
        one = Clients(stack, system)
        await one.open(1)
        console.print("freshness …")
        fresh = await freshness(one, target, 8 if quick else 40)
        figures.spread("a change in a target until it is on the page", fresh, _STALE)
    async with AsyncExitStack() as stack:
        before = api.memory_info().rss
        many = Clients(stack, system)
        await many.open(_PAGES)
        console.print(f"{_PAGES} pages are open …")
        cpu, began, sent = api.cpu_times(), time.monotonic(), many.messages
        delays = await event_delays(system, many, 10 if quick else 60)
        after, over = api.cpu_times(), time.monotonic() - began
        used = (after.user + after.system - cpu.user - cpu.system) / over * 100
        grown = (api.memory_info().rss - before) / _PAGES / 1024
    figures.spread(f"an event until {_PAGES} pages have it", delays, _LATE)
    figures.singles += [
        Single(f"the API's CPU with {_PAGES} pages, an event each 0.7 s and values each 5 s", used, "% of a core"),
        Single("messages then, all pages together", (many.messages - sent) / over, "a second"),
        Single("text of a message, mean", many.bytes / max(1, many.messages) / 1024, "KiB"),
        Single("the API's memory, a page", grown, "KiB"),
        Single("the API's memory, all", api.memory_info().rss / 2**20, "MiB"),
    ]


def main() -> int:
    """Run as a program."""
    given = arguments("The API over a year's record, and 1,000 open pages")
    console = Console()
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        # PostgreSQL does not run as root and must get through.
        folder.chmod(0o711)
        figures = asyncio.run(run(folder, quick=given.quick, console=console))
    figures.show(console)
    if given.json is not None:
        figures.write(given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
