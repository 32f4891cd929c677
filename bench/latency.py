"""From a breach to the webhook: Tocsin beside Prometheus + Alertmanager, over the same target, in the same run.

Each breach is one series that passes its threshold at a random moment. Both sides scrape every 5 s and send at once
(group_wait 0). The floor is what the scrape phase alone costs: the time from the breach to the side's next scrape.
"""

import asyncio
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import yaml
from aiohttp import web
from rich.console import Console

from bench.processes import HOST, Side, free_port, start, wait_ready
from bench.report import Figure, Report, arguments, peer, percentile, version_of
from bench.tocsin_side import start_tocsin

SCRAPE_SECONDS = 5
_WARM_UP_SECONDS = 15
_BREACHES, _ROUNDS = 30, 3
_GIVE_UP_SECONDS = 60


class Target:
    """Serves the series that breach, and takes the webhooks of both sides; one clock for all times."""

    def __init__(self, breaches: int) -> None:
        self._values = [0] * breaches
        self.breached_at: dict[int, float] = {}
        self.scraped_at: dict[str, dict[int, float]] = defaultdict(dict)
        self.received_at: dict[str, dict[int, float]] = defaultdict(dict)
        self.port = 0
        self.all_received = asyncio.Event()

    def breach(self, number: int) -> None:
        """Let one series pass its threshold."""
        self._values[number] = 1
        self.breached_at[number] = asyncio.get_running_loop().time()

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer a scrape of one side, noting which breaches it was the first to show."""
        now, side = asyncio.get_running_loop().time(), request.match_info["side"]
        for number in self.breached_at:
            self.scraped_at[side].setdefault(number, now)
        lines = [f'bench_value{{n="{n}"}} {v}' for n, v in enumerate(self._values)]
        return web.Response(text="# TYPE bench_value gauge\n" + "\n".join(lines) + "\n")

    async def hook(self, request: web.Request) -> web.Response:
        """Take a webhook of one side."""
        now, side = asyncio.get_running_loop().time(), request.match_info["side"]
        for alert in (await request.json())["alerts"]:
            if alert["status"] == "firing":
                self.received_at[side].setdefault(int(alert["labels"]["n"]), now)
        if all(len(self.received_at[name]) == len(self._values) for name in ("ours", "peer")):
            self.all_received.set()
        return web.Response()

    async def serve(self, stack: AsyncExitStack) -> None:
        """Listen on a free port until the stack closes."""
        app = web.Application(client_max_size=2**24)
        app.router.add_get("/metrics/{side}", self.metrics)
        app.router.add_post("/hook/{side}", self.hook)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, 0).start()
        self.port = runner.addresses[0][1]


def scrape_config(target: Target, side: str) -> list[dict[str, object]]:
    """Return the scrape_configs of one side."""
    address = f"{HOST}:{target.port}"
    return [{"job_name": "bench", "metrics_path": f"/metrics/{side}", "static_configs": [{"targets": [address]}]}]


def routing(target: Target, side: str) -> dict[str, object]:
    """Return the alertmanager.yml of one side: every alert by itself, at once."""
    url = f"http://{HOST}:{target.port}/hook/{side}"
    return {
        "route": {"receiver": "hook", "group_by": ["..."], "group_wait": "0s", "group_interval": "5s"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": url, "send_resolved": True}]}],
    }


RULES: dict[str, object] = {
    "groups": [
        {
            "name": "bench",
            "rules": [{"alert": "Breach", "expr": "bench_value > 0.5", "labels": {"severity": "critical"}}],
        }
    ]
}


async def start_prometheus(
    stack: AsyncExitStack, folder: Path, target: Target, rules: Mapping[str, object] = RULES
) -> list[Side]:
    """Start Debian's Prometheus and Alertmanager."""
    prometheus, alertmanager = (
        peer("prometheus", "prometheus"),
        peer("prometheus-alertmanager", "prometheus-alertmanager"),
    )
    own, other = free_port(HOST), free_port(HOST)
    (folder / "rules.yml").write_text(yaml.safe_dump(dict(rules)))
    interval = f"{SCRAPE_SECONDS}s"
    config = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{other}"]}]}]},
        "scrape_configs": scrape_config(target, "peer"),
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(routing(target, "peer")))
    manager = start(
        stack,
        "alertmanager",
        [alertmanager, f"--web.listen-address={HOST}:{other}", "--cluster.listen-address=",
         "--config.file=alertmanager.yml", f"--storage.path={folder / 'am'}"],
        folder,
    )  # fmt: skip
    server = start(
        stack,
        "prometheus",
        [prometheus, f"--web.listen-address={HOST}:{own}", f"--storage.tsdb.path={folder / 'tsdb'}",
         "--config.file=prometheus.yml"],
        folder,
    )  # fmt: skip
    await wait_ready(manager, f"http://{HOST}:{other}/-/ready")
    await wait_ready(server, f"http://{HOST}:{own}/-/ready")
    return [manager, server]


Delays = tuple[list[float], list[float], list[float]]
"""Of each breach, seconds: to the webhook, to the scrape that showed it, and between the two."""


async def measure(breaches: int, console: Console) -> dict[str, Delays]:
    """Start both sides, let series breach, and return each side's delays; raises TimeoutError."""
    target = Target(breaches)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        await target.serve(stack)
        await start_prometheus(stack, folder, target)
        interval = f"{SCRAPE_SECONDS}s"
        evaluator = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "scrape_configs": scrape_config(target, "ours"),
        }
        await start_tocsin(stack, folder, evaluator=evaluator, rules=RULES, routing=routing(target, "ours"))
        console.print(f"both sides run; {breaches} breaches at random moments …")
        await asyncio.sleep(_WARM_UP_SECONDS)
        for number in range(breaches):
            target.breach(number)
            await asyncio.sleep(random.uniform(0.5, 2.5))  # noqa: S311 - spread over the scrape phase
        async with asyncio.timeout(_GIVE_UP_SECONDS):
            await target.all_received.wait()
    return {side: _delays(target, side) for side in ("ours", "peer")}


def _delays(target: Target, side: str) -> Delays:
    received, scraped = target.received_at[side], target.scraped_at[side]
    whole = [received[n] - at for n, at in target.breached_at.items()]
    floor = [scraped[n] - at for n, at in target.breached_at.items()]
    return whole, floor, [a - b for a, b in zip(whole, floor, strict=True)]


async def run(*, quick: bool, console: Console) -> Report:
    """Measure both sides and return the report.

    Several rounds: how far the peer's evaluations lie after its scrapes is chance, and stays while it runs.
    """
    return _report([await measure(_BREACHES, console) for _ in range(1 if quick else _ROUNDS)])


def _report(rounds: list[dict[str, Delays]]) -> Report:
    report = Report("breach to webhook at 5 s scrapes")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    report.versions["alertmanager"] = version_of(peer("prometheus-alertmanager", "prometheus-alertmanager"))
    names = ("breach to webhook", "of that the scrape phase (floor)", "of that after the scrape")
    for place, name in enumerate(names):
        for share in (0.5, 0.95):
            ours, theirs = (
                percentile([delay for one in rounds for delay in one[side][place]], share) for side in ("ours", "peer")
            )
            goal = 0.65 if place == 0 and share == 0.95 else None
            report.figures.append(Figure(f"{name}, p{share * 100:.0f}", ours, theirs, "s", goal))
    each = ", ".join(
        "{:.2f} and {:.2f} s".format(*(percentile(one[side][0], 0.95) for side in ("ours", "peer"))) for one in rounds
    )
    report.notes.append(f"p95 of each round, ours and the peer's: {each}")
    worst, bound = percentile([delay for one in rounds for delay in one["ours"][0]], 0.95), SCRAPE_SECONDS + 0.5
    report.notes.append(
        f"ours p95 {worst:.2f} s; bound, one scrape interval + 0.5 s: {bound:.1f} s "
        f"({'met' if worst <= bound else 'MISSED'})"
    )
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("Breach to webhook, beside Prometheus + Alertmanager")
    console = Console()
    report = asyncio.run(run(quick=given.quick, console=console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
