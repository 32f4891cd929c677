"""From posted alerts to webhooks: Tocsin's notifier beside Debian's Alertmanager, one after the other, in the same run.

10,000 distinct alerts are posted, 500 a request; measured is the time from the first post until a webhook has told of
the last. Once grouped by alert name (20 messages), once each by itself (10,000). Ours keeps all of it in a Redis, whose
CPU is counted with it; Alertmanager keeps it in memory, so what is pending dies with it: both are killed half-way too.
"""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import yaml
from rich.console import Console

from bench.processes import Side, free_port, start, wait_ready
from bench.report import Figure, Report, arguments, median, peer, percentile, version_of
from bench.tocsin_side import start_redis
from bench.webhook_sink import Sink

ALERTS, NAMES, BATCH = 10_000, 20, 500
_GIVE_UP = 120.0


@dataclass
class Contender:
    """One side: how to start it, where to post, and every process whose cost is its own."""

    name: str
    url: str
    headers: dict[str, str]
    main: Side
    costs: list[Side]
    restart: Callable[[], Awaitable[Side]] = field(repr=False)

    def cpu(self) -> float:
        """Return the CPU seconds so far of all its processes."""
        return sum(side.cpu_seconds() for side in self.costs)


def routing(port: int, *, grouped: bool, wait: str = "1s") -> dict[str, object]:
    """Return the configuration that both read."""
    by = ["alertname"] if grouped else ["..."]
    # Grouped, what is posted too late for its group's first message should not have to wait for minutes.
    times = {"group_wait": wait, "group_interval": "5s" if grouped else "5m", "repeat_interval": "4h"}
    hook = {"url": f"http://127.0.0.1:{port}/hook", "send_resolved": True}
    return {
        "route": {"receiver": "hook", "group_by": by, **times},
        "receivers": [{"name": "hook", "webhook_configs": [hook]}],
    }


async def start_alertmanager(stack: AsyncExitStack, folder: Path, config: dict[str, object]) -> Contender:
    """Start Debian's Alertmanager."""
    home, port = folder / "alertmanager", free_port()
    home.mkdir()
    (home / "alertmanager.yml").write_text(yaml.safe_dump(config))
    argv = [peer("prometheus-alertmanager", "prometheus-alertmanager"), "--config.file=alertmanager.yml",
            "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}", "--storage.path=data"]  # fmt: skip

    async def run() -> Side:
        side = start(stack, "alertmanager", argv, home)
        await wait_ready(side, f"http://127.0.0.1:{port}/-/ready")
        return side

    side = await run()
    return Contender("alertmanager", f"http://127.0.0.1:{port}/api/v2/alerts", {}, side, [side], run)


async def start_notifier(stack: AsyncExitStack, folder: Path, config: dict[str, object]) -> Contender:
    """Start our notifier over a Redis of its own."""
    home, port, redis_port = folder / "tocsin", free_port(), free_port()
    home.mkdir()
    written = {
        "data_dir": str(home / "data"),
        "redis": {"url": f"redis://127.0.0.1:{redis_port}/0"},
        "notifier": {"listen": f"127.0.0.1:{port}", "watch_evaluator": False, "config": config},
    }
    (home / "tocsin.yml").write_text(yaml.safe_dump(written))
    redis = start_redis(stack, home, redis_port)

    async def run() -> Side:
        side = start(stack, "notifier", [sys.executable, "-m", "services", "notifier", "--config", "tocsin.yml"], home)
        await wait_ready(side, f"http://127.0.0.1:{port}/-/ready")
        return side

    side = await run()
    token = (home / "data" / "secrets" / "service-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    return Contender("tocsin", f"http://127.0.0.1:{port}/api/v2/alerts", headers, side, [side, redis], run)


def alert(number: int) -> dict[str, object]:
    """Return one alert as Prometheus posts it."""
    labels = {"alertname": f"Alert{number % NAMES}", "instance": f"host-{number % 500}:9100", "job": "node",
              "severity": "warning", "n": str(number)}  # fmt: skip
    text = {"summary": f"Alert {number}", "description": "The value is above its threshold for a while now."}
    return {"labels": labels, "annotations": text, "generatorURL": "http://prometheus.example.com/graph?g0.expr=up"}


async def post(session: aiohttp.ClientSession, side: Contender, first: int, count: int) -> None:
    """Post alerts in batches."""
    for begin in range(first, first + count, BATCH):
        body = [alert(number) for number in range(begin, min(begin + BATCH, first + count))]
        async with session.post(side.url, json=body, headers=side.headers) as answer:
            answer.raise_for_status()


Starter = Callable[[AsyncExitStack, Path, dict[str, object]], Awaitable[Contender]]
SIDES: dict[str, Starter] = {"tocsin": start_notifier, "alertmanager": start_alertmanager}


@dataclass(frozen=True)
class Run:
    """What one storm cost one side."""

    seconds: float
    cpu: float
    rss: float
    lost: int
    doubled: int
    requests: int


async def storm(starter: Starter, sink: Sink, *, grouped: bool, kill: bool = False) -> Run:
    """Post all alerts and wait for their webhooks; `kill`: kill -9 half-way and start again."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        side = await starter(stack, folder, routing(sink.port, grouped=grouped, wait="2s" if grouped else "1s"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await asyncio.sleep(2)
        sink.clear()
        began, cpu = time.monotonic(), side.cpu()
        await post(session, side, 0, ALERTS)
        if kill:
            await sink.wait_for(ALERTS // 2, _GIVE_UP)
            side.main.process.send_signal(signal.SIGKILL)
            side.main.process.wait()
            await side.restart()
        await sink.wait_for(ALERTS, 20 if kill else _GIVE_UP)
        seconds = max(sink.at.values(), default=began) - began
        await asyncio.sleep(0.5)  # what comes twice comes late
        used = 0.0 if kill else side.cpu() - cpu
        rss = 0.0 if kill else side.main.peak_bytes() / 1e6
        doubled = sum(sink.told.values()) - len(sink.told)
        return Run(seconds, used, rss, ALERTS - len(sink.told), doubled, sink.requests)


async def singles(starter: Starter, sink: Sink, count: int) -> float:
    """Return the 95th percentile, in ms, from a post of one alert to its webhook."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        side = await starter(stack, folder, routing(sink.port, grouped=False, wait="0s"))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await asyncio.sleep(2)
        sink.clear()
        times = []
        for number in range(count):
            began = time.monotonic()
            await post(session, side, number, 1)
            if not await sink.wait_for(number + 1, 20):
                raise RuntimeError(f"{side.name}: alert {number} never came")
            times.append((sink.at[str(number)] - began) * 1000)
    return percentile(times, 0.95)


async def run(console: Console, rounds: int, only: str | None) -> Report:
    """Measure all cases, the sides in turn."""
    report = Report(f"{ALERTS:,} alerts posted until their webhooks have come")
    report.versions["alertmanager"] = version_of(peer("prometheus-alertmanager", "prometheus-alertmanager"))
    sink = Sink()
    server = await sink.listen()
    async with server:
        for grouped, name, goal in ((True, "grouped", 1.0), (False, "each", 2.0)):
            if only is None or only in name:
                await _compare(report, console, sink, rounds, grouped=grouped, name=name, goal=goal)
        if only is None or only in "killed":
            for key, starter in SIDES.items():
                console.print(f"killed half-way, {key} …")
                lost = await storm(starter, sink, grouped=False, kill=True)
                report.notes.append(f"killed half-way, {key}: {lost.lost:,} lost, {lost.doubled:,} told twice")
        if only is None or only in "single":
            console.print("one alert at a time …")
            ours, theirs = [await singles(starter, sink, 200 if rounds > 1 else 100) for starter in SIDES.values()]
            report.figures.append(Figure("one alert, p95", ours, theirs, "ms"))
            report.notes.append(f"one alert: 50 ms at p95 are allowed, {ours:.1f} are taken")
    return report


async def _compare(
    report: Report, console: Console, sink: Sink, rounds: int, *, grouped: bool, name: str, goal: float
) -> None:
    runs: dict[str, list[Run]] = {key: [] for key in SIDES}
    for _ in range(rounds):
        for key, starter in SIDES.items():
            console.print(f"{name}, {key} …")
            runs[key].append(await storm(starter, sink, grouped=grouped))
            console.print(str(runs[key][-1]))
    costs = {key: [(one.seconds, one.cpu / ALERTS * 1000, one.rss) for one in done] for key, done in runs.items()}
    for place, (what, unit, target) in enumerate(
        (("time", "s", goal), ("CPU an alert", "ms", None), ("peak memory", "MB", 1.0))
    ):
        ours, theirs = (median([one[place] for one in costs[key]]) for key in SIDES)
        report.figures.append(Figure(f"{name}: {what}", ours, theirs, unit, target))
    for key, done in runs.items():
        worst = max(done, key=lambda one: one.lost)
        report.notes.append(f"{name}, {key}: {worst.lost} lost, {worst.doubled} twice, {worst.requests:,} webhooks")


def main() -> int:
    """Run as a program."""
    given = arguments(
        "posted alerts to webhooks, beside Alertmanager", extra={"--only": "grouped, each, killed, single"}
    )
    console = Console()
    report = asyncio.run(run(console, 1 if given.quick else 3, given.only))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
