"""CPU of rule evaluations: 100 and 1000 mixed rules over 10k and 100k series, ours beside Prometheus.

Both sides scrape the same targets and evaluate every 5 s (1000 rules over 100k series take the peer over a second).
What scraping costs is measured first, without rules, and taken away; the rest, divided by the evaluations that each
side counted, is what one evaluation of the set costs.
"""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from rich.console import Console

from bench.pair import NO_RULES, Pair, cpu_over, start_pair
from bench.report import Figure, Report, arguments, peer, version_of
from bench.rule_set import mixed_rules

SCRAPE_SECONDS = 5
EVALUATE_SECONDS = 5
_GOALS = {10_000: 0.3, 100_000: 0.1}
_SETTLE_SECONDS = 6


async def cost_of_rules(pair: Pair, rules: int, window: str, seconds: float) -> tuple[float, float]:
    """Return the CPU milliseconds of one evaluation of the set, ours and the peer's."""
    for member in pair.members:
        member.use_rules(NO_RULES)
    await asyncio.sleep(_SETTLE_SECONDS)
    without = await cpu_over(pair.members, seconds)
    for member in pair.members:
        member.use_rules(mixed_rules(rules, window))
    await asyncio.sleep(_SETTLE_SECONDS)
    groups = len(mixed_rules(rules, window)["groups"])
    async with aiohttp.ClientSession() as session:
        counts = [await member.group_evaluations(session) for member in pair.members]
        with_rules = await cpu_over(pair.members, seconds)
        counts = [
            await member.group_evaluations(session) - before
            for member, before in zip(pair.members, counts, strict=True)
        ]
    if not all(counts):
        raise RuntimeError(f"no evaluation of {rules} rules within {seconds:g} s: the machine is too busy to measure")
    ours, theirs = (
        (after - before) / (count / groups) * 1000
        for after, before, count in zip(with_rules, without, counts, strict=True)
    )
    return ours, theirs


async def measure(series: int, *, quick: bool, report: Report, console: Console) -> None:
    """Measure one number of series and add its figures."""
    window, fill = ("1m", 70) if quick else ("5m", 310)
    seconds = 20 if quick else 60
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        pair = await start_pair(
            stack,
            folder,
            series=series,
            scrape_s=SCRAPE_SECONDS,
            evaluate_s=EVALUATE_SECONDS,
            keep_s=fill + 30,
        )
        await pair.wait_scraped()
        console.print(f"{series} series held; filling {fill} s …")
        await asyncio.sleep(fill)
        for rules in (100, 1000) if not quick or series <= 10_000 else (100,):
            ours, theirs = await cost_of_rules(pair, rules, window, seconds)
            goal = _GOALS.get(series)
            name = f"{rules} rules, {series // 1000}k series, windows of {window}"
            report.figures.append(Figure(name, ours, theirs, "ms CPU/evaluation", goal))


async def run(*, quick: bool, console: Console) -> Report:
    """Measure all sizes and return the report."""
    report = Report("CPU of one evaluation of all rules")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    for series in (10_000, 100_000) if quick else (1_000, 10_000, 100_000, 300_000):
        await measure(series, quick=quick, report=report, console=console)
    report.notes.append("scraping costs, measured without rules in the same run, are taken away")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("CPU of rule evaluations, beside Prometheus")
    console = Console()
    report = asyncio.run(run(quick=given.quick, console=console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
