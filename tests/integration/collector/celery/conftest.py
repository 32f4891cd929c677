"""A small Celery app, its workers and senders, on whatever broker the test has."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from tests.integration.collector.conftest import Running

_APP = """
import os
from celery import Celery
from celery.exceptions import Reject
from celery.schedules import crontab

app = Celery("shop", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4, task_send_sent_event=True,
                beat_schedule={"often": {"task": "shop.tidy", "schedule": 1.0},
                               "night": {"task": "shop.add", "schedule": crontab(minute=0, hour=3)}})
if app.conf.broker_url.startswith("redis"):
    app.conf.broker_transport_options = {"queue_order_strategy": "priority", **eval(os.environ["OPTIONS"])}


@app.task(name="shop.add")
def add(a, b):
    return a + b


@app.task(name="shop.tidy")
def tidy():
    return None


@app.task(name="shop.hold")
def hold(seconds):
    import time
    time.sleep(seconds)


@app.task(name="shop.fail")
def fail():
    raise LookupError("no such order")


@app.task(name="shop.flaky", bind=True, max_retries=1)
def flaky(self):
    raise self.retry(countdown=0)


@app.task(name="shop.refuse", acks_late=True)
def refuse():
    raise Reject("not here", requeue=False)
"""
Command = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def options() -> dict[str, object]:
    """Transport options of workers and senders."""
    return {}


@pytest.fixture
def celery(broker: str, options: dict[str, object], tmp_path: Path) -> Iterator[Command]:
    """Run Celery's command, such as `celery("worker", "-n", "w1@box")`."""
    (tmp_path / "shop_tasks.py").write_text(_APP)
    started = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "shop_tasks", *arguments],
            cwd=tmp_path, env={**os.environ, "BROKER": broker, "OPTIONS": repr(options)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(60)


@pytest.fixture
def worker(celery: Command) -> Callable[[str], subprocess.Popen[bytes]]:
    def start_worker(name: str) -> subprocess.Popen[bytes]:
        return celery(
            "worker", "-n", name, "-c", "1", "-P", "solo", "--heartbeat-interval", "1", "--without-mingle",
            "--without-gossip",
        )  # fmt: skip

    return start_worker


@pytest.fixture
def producer(broker: str, options: dict[str, object]) -> Iterator[Celery]:
    app = Celery("producer", broker=broker, set_as_current=False)
    app.conf.task_send_sent_event = True
    if broker.startswith("redis"):
        app.conf.broker_transport_options = {"queue_order_strategy": "priority", **options}
    yield app
    app.close()


async def until(running: Running, condition: Callable[[dict[str, float]], bool], limit: float = 60) -> dict[str, float]:
    """Scrape until the condition holds."""
    found: dict[str, float] = {}
    try:
        async with asyncio.timeout(limit):
            while True:
                found = await running.samples("/metrics/celery")
                if condition(found):
                    return found
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail("never came; last seen:\n" + "\n".join(f"{name} {value}" for name, value in found.items()))


def settings(broker: str, **more: object) -> dict[str, object]:
    return {"celery": [{"name": "jobs", "broker_url": broker, "inspect_interval": 1, **more}]}


def up(found: dict[str, float], node: str) -> float | None:
    return next((value for name, value in found.items() if name.startswith("celery_worker_up") and node in name), None)


def total(found: dict[str, float], metric: str, *parts: str) -> float:
    return sum(
        value for name, value in found.items() if name.startswith(metric) and all(part in name for part in parts)
    )


def one(found: dict[str, float], metric: str, *parts: str) -> float | None:
    values = [value for name, value in found.items() if name.startswith(metric) and all(part in name for part in parts)]
    assert len(values) <= 1, values
    return values[0] if values else None


def own_threads() -> int:
    """Return how many threads there are beside the event loop's pool, which grows to its bound as chance wills."""
    return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
