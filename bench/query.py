"""CPU of single queries through the HTTP API, ours beside Prometheus, and how it grows with the window."""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from rich.console import Console

from bench.pair import Member, Pair, start_pair
from bench.report import Figure, Report, arguments, peer, version_of

SCRAPE_SECONDS = 5
_TIMEOUT_SECONDS = 60
_LEAST_CPU_SECONDS = 0.5
_MOST_ROUNDS = 40
QUERIES = (
    "count(rate(http_requests_total[{w}]))",
    'count(rate({{job="bench",__name__=~"http_request.*_(bucket|sum)"}}[{w}]))',
    "sum by (handler) (rate(http_request_duration_seconds_count[{w}]))",
    "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[{w}])))",
    "topk(10, process_queue_depth)",
    "sum(avg_over_time(pool_memory_used_bytes[{w}]))",
)
GROWING = ("count(rate(http_request_duration_seconds_bucket[{w}]))", "count(avg_over_time(process_queue_depth[{w}]))")


async def cost_of(member: Member, expr: str) -> float:
    """Return the CPU milliseconds of one query; repeated until the figure is well above the clock's ticks."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)) as session:
        await member.query(session, expr)
        rounds, before = 0, member.side.cpu_seconds()
        while rounds < _MOST_ROUNDS and member.side.cpu_seconds() - before < _LEAST_CPU_SECONDS:
            await member.query(session, expr)
            rounds += 1
        return (member.side.cpu_seconds() - before) / rounds * 1000


async def compare(pair: Pair, expr: str, name: str, report: Report) -> None:
    """Add one query's figures."""
    ours, theirs = [await cost_of(member, expr) for member in pair.members]
    report.figures.append(Figure(name, ours, theirs, "ms CPU"))


async def run(*, quick: bool, console: Console) -> Report:
    """Measure the queries and return the report."""
    windows, fill = (("20s", "40s", "80s"), 85) if quick else (("1m", "5m", "15m"), 910)
    report = Report("CPU of one query")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    for series in (100_000,) if quick else (1_000, 10_000, 100_000):
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
            pair = await start_pair(
                stack, folder, series=series, scrape_s=SCRAPE_SECONDS, evaluate_s=SCRAPE_SECONDS, keep_s=fill + 30
            )
            await pair.wait_scraped()
            console.print(f"{series} series held; filling {fill} s …")
            await asyncio.sleep(fill if series == 100_000 else min(fill, 310))
            for query in QUERIES:
                expr = query.format(w=windows[1])
                await compare(pair, expr, f"{series // 1000}k: {expr}", report)
            if series == 100_000:
                for query in GROWING:
                    for window in windows:
                        await compare(pair, query.format(w=window), f"grows: {query.format(w=window)}", report)
    report.notes.append("scrapes of both sides go on meanwhile and are part of the CPU figures")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("CPU of queries, beside Prometheus")
    console = Console()
    report = asyncio.run(run(quick=given.quick, console=console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
