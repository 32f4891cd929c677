import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sheet import Sheet
from services.collector.sources.celery.queues import Ages, message_facts, queue_keys, write_queues
from services.collector.sources.celery.tasks import Tasks, exception_class, host_of
from services.collector.sources.celery.workers import Workers

KEY = {"name": "shop.add", "hostname": "box", "queue_name": "celery"}


def event(kind: str, at: float = 0.0, uuid: str = "1", **more: Any) -> dict[str, Any]:
    return {"type": kind, "uuid": uuid, "hostname": "w1@box", "timestamp": at, **more}


def sheet_of(tasks: Tasks) -> Sheet:
    sheet = Sheet()
    tasks.write(sheet)
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


def test_three_missing_heartbeats_are_a_dead_worker() -> None:
    workers = Workers()
    workers.apply({"type": "worker-heartbeat", "hostname": "w1@box", "freq": 2.0, "active": 3, "processed": 7}, 100.0)
    assert workers.is_up("w1@box", 106.0)
    assert not workers.is_up("w1@box", 106.1)
    sheet = Sheet()
    workers.write(sheet, 107.0)
    assert sheet.value("celery_worker_up", hostname="box", worker="w1@box") == 0
    assert sheet.value("celery_worker_tasks_active", hostname="box", worker="w1@box") == 0
    assert sheet.value("celery_worker_processed_total", hostname="box", worker="w1@box") == 7


def test_task_events_are_signs_of_life_but_not_the_senders() -> None:
    workers = Workers()
    workers.apply({"type": "worker-online", "hostname": "w1@box", "freq": 1.0}, 0.0)
    workers.apply({"type": "task-started", "hostname": "w1@box"}, 5.0)
    assert workers.is_up("w1@box", 8.0)
    workers.apply({"type": "task-sent", "hostname": "w1@box"}, 20.0)
    workers.apply({"type": "task-started", "hostname": "w9@box"}, 20.0)
    assert not workers.is_up("w1@box", 20.0)
    assert not workers.is_up("w9@box", 20.0)


def test_going_offline_coming_back_and_being_forgotten() -> None:
    workers = Workers(forget=60)
    workers.apply({"type": "worker-online", "hostname": "w1@box"}, 0.0)
    workers.apply({"type": "worker-offline", "hostname": "w1@box"}, 1.0)
    assert not workers.is_up("w1@box", 1.0)
    workers.apply({"type": "worker-heartbeat", "hostname": "w1@box"}, 2.0)
    assert workers.is_up("w1@box", 2.0)
    workers.listening_again(50.0)
    assert workers.is_up("w1@box", 55.0)
    sheet = Sheet()
    workers.write(sheet, 111.0)
    assert sheet.families == {}
    workers.apply({"type": "worker-heartbeat", "hostname": ""}, 0.0)
    workers.apply({"type": "other"}, 0.0)
    assert not workers.is_up("", 0.0)


def test_workers_are_bounded() -> None:
    workers = Workers()
    for number in range(3000):
        workers.apply({"type": "worker-online", "hostname": f"w{number}@box"}, 0.0)
    assert workers.is_up("w1999@box", 0.0)
    assert not workers.is_up("w2000@box", 0.0)


def message(task_id: str = "a", **headers: Any) -> str:
    return json.dumps({"headers": {"id": task_id, **headers}, "properties": {"delivery_tag": "tag"}})


@pytest.mark.parametrize(
    ("raw", "facts"),
    [
        (message(tocsin_sent_at=12.5), ("a", 12.5)),
        (message(), ("a", None)),
        (message(tocsin_sent_at="soon"), ("a", None)),
        ('{"properties": {"delivery_tag": "tag"}}', ("tag", None)),
        ("not json", ("", None)),
        ("[]", ("", None)),
    ],
)
def test_message_facts(raw: str, facts: tuple[str, float | None]) -> None:
    assert message_facts(raw) == facts


@given(st.text())
def test_no_message_breaks_the_scrape(raw: str) -> None:
    assert isinstance(message_facts(raw)[0], str)


def test_ages() -> None:
    ages = Ages()
    assert ages.of("q", None, now=0, monotonic=0) is None
    first = ages.of("q", message("a"), now=0, monotonic=10)
    assert (first.seconds, first.source) == (0, "first_seen")
    assert ages.of("q", message("a"), now=0, monotonic=25).seconds == 15
    assert ages.of("q", message("b"), now=0, monotonic=30).seconds == 0
    stamped = ages.of("q", message("b", tocsin_sent_at=100.0), now=130, monotonic=30)
    assert (stamped.seconds, stamped.source) == (30, "sent_at")
    assert ages.of("q", message("b", tocsin_sent_at=100.0), now=90, monotonic=30).seconds == 0, "clocks differ"


def test_all_priorities_make_the_length_and_the_oldest_the_age() -> None:
    assert queue_keys("q", (0, 3, 6, 9)) == ["q", "q\x06\x163", "q\x06\x166", "q\x06\x169"]
    sheet = Sheet()
    answers = [4, 1, message("a", tocsin_sent_at=95.0), 2, message("b", tocsin_sent_at=50.0), 0, None]
    write_queues(sheet, [*answers[:5], 0, None], ["q"], (0, 3, 6), Ages(), now=100.0, monotonic=0.0)
    assert sheet.value("celery_queue_unacked") == 4
    assert sheet.value("celery_queue_length", queue_name="q") == 3
    assert sheet.value("celery_queue_oldest_task_age_seconds", queue_name="q") == 50
    empty = Sheet()
    write_queues(empty, [0, 0, None], ["q"], (0,), Ages(), now=100.0, monotonic=0.0)
    assert empty.value("celery_queue_oldest_task_age_seconds", queue_name="q") == 0
    assert empty.value("celery_queue_age_source", queue_name="q", source="empty") == 1
