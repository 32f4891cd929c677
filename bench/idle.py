"""What a quiet system costs: all of Tocsin beside Prometheus + Alertmanager, over the same targets, in the same run.

5 targets of 100 series each, 50 rules, everything every 5 s, nothing firing. Ours is `tocsin up` with all that it
starts: the supervisor, the embedded PostgreSQL and Redis and the four services; CPU is that of all their processes.
"""

import asyncio
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import yaml
from rich.console import Console

from bench.exporter import FAMILIES, scrape_configs, start_targets
from bench.ingest import INTERVAL
from bench.processes import HOST, Side, free_port, start, wait_ready
from bench.report import Figure, Report, arguments, peer, version_of

_TARGETS, _SERIES, _RULES = 5, 100, 50
_WARM_UP_SECONDS = 30.0
_LIMIT_PERCENT = 2.0


def rules() -> dict[str, object]:
    """Return alert rules that never fire."""
    made = [
        {
            "alert": f"Quiet{number}",
            "expr": f"max(pool_{number % FAMILIES:02d}_resident_bytes) > {10 + number}e15",
            "for": "1m",
        }
        for number in range(_RULES)
    ]
    return {"groups": [{"name": "idle", "rules": made}]}


class Family:
    """A process with all its descendants; CPU of those that came and went in between counts with their parents'."""

    def __init__(self, name: str, sides: list[Side]) -> None:
        self.name, self._sides = name, sides

    def cpu_seconds(self) -> dict[str, float]:
        """Return user + system seconds by process, each named by what it runs."""
        found: dict[str, float] = {}
        for side in self._sides:
            root = psutil.Process(side.process.pid)
            for process in [root, *root.children(recursive=True)]:
                try:
                    times, words = process.cpu_times(), process.cmdline()
                except psutil.NoSuchProcess:
                    continue
                name = _name(words)
                own = times.user + times.system + times.children_user + times.children_system
                found[name] = found.get(name, 0.0) + own
        return found

    def resident_bytes(self) -> float:
        """Return the resident memory of all, pages that they share counted once for each but PostgreSQL's buffers."""
        roots = [psutil.Process(side.process.pid) for side in self._sides]
        every = [process for root in roots for process in [root, *root.children(recursive=True)]]
        return float(sum(process.memory_info().rss - process.memory_info().shared for process in every))


def _name(words: list[str]) -> str:
    if "services" in words:
        return words[words.index("services") + 1]
    name = os.path.basename(words[0]) if words else "ended"  # noqa: PTH119 - a title such as "postgres: writer"
    return name.partition(":")[0].split(" ")[0]


async def start_prometheus(stack: AsyncExitStack, folder: Path, jobs: list[dict[str, object]]) -> Family:
    """Start Debian's Prometheus and Alertmanager."""
    own, other = free_port(HOST), free_port(HOST)
    (folder / "rules.yml").write_text(yaml.safe_dump(rules()))
    config = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{other}"]}]}]},
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    prometheus = ["--config.file=prometheus.yml", f"--storage.tsdb.path={folder / 'tsdb'}"]
    manager = ["--config.file=alertmanager.yml", "--cluster.listen-address=", f"--storage.path={folder / 'am'}"]
    programs = [
        (peer("prometheus", "prometheus"), own, prometheus),
        (peer("prometheus-alertmanager", "prometheus-alertmanager"), other, manager),
    ]
    sides = []
    for program, port, words in programs:
        side = start(stack, Path(program).name, [program, f"--web.listen-address={HOST}:{port}", *words], folder)
        await wait_ready(side, f"http://{HOST}:{port}/-/ready")
        sides.append(side)
    return Family("Prometheus + Alertmanager", sides)


async def start_all_of_tocsin(stack: AsyncExitStack, folder: Path, jobs: list[dict[str, object]]) -> Family:
    """Run `tocsin up` with embedded servers."""
    home = folder / "tocsin"
    home.mkdir()
    (home / "rules.yml").write_text(yaml.safe_dump(rules()))
    ports = {name: free_port(HOST) for name in ("collector", "evaluator", "notifier", "api", "postgres", "redis")}
    config = {
        "data_dir": "data",
        "embedded": {f"{name}_listen": f"{HOST}:{ports[name]}" for name in ("postgres", "redis")},
        "collector": {"listen": f"{HOST}:{ports['collector']}"},
        "evaluator": {
            "listen": f"{HOST}:{ports['evaluator']}",
            "rule_files": ["rules.yml"],
            "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
            "scrape_configs": jobs,
        },
        "notifier": {
            "listen": f"{HOST}:{ports['notifier']}",
            "config": {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]},
        },
        "api": {"listen": f"{HOST}:{ports['api']}"},
    }
    (home / "tocsin.yml").write_text(yaml.safe_dump(config))
    side = start(
        stack, "tocsin", [sys.executable, "-m", "services", "up", "--config", "tocsin.yml"], home,
        {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    await wait_ready(side, f"http://{HOST}:{ports['api']}/-/ready", 90)
    return Family("Tocsin", [side])


async def run(*, seconds: float, console: Console) -> Report:
    """Measure both sides and return the report."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-bench-")))
        jobs = scrape_configs(await start_targets(stack, folder, _TARGETS, _SERIES))
        theirs = await start_prometheus(stack, folder, jobs)
        ours = await start_all_of_tocsin(stack, folder, jobs)
        console.print(f"both sides run; {seconds:g} s of quiet …")
        await asyncio.sleep(_WARM_UP_SECONDS)
        before = ours.cpu_seconds(), theirs.cpu_seconds()
        await asyncio.sleep(seconds)
        after = ours.cpu_seconds(), theirs.cpu_seconds()
        memory = ours.resident_bytes() / 2**20, theirs.resident_bytes() / 2**20
    report = Report("idle: 5 targets x 100 series, 50 rules, 5 s")
    report.versions["prometheus"] = version_of(peer("prometheus", "prometheus"))
    percent = [
        {name: (end[name] - begin.get(name, 0.0)) / seconds * 100 for name in end}
        for begin, end in zip(before, after, strict=True)
    ]
    total = sum(percent[0].values())
    report.figures.append(Figure("CPU of all processes", total, sum(percent[1].values()), "% of a core"))
    report.figures.append(Figure("memory of their own", *memory, "MiB"))
    parts = sorted(percent[0].items(), key=lambda part: -part[1])
    report.notes.append("ours by process: " + ", ".join(f"{name} {value:.2f} %" for name, value in parts))
    met = "met" if total <= _LIMIT_PERCENT else "MISSED"
    report.notes.append(f"bound, all of Tocsin: {_LIMIT_PERCENT:g} % of a core ({met})")
    return report


def main() -> int:
    """Run as a program."""
    given = arguments("What a quiet system costs, beside Prometheus + Alertmanager")
    console = Console()
    report = asyncio.run(run(seconds=60.0 if given.quick else 180.0, console=console))
    return report.finish(console, given.json)


if __name__ == "__main__":
    sys.exit(main())
