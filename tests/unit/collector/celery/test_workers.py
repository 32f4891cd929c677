from services.collector.sheet import Sheet
from services.collector.sources.celery.workers import Workers


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
    assert workers.forget(109.0) == []
    assert workers.forget(111.0) == ["w1@box"]
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


def test_a_worker_that_shows_itself_is_told() -> None:
    workers = Workers()
    beat = {"type": "worker-heartbeat", "hostname": "w1@box"}
    assert workers.apply(beat, 0.0)
    assert not workers.apply(beat, 1.0)
    assert workers.apply({"type": "worker-online", "hostname": "w1@box"}, 2.0), "it was started anew: events are off"
    assert not workers.apply({"type": "worker-offline", "hostname": "w1@box"}, 3.0)
    assert workers.apply(beat, 4.0)


def test_who_sends_events_and_flowers_names() -> None:
    workers = Workers()
    for node in ("w1@box", "w2@box"):
        workers.apply({"type": "worker-heartbeat", "hostname": node, "active": 2}, 0.0)
    sheet = Sheet()
    workers.write(sheet, 1.0, {"w1@box": True})
    workers.write_flower(sheet, 1.0)
    assert sheet.value("celery_worker_events_enabled", hostname="box", worker="w1@box") == 1
    assert sheet.value("celery_worker_events_enabled", hostname="box", worker="w2@box") == 0
    assert sheet.value("flower_worker_online", worker="w2@box") == 1
    assert sheet.value("flower_worker_number_of_currently_executing_tasks", worker="w2@box") == 2
