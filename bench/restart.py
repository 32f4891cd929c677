"""A rule with `for: 60s` over a crash: when its alert comes, ours beside Prometheus + Alertmanager, in the same run.

35 s after the breach every process of both sides is killed (kill -9) and started again at once: Redis, evaluator and
notifier; Prometheus and Alertmanager. Who keeps the state of `for` pages a minute after the breach.
"""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from bench.latency import SCRAPE_SECONDS, Target, routing, scrape_config, start_prometheus
from bench.report import Figure, Report, arguments, median, peer, version_of
from bench.tocsin_side import start_tocsin

_FOR_SECONDS, _KILL_SECONDS = 60, 35
_WARM_UP_SECONDS = 15
_GIVE_UP_SECONDS = 180
BOUND_SECONDS = _FOR_SECONDS + SCRAPE_SECONDS + 1
RULES: dict[str, object] = {
    "groups": [
        {
            "name": "bench",
            "rules": [
                {
                    "alert": "Breach",
                    "expr": "bench_value > 0.5",
                    "for": f"{_FOR_SECONDS}s",
                    "labels": {"severity": "critical"},
                }
            ],
        }
    ]
}


async def measure(console: Console) -> tuple[float, float]:
    """Return the seconds from the breach to the webhook of ours and of the peer; raises TimeoutError."""
    target = Target(1)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        await target.serve(stack)
        sides = await start_prometheus(stack, folder, target, RULES)
        interval = f"{SCRAPE_SECONDS}s"
        evaluator = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "scrape_configs": scrape_config(target, "ours"),
        }
        sides += await start_tocsin(stack, folder, evaluator=evaluator, rules=RULES, routing=routing(target, "ours"))
        await asyncio.sleep(_WARM_UP_SECONDS)
        target.breach(0)
        await asyncio.sleep(_KILL_SECONDS)
        if target.received_at["ours"] or target.received_at["peer"]:
            raise RuntimeError("an alert came before its `for` was over")
        for side in sides:
            side.kill()
        for side in sides:
            side.start_again()
        console.print(f"killed and started again: {', '.join(side.name for side in sides)}")
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            await target.all_received.wait()
    began = target.breached_at[0]
    return target.received_at["ours"][0] - began, target.received_at["peer"][0] - began


async def run(rounds: int, console: Console) -> Report:
    """Measure several times and return the report."""
    found = [await measure(console) for _ in range(rounds)]
    report = Report(f"for: {_FOR_SECONDS}s, all killed at {_KILL_SECONDS} s and started again at once")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    report.versions["alertmanager"] = version_of(peer("prometheus-alertmanager", "prometheus-alertmanager"))
    ours, theirs = ([pair[side] for pair in found] for side in (0, 1))
    report.figures.append(Figure("breach to webhook, median", median(ours), median(theirs), "s"))
    report.figures.append(Figure("breach to webhook, worst", max(ours), max(theirs), "s"))
    met = "met" if max(ours) <= BOUND_SECONDS else "MISSED"
    report.notes.append(f"bound, for + one interval + 1 s: {BOUND_SECONDS} s ({met}); {rounds} rounds")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("A rule with `for` over a crash, beside Prometheus + Alertmanager")
    console = Console()
    report = asyncio.run(run(1 if given.quick else 3, console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
