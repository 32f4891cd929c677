from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.collector.sheet import Sheet
from services.collector.sources.celery.beat import Beat, Scheduled
from services.collector.sources.celery.memory import ScheduleFile
from services.collector.sources.celery.timetable import Timetable, check_cron, check_timezone, read_beat_schedule

EVERY = Timetable("close-day", "shop.close_day", every=60.0)
WHERE = {"schedule": "close-day", "name": "shop.close_day"}


def seconds(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def value(beat: Beat, part: str) -> float | None:
    sheet = Sheet()
    beat.write(sheet)
    return sheet.value(f"celery_scheduled_task_{part}", **WHERE)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "due"),
    [
        ("0 3 * * *", "UTC", "2026-03-01T02:59:00", "2026-03-01T03:00:00"),
        ("0 3 * * *", "UTC", "2026-03-01T03:00:00", "2026-03-02T03:00:00"),
        ("*/15 * * * *", "UTC", "2026-03-01T03:07:30", "2026-03-01T03:15:00"),
        ("30 1 * * mon-fri", "UTC", "2026-03-06T12:00:00", "2026-03-09T01:30:00"),
        ("0 0 1 * *", "Europe/Berlin", "2026-03-15T00:00:00", "2026-04-01T00:00:00"),
        ("0 12 * * *", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-29T12:00:00"),
    ],
)
def test_crontabs(cron: str, zone: str, after: str, due: str) -> None:
    table = Timetable("x", "x", cron=cron, timezone=zone)
    found = datetime.fromtimestamp(table.next_after(seconds(after, zone)), tz=UTC)
    assert found == datetime.fromtimestamp(seconds(due, zone), tz=UTC)


@pytest.mark.parametrize("text", ["", "* * * *", "61 * * * *", "a b c d e", "* * * * * *"])
def test_bad_crontabs(text: str) -> None:
    with pytest.raises(ValueError, match=r"crontab|five fields"):
        check_cron(text)


def test_bad_timezone() -> None:
    assert check_timezone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(ValueError, match="no time zone"):
        check_timezone("Mars/Olympus")


def test_the_schedule_as_workers_tell_it() -> None:
    schedule = {
        "a": {"task": "t.a", "schedule": 15.0},
        "b": {"task": "t.b", "schedule": "<crontab: 0 3,4 * * mon-fri (m/h/dM/MY/d)>"},
        "c": {"task": "t.c", "schedule": "0:05:00"},
        "d": {"task": "t.d", "schedule": "<freq: 1.50 minutes>"},
        "e": {"task": "t.e", "schedule": "2 days, 1:00:00"},
        "sun": {"task": "t.f", "schedule": "<solar: sunset at latitude 1, longitude: 2>"},
        "zero": {"task": "t.g", "schedule": 0},
        "odd": {"task": "t.h", "schedule": "<freq: many seconds>"},
        "bad": {"task": "t.i", "schedule": "<crontab: 99 3 * * * (m/h/dM/MY/d)>"},
        "none": "no entry",
    }
    found = read_beat_schedule({"beat_schedule": schedule, "timezone": "Europe/Berlin"})
    assert found == (
        Timetable("a", "t.a", every=15.0),
        Timetable("b", "t.b", cron="0 3,4 * * mon-fri", timezone="Europe/Berlin"),
        Timetable("c", "t.c", every=300.0),
        Timetable("d", "t.d", every=90.0),
        Timetable("e", "t.e", every=176_400.0),
    )
    assert read_beat_schedule({}) == ()
    assert read_beat_schedule({"beat_schedule": schedule, "timezone": "nowhere"})[1].timezone == "UTC"


@given(st.text())
def test_no_text_of_a_schedule_breaks_the_round(text: str) -> None:
    conf = {"beat_schedule": {"x": {"task": "t", "schedule": text}}}
    assert all(table.every is None or table.every > 0 for table in read_beat_schedule(conf))


def test_runs_in_time_are_not_missed() -> None:
    beat = Beat(grace=10.0)
    beat.watch([EVERY], 1000.0)
    assert value(beat, "next_run_timestamp_seconds") == 1060
    for minute in range(1, 5):
        at = 1000.0 + minute * 60
        beat.event("task-sent", "shop.close_day", at)
        beat.event("task-started", "shop.close_day", at + 1)
        beat.event("task-succeeded", "shop.close_day", at + 3)
        beat.advance(at + 5)
    assert value(beat, "missed_runs_total") == 0
    assert value(beat, "last_sent_timestamp_seconds") == 1240
    assert value(beat, "last_run_timestamp_seconds") == 1241
    assert value(beat, "last_success_timestamp_seconds") == 1243
    assert value(beat, "next_run_timestamp_seconds") == 1301
    assert value(beat, "interval_seconds") == 60


def test_each_run_that_does_not_come_is_missed_once() -> None:
    beat = Beat(grace=10.0)
    beat.watch([EVERY], 1000.0)
    beat.advance(1070.0)
    assert value(beat, "missed_runs_total") == 0, "still within the grace time"
    beat.advance(1071.0)
    beat.advance(1072.0)
    assert value(beat, "missed_runs_total") == 1
    beat.advance(1191.0)
    assert value(beat, "missed_runs_total") == 3
    assert value(beat, "last_run_timestamp_seconds") is None
    beat.event("task-started", "shop.close_day", 1192.0)
    beat.advance(1250.0)
    assert value(beat, "missed_runs_total") == 3


def test_a_run_by_hand_does_not_stand_for_the_nights() -> None:
    beat = Beat(grace=600.0)
    table = Timetable("close-day", "shop.close_day", cron="0 3 * * *")
    beat.watch([table], seconds("2026-03-01T12:00:00"))
    beat.event("task-started", "shop.close_day", seconds("2026-03-01T13:00:00"))
    beat.advance(seconds("2026-03-02T03:11:00"))
    assert value(beat, "missed_runs_total") == 1
    beat.event("task-started", "shop.close_day", seconds("2026-03-03T02:59:58"))
    beat.advance(seconds("2026-03-03T12:00:00"))
    assert value(beat, "missed_runs_total") == 1, "clocks differ by seconds"
    assert value(beat, "next_run_timestamp_seconds") == seconds("2026-03-04T03:00:00")


def test_what_could_not_be_heard_is_not_missed() -> None:
    beat = Beat(grace=10.0)
    beat.watch([EVERY], 1000.0)
    beat.listening_again(5000.0)
    beat.advance(5050.0)
    assert value(beat, "missed_runs_total") == 0
    assert value(beat, "next_run_timestamp_seconds") == 5060


def test_a_schedule_read_again_keeps_what_is_known() -> None:
    beat = Beat(grace=10.0)
    beat.watch([EVERY], 1000.0)
    beat.advance(1071.0)
    beat.watch([EVERY, Timetable("other", "t", every=5.0)], 1100.0)
    assert value(beat, "missed_runs_total") == 1
    beat.watch([Timetable("close-day", "shop.close_day", every=90.0)], 1100.0)
    assert value(beat, "missed_runs_total") == 0
    assert value(beat, "next_run_timestamp_seconds") == 1190


def test_the_clocks_leap_is_bounded() -> None:
    beat = Beat(grace=1.0)
    beat.watch([Timetable("close-day", "shop.close_day", every=0.001)], 0.0)
    beat.advance(1e9)
    assert value(beat, "missed_runs_total") == 1000
    assert value(beat, "next_run_timestamp_seconds") == pytest.approx(1e9)


def test_timetables_are_bounded() -> None:
    beat = Beat(grace=1.0)
    beat.watch([Timetable(str(number), "t", every=1.0) for number in range(500)], 0.0)
    sheet = Sheet()
    beat.write(sheet)
    assert len(sheet.families["celery_scheduled_task_missed_runs_total"].rows) == 200


DAILY = Timetable("close-day", "shop.close_day", every=86_400.0)
EVERY_MINUTE = Timetable("tidy", "shop.tidy", every=60.0)


def test_a_restarted_collector_goes_on_with_the_runs_it_knew(tmp_path: Path) -> None:
    beat = Beat(grace=60.0)
    beat.watch([DAILY, EVERY_MINUTE], 1000.0)
    beat.event("task-started", "shop.close_day", 5000.0)
    beat.event("task-succeeded", "shop.close_day", 5010.0)
    beat.advance(5000.0)
    missed = beat.state()[1].missed
    assert missed > 0
    ScheduleFile(tmp_path / "celery", "broker").write(beat.state())

    again = Beat(grace=60.0, remembered=ScheduleFile(tmp_path / "celery", "broker").read())
    assert [one.table for one in again.state()] == [DAILY, EVERY_MINUTE], "no worker has told them yet"
    again.watch([DAILY], 40_000.0)
    again.listening_again(40_001.0)
    assert value(again, "last_run_timestamp_seconds") == 5000
    assert value(again, "last_success_timestamp_seconds") == 5010
    # Not a day from the restart: a collector that is restarted each day would never miss a daily run.
    assert value(again, "next_run_timestamp_seconds") == 5000 + 86_400
    again.advance(5000 + 86_400 + 61)
    assert value(again, "missed_runs_total") == 1
    again.watch([DAILY, EVERY_MINUTE], 100_000.0)
    minute = again.state()[1]
    assert minute.missed == missed
    assert minute.due == 100_060.0, "what was due while nothing was heard may have run"


def test_an_entry_with_another_timetable_begins_anew() -> None:
    beat = Beat(grace=60.0, remembered=[Scheduled(DAILY, due=500.0, ran=100.0, missed=7)])
    beat.watch([EVERY], 200.0)
    assert value(beat, "missed_runs_total") == 0
    assert value(beat, "last_run_timestamp_seconds") is None
    assert value(beat, "next_run_timestamp_seconds") == 260


def test_a_file_that_can_not_be_used_is_told_and_no_more(tmp_path: Path) -> None:
    file = ScheduleFile(tmp_path, "broker")
    assert file.read() == ()
    for content in ("no json", '[{"table": 1}]'):
        (tmp_path / "broker.json").write_text(content)
        with capture_logs() as said:
            assert ScheduleFile(tmp_path, "broker").read() == ()
        assert [one["event"] for one in said] == ["schedule_state_broken"]
    (tmp_path / "taken").write_text("")
    blocked = ScheduleFile(tmp_path / "taken", "broker")
    with capture_logs() as said:
        for missed in range(3):
            blocked.write([Scheduled(EVERY, due=1.0, missed=missed)])
    assert [one["event"] for one in said] == ["schedule_state_not_written"]


def test_the_file_is_written_only_for_something_new(tmp_path: Path) -> None:
    file, path = ScheduleFile(tmp_path, "broker"), tmp_path / "broker.json"
    file.write([Scheduled(EVERY, due=1.0)])
    path.unlink()
    file.write([Scheduled(EVERY, due=1.0)])
    assert not path.exists()
    file.write([Scheduled(EVERY, due=2.0)])
    assert ScheduleFile(tmp_path, "broker").read() == (Scheduled(EVERY, due=2.0),)
