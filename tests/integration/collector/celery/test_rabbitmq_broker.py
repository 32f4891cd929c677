import asyncio
import signal
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from celery import Celery

from tests.fixtures.waiting import in_time
from tests.integration.collector.celery.conftest import (
    Command,
    one,
    open_files,
    own_threads,
    settings,
    total,
    until,
    up,
)
from tests.integration.collector.celery.rabbitmq import RabbitMq, running_rabbitmq
from tests.integration.collector.conftest import Start

# RabbitMQ takes seven seconds to start on an idle machine, and many times that on a busy one.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMq]:
    with running_rabbitmq() as server:
        yield server


def manage(server: RabbitMq, method: str, path: str, json: dict[str, str] | None = None) -> None:
    answer = httpx.request(method, server.management_url + path, json=json, auth=("guest", "guest"), timeout=20)
    answer.raise_for_status()


@pytest.fixture
def broker(rabbitmq: RabbitMq, request: pytest.FixtureRequest) -> Iterator[str]:
    """A virtual host of the test's own."""
    vhost = f"v{zlib.crc32(request.node.name.encode())}"
    manage(rabbitmq, "PUT", f"/api/vhosts/{vhost}")
    manage(rabbitmq, "PUT", f"/api/permissions/{vhost}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    yield f"amqp://guest:guest@127.0.0.1:{rabbitmq.port}/{vhost}"
    manage(rabbitmq, "DELETE", f"/api/vhosts/{vhost}")


async def test_tasks_workers_and_queues(
    start: Start, broker: str, worker, producer: Celery, rabbitmq: RabbitMq
) -> None:
    running = await start(settings(broker, queues=["celery", "mail"], management_url=rabbitmq.management_url))
    first = worker("w1@box")
    worker("w2@box")
    await until(running, lambda found: total(found, "celery_worker_events_enabled") == 2)
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
    assert total(found, "celery_task_sent_total") == 7
    assert total(found, "celery_task_queue_wait_time_count") == 7
    assert one(found, "celery_up") == 1
    assert one(found, "celery_active_consumer_count", 'queue_name="celery"') == 2
    assert one(found, "celery_active_worker_count", 'queue_name="celery"') == 2
    assert one(found, "celery_queue_exists", 'queue_name="mail"') == 0
    assert one(found, "celery_queue_length", 'queue_name="mail"') == 0
    await until(running, lambda found: one(found, "celery_management_up") == 1)
    found = await until(running, lambda found: one(found, "celery_queue_unacked", 'queue_name="celery"') == 0)
    assert one(found, "celery_scheduled_task_interval_seconds", "often") == 1
    first.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    found = await until(running, lambda found: up(found, "w1@box") == 0)
    assert time.monotonic() - killed < 20
    assert up(found, "w2@box") == 1


async def test_what_waits_what_is_held_and_for_how_long(
    start: Start, broker: str, celery: Command, producer: Celery, rabbitmq: RabbitMq
) -> None:
    running = await start(settings(broker, management_url=rabbitmq.management_url))
    await until(running, lambda found: one(found, "celery_events_connected") == 1)
    for _ in range(6):
        await asyncio.to_thread(producer.send_task, "shop.hold", (20,))
    found = await until(running, lambda found: one(found, "celery_queue_length") == 6)
    assert one(found, "celery_queue_age_source", 'source="sent_event"') == 1
    age = one(found, "celery_queue_oldest_task_age_seconds")
    assert age is not None
    assert 0 < age < 30
    celery("worker", "-n", "w1@box", "-c", "1", "-P", "threads", "--heartbeat-interval", "1")
    found = await until(running, lambda found: one(found, "celery_queue_unacked") == 4)
    found = await until(running, lambda found: one(found, "celery_worker_prefetched", "w1@box") == 4)
    assert one(found, "celery_queue_length") == 1, "one runs and is acknowledged already"


async def test_wrong_password(start: Start, broker: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("wrong")
    running = await start(settings(broker, password_file="secret"))
    found = await running.samples("/metrics/celery")
    assert one(found, "celery_up") == 0
    assert one(found, "tocsin_target_error", 'reason="auth"') == 1
    (tmp_path / "secret").write_text("guest")
    assert one(await running.samples("/metrics/celery"), "celery_up") == 1


async def test_a_user_with_few_rights_is_enough(
    start: Start, broker: str, worker, producer: Celery, rabbitmq: RabbitMq
) -> None:
    vhost = broker.rpartition("/")[2]
    rights = r"^(celeryev.*|.*reply\.celery\.pidbox|celery\.pidbox)$"
    manage(rabbitmq, "PUT", "/api/users/watcher", {"password": "w", "tags": "management"})
    manage(
        rabbitmq,
        "PUT",
        f"/api/permissions/{vhost}/watcher",
        {"configure": rights, "write": rights, "read": rights},
    )
    url = broker.replace("guest:guest", "watcher:w")
    running = await start(settings(url, management_url=rabbitmq.management_url))
    worker("w1@box")
    await until(running, lambda found: one(found, "celery_worker_events_enabled", "w1@box") == 1)
    await asyncio.to_thread(producer.send_task, "shop.add", (1, 2))
    found = await until(running, lambda found: total(found, "celery_task_succeeded_total", "shop.add") == 1)
    assert one(found, "celery_management_up") == 1
    assert one(found, "celery_queue_exists", 'queue_name="celery"') == 1


async def test_refused(start: Start) -> None:
    running = await start(settings("amqp://guest:guest@127.0.0.1:1//"))
    found = await running.samples("/metrics/celery", scrape=3)
    assert one(found, "celery_up") == 0
    assert one(found, "tocsin_target_error", 'reason="refused"') == 1


async def test_the_management_api_may_be_away(start: Start, broker: str) -> None:
    running = await start(settings(broker, management_url="http://127.0.0.1:1"))
    found = await running.samples("/metrics/celery")
    assert one(found, "celery_up") == 1
    assert one(found, "celery_management_up") == 0
    assert one(found, "celery_queue_unacked") is None
    running = await start(settings(broker.replace("127.0.0.1", "localhost"), management_url="http://127.0.0.1:1"))
    assert one(await running.samples("/metrics/celery"), "celery_up") == 1


async def test_many_scrapes_leak_nothing(start: Start, broker: str, rabbitmq: RabbitMq) -> None:
    running = await start(settings(broker, queues=["celery", "mail"], management_url=rabbitmq.management_url))
    await until(running, lambda found: one(found, "celery_events_connected") == 1)
    for _ in range(10):
        await running.samples("/metrics/celery")
    threads, files = own_threads(), open_files()
    for _ in range(300):
        await running.get("/metrics/celery")
    assert own_threads() <= threads
    assert open_files() <= files + 2


async def test_a_hung_broker_is_down_in_time_and_comes_back(start: Start, broker: str, rabbitmq: RabbitMq) -> None:
    running = await start(settings(broker))
    await until(running, lambda found: one(found, "celery_events_connected") == 1)
    rabbitmq.hang()
    try:
        for _ in range(3):
            with in_time(1.5):
                found = await running.samples("/metrics/celery", scrape=1.5)
            assert one(found, "celery_up") == 0
            assert one(found, "tocsin_target_error", 'reason="timeout"') == 1
            assert not [name for name in found if name.startswith("celery_worker_up")]
    finally:
        rabbitmq.resume()
    await until(running, lambda found: one(found, "celery_up") == 1)
