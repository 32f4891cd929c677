from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.celery.beat import Beat
from services.collector.sources.celery.inspection import Inspection, read_answers, write_inspection
from services.collector.sources.celery.tasks import Tasks
from services.collector.sources.celery.timetable import Timetable
from services.collector.sources.celery.watch import Watch
from services.collector.sources.celery.workers import Workers
from services.common.testing.clock import ManualClock

NIGHT = Timetable("night", "shop.close_day", every=600.0)
KEY = {"name": "shop.add", "hostname": "box", "queue_name": "celery"}


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def make(clock: ManualClock, woken: Woken) -> Watch:
    return Watch(
        clock=clock,
        tasks=Tasks("celery"),
        workers=Workers(),
        beat=Beat(60.0),
        schedule=[NIGHT],
        default_queue="celery",
        new_worker=woken,
    )


def sheet_of(watch: Watch, *, flower: bool = False) -> Sheet:
    sheet = Sheet()
    watch.write_workers(sheet, flower=flower)
    watch.write_tasks(sheet, flower=flower)
    return sheet


def answers(**more: Any) -> Inspection:
    node = "w1@box"
    facts: dict[str, Any] = {
        "enabled": {node: {"ok": "task events enabled"}, "w2@box": {"error": "no"}},
        "queues": {node: [{"name": "mail"}, {"name": "celery"}], "w2@box": "odd", "w3@box": [{"x": 1}]},
        "statistics": {
            node: {"pool": {"processes": [1, 2, 3]}}, "w2@box": {"pool": {"max-concurrency": 8}}, "w3@box": 1,
        },
        "registered": {node: ["shop.add", "celery.chord", "shop.slow [rate_limit=1/s]"], "w2@box": None},
        "reserved": {node: [{}, {}], "w2@box": None},
        "conf": None,
        **more,
    }  # fmt: skip
    return read_answers(**facts)


def test_answers_as_facts() -> None:
    found = answers()
    assert found.events_enabled == {"w1@box": True, "w2@box": False}
    assert found.queues == {"w1@box": ("mail", "celery"), "w3@box": ()}
    assert found.processes == {"w1@box": 3, "w2@box": 8, "w3@box": 0}
    assert found.registered == {"w1@box": ("shop.add", "shop.slow")}
    assert found.prefetched == {"w1@box": 2}
    assert found.queue_names() == {"mail", "celery"}
    assert found.usual_queue("w1@box", "celery") == "celery"
    assert found.usual_queue("w1@box", "other") == "mail"
    assert found.usual_queue("w9@box", "other") == "other"
    sheet = Sheet()
    write_inspection(sheet, found)
    assert sheet.value("celery_active_worker_count", queue_name="mail") == 1
    assert sheet.value("celery_active_process_count", queue_name="mail") == 3
    assert sheet.value("celery_worker_prefetched", hostname="box", worker="w1@box") == 2


def test_a_new_worker_wakes_the_questions() -> None:
    woken = Woken()
    watch = make(ManualClock(), woken)
    beat = {"type": "worker-heartbeat", "hostname": "w1@box"}
    watch.take([beat, beat])
    watch.take([beat])
    assert woken.times == 1


def test_what_workers_answer_fills_counters_and_schedules() -> None:
    clock = ManualClock()
    watch = make(clock, Woken())
    watch.take([{"type": "worker-heartbeat", "hostname": "w1@box", "active": 1}])
    beat = {"beat_schedule": {"often": {"task": "shop.add", "schedule": 30.0}, "night": {"task": "x", "schedule": 1.0}}}
    watch.inspected(answers(conf={"w1@box": beat}))
    sheet = sheet_of(watch, flower=True)
    assert sheet.value("celery_task_failed_total", **KEY, exception="") == 0
    assert sheet.value("celery_worker_events_enabled", hostname="box", worker="w1@box") == 1
    interval = "celery_scheduled_task_interval_seconds"
    assert sheet.value(interval, schedule="often", name="shop.add") == 30
    assert sheet.value(interval, schedule="night", name="shop.close_day") == 600, "the configuration's own goes first"
    assert sheet.value("flower_worker_online", worker="w1@box") == 1
    assert sheet.value("flower_worker_prefetched_tasks", worker="w1@box", task="") == 2
    watch.take([{"type": "task-started", "uuid": "1", "hostname": "w1@box", "name": "shop.add", "timestamp": 1.0}])
    found = sheet_of(watch).value("celery_scheduled_task_last_run_timestamp_seconds", schedule="often", name="shop.add")
    assert found == clock.now()
    watch.inspected(answers())
    assert sheet_of(watch).value(interval, schedule="often", name="shop.add") == 30, "asked for at times only"


async def test_a_worker_forgotten_takes_its_counters_along() -> None:
    clock = ManualClock()
    watch = make(clock, Woken())
    watch.take([
        {"type": "worker-heartbeat", "hostname": "w1@box"},
        {"type": "task-received", "uuid": "1", "hostname": "w1@box", "name": "shop.add", "timestamp": 1.0},
    ])  # fmt: skip
    assert sheet_of(watch).value("celery_task_received_total", **KEY) == 1
    await clock.advance(601)
    assert sheet_of(watch).value("celery_task_received_total", **KEY) is None


def test_a_broken_event_does_not_lose_the_others() -> None:
    watch = make(ManualClock(), Woken())
    watch.take([
        {"type": "worker-heartbeat", "hostname": "w1@box", "freq": "often"},
        {"type": "task-sent", "uuid": "1", "name": "shop.add", "hostname": "gen@box", "timestamp": [1]},
        {"type": ["task-sent"]},
        {"type": "task-sent", "uuid": "2", "name": "shop.add", "hostname": "gen@box", "timestamp": 5.0},
    ])  # fmt: skip
    assert watch.sent_at("2") == 5.0
    assert watch.oldest_waiting("celery", 1) == 5.0


async def test_a_silence_that_was_the_brokers_is_forgiven() -> None:
    clock = ManualClock()
    watch = make(clock, Woken())
    watch.take([{"type": "worker-heartbeat", "hostname": "w1@box"}])
    await clock.advance(100)
    watch.listening_again()
    assert sheet_of(watch).value("celery_worker_up", hostname="box", worker="w1@box") == 1
    await clock.advance(7)
    assert sheet_of(watch).value("celery_worker_up", hostname="box", worker="w1@box") == 0
