import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from redis.asyncio import Redis

from services.collector.config import CollectorConfig
from tests.integration.collector.conftest import OwnServer, Running, Start
from tocsin_client import stamp_sent_at

_APP = """
import os
from celery import Celery

app = Celery("shop", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1, task_send_sent_event=True,
                broker_transport_options={"queue_order_strategy": "priority"})


@app.task(name="shop.add")
def add(a, b):
    return a + b


@app.task(name="shop.fail")
def fail():
    raise LookupError("no such order")
"""


@pytest.fixture
def broker(own_redis: OwnServer) -> str:
    return f"redis://127.0.0.1:{own_redis.port}/0"


@pytest.fixture
def worker(broker: str, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    (tmp_path / "shop_tasks.py").write_text(_APP)
    started = []

    def start_worker(name: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "celery", "-A", "shop_tasks", "worker", "-n", name, "-c", "1", "-P", "solo",
                "--heartbeat-interval", "1", "--without-mingle", "--without-gossip",
            ],
            cwd=tmp_path, env={**os.environ, "BROKER": broker}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        return process

    yield start_worker
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(20)


@pytest.fixture
def producer(broker: str) -> Iterator[Celery]:
    app = Celery("producer", broker=broker, set_as_current=False)
    app.conf.task_send_sent_event = True
    app.conf.broker_transport_options = {"queue_order_strategy": "priority"}
    yield app
    app.close()


async def until(running: Running, condition: Callable[[dict[str, float]], bool], limit: float = 30) -> dict[str, float]:
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


async def test_tasks_are_counted_by_outcome(start: Start, broker: str, worker, producer: Celery) -> None:
    running = await start(settings(broker, expected_workers=4))
    worker("w1@box")
    await until(running, lambda found: up(found, "w1@box") == 1)
    # Workers send task events only once the collector has asked for them.
    await until(running, lambda found: 'celery_active_worker_count{target="jobs",queue_name="celery"}' in found)
    for _ in range(5):
        await asyncio.to_thread(producer.send_task, "shop.add", (1, 2))
    for _ in range(2):
        await asyncio.to_thread(producer.send_task, "shop.fail")
    found = await until(
        running,
        lambda found: (
            total(found, "celery_task_succeeded_total", "shop.add") == 5
            and total(found, "celery_task_failed_total", "LookupError") == 2
        ),
    )
    labels = '{target="jobs",name="shop.add",hostname="box",queue_name="celery"}'
    assert found["celery_task_received_total" + labels] == 5
    assert found["celery_task_runtime_count" + labels] == 5
    assert found["celery_task_retried_total" + labels] == 0
    assert (
        found['celery_task_failed_total{target="jobs",name="shop.add",hostname="box",queue_name="celery",exception=""}']
        == 0
    )
    assert total(found, "celery_task_sent_total") == 7
    assert found['celery_workers_expected{target="jobs"}'] == 4
    assert found['celery_up{target="jobs"}'] == 1
    duration = found[
        'celery_task_duration_seconds_count{target="jobs",name="shop.fail",queue_name="celery",outcome="failed"}'
    ]
    assert duration == 2
    assert found['celery_tasks_under_way{target="jobs"}'] == 0


async def test_the_queue_counts_all_priorities_and_knows_its_age(start: Start, broker: str, producer: Celery) -> None:
    running = await start(settings(broker))
    sent = time.time() - 90
    stamp = stamp_sent_at(now=lambda: sent)
    try:
        for priority in (0, 3, 6, 9):
            for _ in range(10):
                await asyncio.to_thread(producer.send_task, "shop.add", (1, 2), priority=priority)
    finally:
        from celery.signals import before_task_publish

        before_task_publish.disconnect(stamp, dispatch_uid="tocsin-sent-at")
    found = await running.samples("/metrics/celery")
    assert found['celery_queue_length{target="jobs",queue_name="celery"}'] == 40
    assert 90 <= found['celery_queue_oldest_task_age_seconds{target="jobs",queue_name="celery"}'] < 120
    assert found['celery_queue_age_source{target="jobs",queue_name="celery",source="sent_at"}'] == 1


async def test_an_unstamped_queue_ages_from_when_it_was_first_seen(start: Start, broker: str, producer: Celery) -> None:
    running = await start(settings(broker))
    await asyncio.to_thread(producer.send_task, "shop.add", (1, 2))
    await running.samples("/metrics/celery")
    found = await running.samples("/metrics/celery")
    assert found['celery_queue_oldest_task_age_seconds{target="jobs",queue_name="celery"}'] > 0
    assert found['celery_queue_age_source{target="jobs",queue_name="celery",source="first_seen"}'] == 1


async def test_kill_9_of_one_of_two_workers_on_a_host_is_seen_in_three_heartbeats(
    start: Start, broker: str, worker
) -> None:
    running = await start(settings(broker, heartbeat_interval=1))
    first = worker("w1@box")
    worker("w2@box")
    await until(running, lambda found: up(found, "w1@box") == 1 and up(found, "w2@box") == 1)
    first.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    found = await until(running, lambda found: up(found, "w1@box") == 0)
    assert time.monotonic() - killed < 5
    assert up(found, "w2@box") == 1
    assert found['celery_worker_up{target="jobs",hostname="box",worker="w2@box"}'] == 1


async def test_a_worker_that_ends_is_down_at_once(start: Start, broker: str, worker) -> None:
    running = await start(settings(broker))
    process = worker("w1@box")
    await until(running, lambda found: up(found, "w1@box") == 1)
    process.send_signal(signal.SIGTERM)
    await until(running, lambda found: up(found, "w1@box") == 0, limit=10)


async def test_a_hung_broker_is_down_in_time_and_no_worker_is_blamed(
    start: Start, broker: str, own_redis: OwnServer
) -> None:
    running = await start(settings(broker))
    await until(running, lambda found: found['celery_events_connected{target="jobs"}'] == 1)
    own_redis.hang()
    begin = time.monotonic()
    found = await running.samples("/metrics/celery", scrape=1.5)
    assert time.monotonic() - begin < 1.5
    assert found['celery_up{target="jobs"}'] == 0
    assert found['tocsin_target_error{target="jobs",kind="celery",reason="timeout"}'] == 1
    assert not [name for name in found if name.startswith("celery_worker_up")]
    own_redis.resume()
    assert (await running.samples("/metrics/celery"))['celery_up{target="jobs"}'] == 1


async def test_a_reload_leaves_no_connection_behind(start: Start, broker: str, own_redis: OwnServer) -> None:
    running = await start(settings(broker))
    async with Redis(port=own_redis.port, decode_responses=True) as admin:
        await until(running, lambda found: found['celery_events_connected{target="jobs"}'] == 1)
        for _ in range(3):
            await running.collector.reload()
            await until(running, lambda found: found['celery_events_connected{target="jobs"}'] == 1)
        running.collector._load = CollectorConfig
        await running.collector.reload()
        for _ in range(200):
            clients = await admin.client_list()
            if len(clients) == 1:
                break
            await asyncio.sleep(0.05)
        threads = [thread.name for thread in threading.enumerate() if "celery" in thread.name]
    assert [client["cmd"] for client in clients] == ["client"], f"threads that still run: {threads}"


async def test_refused_then_there(start: Start) -> None:
    running = await start(settings("redis://127.0.0.1:1/0"))
    found = await running.samples("/metrics/celery")
    assert found['celery_up{target="jobs"}'] == 0
    assert found['celery_events_connected{target="jobs"}'] == 0
    assert found['tocsin_target_error{target="jobs",kind="celery",reason="refused"}'] == 1


async def test_wrong_password(start: Start, broker: str, own_redis: OwnServer, tmp_path: Path) -> None:
    async with Redis(port=own_redis.port) as admin:
        await admin.config_set("requirepass", "p@ss/word")
    (tmp_path / "secret").write_text("wrong")
    running = await start(settings(broker, password_file="secret"))
    found = await running.samples("/metrics/celery")
    assert found['tocsin_target_error{target="jobs",kind="celery",reason="auth"}'] == 1
    (tmp_path / "secret").write_text("p@ss/word")
    assert (await running.samples("/metrics/celery"))['celery_up{target="jobs"}'] == 1
    await until(running, lambda found: found['celery_events_connected{target="jobs"}'] == 1)
