"""How the evaluator's costs grow with the number of series, in one table, beside Prometheus.

For each size both sides scrape the same targets every 5 s and keep a bit more than a minute. Measured are scraping
without rules, memory, an evaluation of 100 and of 1000 mixed rules with windows of a minute, and single queries.
"""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.pair import Pair, cpu_over, start_pair
from bench.query import cost_of
from bench.report import Figure, Report, arguments, peer, version_of
from bench.rules import cost_of_rules

SCRAPE_SECONDS, EVALUATE_SECONDS = 5, 5
WINDOW, FILL_SECONDS, KEEP_SECONDS = "1m", 70, 100
SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 300_000), (1_000, 10_000)
RULES = (100, 1000)
QUERIES = ("count(rate(http_requests_total[1m]))", "sum by (handler) (rate(http_request_duration_seconds_count[1m]))")
_RULE_GOALS = {10_000: 0.3, 100_000: 0.1}


async def measure(series: int, seconds: float, console: Console) -> list[Figure]:
    """Return the figures of one size, without its name."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        pair = await start_pair(
            stack, folder, series=series, scrape_s=SCRAPE_SECONDS, evaluate_s=EVALUATE_SECONDS, keep_s=KEEP_SECONDS
        )
        await pair.wait_scraped()
        console.print(f"{series} series held; filling {FILL_SECONDS} s …")
        await asyncio.sleep(FILL_SECONDS)
        return await _figures(pair, series, seconds)


async def _figures(pair: Pair, series: int, seconds: float) -> list[Figure]:
    samples = series * seconds / SCRAPE_SECONDS
    ours, theirs = (cpu / samples * 1e8 for cpu in await cpu_over(pair.members, seconds))
    found = [Figure("scraping", ours, theirs, "ms CPU/100k samples")]
    ours, theirs = (member.side.resident_bytes() / series for member in pair.members)
    found.append(Figure("memory", ours, theirs, "bytes/series"))
    for rules in RULES:
        ours, theirs = await cost_of_rules(pair, rules, WINDOW, seconds)
        found.append(Figure(f"{rules} rules", ours, theirs, "ms CPU/evaluation", _RULE_GOALS.get(series)))
    for query in QUERIES:
        ours, theirs = [await cost_of(member, query) for member in pair.members]
        found.append(Figure(query, ours, theirs, "ms CPU"))
    return found


def table(sizes: dict[int, list[Figure]]) -> Table:
    """Return the table: a line per figure, a column per size with ours, the peer's and the ratio."""
    shown = Table(title="growth with the number of series: ours, Prometheus' (ratio)")
    shown.add_column("figure")
    for series in sizes:
        shown.add_column(f"{series // 1000}k", justify="right")
    for line in zip(*sizes.values(), strict=True):
        cells = [f"{one.ours:.3g}, {one.peer:.3g} ({one.ratio:.2f})" for one in line]
        shown.add_row(f"{line[0].name}, {line[0].unit}", *cells)
    return shown


async def run(*, quick: bool, console: Console) -> Report:
    """Measure all sizes, print the table and return the report."""
    report = Report("growth with the number of series")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    sizes: dict[int, list[Figure]] = {}
    for series in QUICK_SIZES if quick else SIZES:
        sizes[series] = await measure(series, 20 if quick else 40, console)
        console.print(table(sizes))
    for series, figures in sizes.items():
        report.figures += [
            Figure(f"{one.name}, {series // 1000}k series", one.ours, one.peer, one.unit, one.target) for one in figures
        ]
    report.notes.append("scraping goes on during queries and is part of their figures; of rules' figures it is not")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("How costs grow with the number of series, beside Prometheus")
    console = Console()
    report = asyncio.run(run(quick=given.quick, console=console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
