import gc
import tracemalloc
from typing import Any

import pytest

from services.collector.sheet import Sheet
from services.collector.sources.celery.names import exception_class, host_of
from services.collector.sources.celery.task_families import write_flower_tasks, write_tasks
from services.collector.sources.celery.tasks import Tasks

KEY = {"name": "shop.add", "hostname": "box", "queue_name": "celery"}


def event(kind: str, at: float = 0.0, uuid: str = "1", **more: Any) -> dict[str, Any]:
    return {"type": kind, "uuid": uuid, "hostname": "w1@box", "timestamp": at, **more}


def sheet_of(tasks: Tasks) -> Sheet:
    sheet = Sheet()
    write_tasks(sheet, tasks)
    return sheet


def test_a_task_that_succeeds() -> None:
    tasks = Tasks("celery")
    for one in (
        event("task-sent", 10.0, name="shop.add", queue="mail", hostname="gen7@web"),
        event("task-received", 11.0, name="shop.add"),
        event("task-started", 12.5),
        event("task-succeeded", 13.0, runtime=0.4),
    ):
        tasks.apply(one)
    sheet, key = sheet_of(tasks), {**KEY, "queue_name": "mail"}
    assert sheet.value("celery_task_sent_total", **{**key, "hostname": "web"}) == 1
    for kind in ("received", "started", "succeeded"):
        assert sheet.value(f"celery_task_{kind}_total", **key) == 1
    assert sheet.value("celery_task_failed_total", **key, exception="") == 0
    assert sheet.value("celery_task_runtime_sum", **key) == 0.4
    assert sheet.value("celery_task_queue_wait_time_sum", **key) == 2.5
    assert (
        sheet.value("celery_task_duration_seconds_sum", name="shop.add", queue_name="mail", outcome="succeeded") == 0.4
    )
    assert tasks.under_way == 0


def test_a_task_that_is_retried_then_fails() -> None:
    tasks = Tasks("celery")
    for one in (
        event("task-received", 1.0, name="shop.add"),
        event("task-started", 1.0),
        event("task-retried", 2.0, exception="ValueError('x')"),
        event("task-started", 5.0),
        event("task-failed", 8.0, exception="shop.errors.GatewayError('no')"),
    ):
        tasks.apply(one)
    sheet = sheet_of(tasks)
    assert sheet.value("celery_task_retried_total", **KEY) == 1
    assert sheet.value("celery_task_failed_total", **KEY, exception="GatewayError") == 1
    assert sheet.value("celery_task_duration_seconds_sum", name="shop.add", queue_name="celery", outcome="failed") == 3
    assert sheet.value("celery_task_duration_seconds_sum", name="shop.add", queue_name="celery", outcome="retried") == 1
    assert tasks.under_way == 0


def test_a_wait_for_an_eta_is_not_the_queues_fault() -> None:
    tasks = Tasks("celery")
    tasks.apply(event("task-sent", 100.0, name="shop.add", queue="celery", eta="1970-01-01T00:05:00+00:00"))
    tasks.apply(event("task-started", 301.0))
    assert sheet_of(tasks).value("celery_task_queue_wait_time_sum", **KEY) == 1.0
    tasks.apply(event("task-sent", 100.0, uuid="2", name="shop.add", queue="celery", eta="tomorrow"))
    tasks.apply(event("task-started", 101.0, uuid="2"))
    assert sheet_of(tasks).value("celery_task_queue_wait_time_sum", **KEY) == 2.0


def test_the_senders_event_may_come_late() -> None:
    tasks = Tasks("celery")
    tasks.apply(event("task-received", name="shop.add"))
    tasks.apply(event("task-sent", name="shop.add", queue="mail", hostname="gen1@web"))
    tasks.apply(event("task-started"))
    assert sheet_of(tasks).value("celery_task_started_total", **{**KEY, "queue_name": "mail"}) == 1


@pytest.mark.parametrize("ended", [False, True])
def test_a_late_senders_event_still_gives_the_wait_and_leaves_nothing_open(ended: bool) -> None:
    tasks = Tasks("celery")
    tasks.apply(event("task-received", 10.0, name="shop.add"))
    tasks.apply(event("task-started", 12.0))
    if ended:
        tasks.apply(event("task-succeeded", 13.0, runtime=1.0))
    tasks.apply(event("task-sent", 9.0, name="shop.add", queue="celery", hostname="gen1@box"))
    sheet = sheet_of(tasks)
    assert sheet.value("celery_task_sent_total", **KEY) == 1
    assert sheet.value("celery_task_queue_wait_time_sum", **KEY) == 3.0
    assert sheet.value("celery_task_queue_wait_time_count", **KEY) == 1
    assert tasks.under_way == (0 if ended else 1)
    assert tasks.open.oldest_waiting("celery", 1) is None


def test_ends_that_nobody_sent_are_bounded() -> None:
    tasks = Tasks("celery")
    for number in range(5000):
        tasks.apply(event("task-succeeded", uuid=str(number), name="shop.add"))
    assert len(tasks.open._ended) == 2000


def test_names_exceptions_and_open_tasks_are_bounded() -> None:
    tasks = Tasks("celery", max_names=2, max_open=10)
    for number in range(50):
        tasks.apply(event("task-received", uuid=f"a{number}", name=f"task{number}"))
        tasks.apply(event("task-failed", uuid=f"b{number}", name="task0", exception=f"Error{number}()"))
    sheet = sheet_of(tasks)
    assert sheet.value("celery_task_received_total", **{**KEY, "name": "other"}) == 48
    assert sheet.value("celery_task_failed_total", **{**KEY, "name": "task0"}, exception="other") == 48
    assert tasks.under_way <= 10


def test_the_middle_of_a_task_and_strange_events() -> None:
    tasks = Tasks("celery")
    tasks.apply(event("task-succeeded", 5.0))
    tasks.apply(event("task-custom"))
    tasks.apply({"type": "worker-heartbeat"})
    tasks.apply({})
    assert sheet_of(tasks).value("celery_task_succeeded_total", **{**KEY, "name": "unknown"}) == 1
    assert tasks.under_way == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ValueError('x')", "ValueError"),
        ("a.b.CError()", "CError"),
        ("", "unknown"),
        (None, "unknown"),
        ("<x>", "unknown"),
    ],
)
def test_exception_classes(text: object, name: str) -> None:
    assert exception_class(text) == name


def test_hosts() -> None:
    assert host_of("w1@vm") == "vm"
    assert host_of("vm") == "vm"


def test_two_workers_on_a_host_are_summed_and_flower_tells_them_apart() -> None:
    tasks = Tasks("celery")
    for node in ("w1@box", "w2@box"):
        tasks.apply(event("task-received", 1.0, uuid=node, name="shop.add", hostname=node))
        tasks.apply(event("task-started", 4.0, uuid=node, hostname=node))
        tasks.apply(event("task-succeeded", uuid=node, hostname=node, runtime=0.5))
        tasks.apply(event("task-failed", uuid=node + "b", name="shop.add", hostname=node, exception="KeyError(1)"))
    sheet = sheet_of(tasks)
    assert sheet.value("celery_task_succeeded_total", **KEY) == 2
    assert sheet.value("celery_task_runtime_sum", **KEY) == 1.0
    assert sheet.value("celery_task_runtime_bucket", **KEY, le="0.5") == 2
    assert sheet.value("celery_task_failed_total", **KEY, exception="KeyError") == 2
    flower = Sheet()
    write_flower_tasks(flower, tasks)
    where = {"worker": "w2@box", "task": "shop.add"}
    assert flower.value("flower_events_total", **where, type="task-succeeded") == 1
    assert flower.value("flower_task_runtime_seconds_sum", **where) == 0.5
    assert flower.value("flower_task_prefetch_time_seconds", **where) == 3.0


def test_registered_tasks_begin_at_zero() -> None:
    tasks = Tasks("celery")
    tasks.register("w1@box", "celery", ["shop.add"])
    sheet = sheet_of(tasks)
    assert sheet.value("celery_task_failed_total", **KEY, exception="") == 0
    assert sheet.value("celery_task_succeeded_total", **KEY) == 0
    assert sheet.value("celery_task_sent_total", **KEY) is None, "a worker's zero says nothing of senders"


def test_a_node_that_is_gone_leaves_nothing_and_new_ones_take_the_place_of_the_most_silent() -> None:
    tasks = Tasks("celery", max_nodes=2)
    for node in ("w1@a", "w2@b", "w1@a", "w3@c"):
        tasks.apply(event("task-received", uuid=node, name="shop.add", hostname=node))
    assert {node for (_, node, _), _ in tasks.rows()} == {"w1@a", "w3@c"}
    tasks.forget("w1@a")
    tasks.forget("never@seen")
    assert {node for (_, node, _), _ in tasks.rows()} == {"w3@c"}


def test_the_oldest_that_waits_is_the_nth_newest_of_those_sent() -> None:
    tasks = Tasks("celery")
    for number in range(10):
        tasks.apply(event("task-sent", 100.0 + number, uuid=str(number), name="shop.add", queue="mail"))
    assert tasks.open.oldest_waiting("mail", 10) == 100.0
    assert tasks.open.oldest_waiting("mail", 3) == 107.0, "the other seven left without an event that we heard"
    tasks.apply(event("task-received", 120.0, uuid="7"))
    assert tasks.open.oldest_waiting("mail", 3) == 106.0
    assert tasks.open.oldest_waiting("mail", 0) is None
    assert tasks.open.oldest_waiting("other", 3) is None
    assert tasks.open.sent_at("3") == 103.0
    assert tasks.open.sent_at("unknown") is None
    for number in range(10):
        tasks.apply(event("task-succeeded", uuid=str(number), runtime=1.0))
    assert tasks.open.oldest_waiting("mail", 3) is None


def test_memory_is_flat_in_the_number_of_tasks() -> None:
    def run(tasks: Tasks, first: int) -> None:
        for number in range(first, first + 2000):
            for kind in ("task-sent", "task-received", "task-started", "task-succeeded"):
                tasks.apply(event(kind, float(number), uuid=str(number), name="shop.add", queue="celery", runtime=0.1))

    tasks = Tasks("celery")
    run(tasks, 0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run(tasks, 2000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000
