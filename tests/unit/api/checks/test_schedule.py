"""When a job is due next."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.checks.schedule import Schedule, check_cron, check_timezone


def next_local(cron, zone, local):
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()
    found = Schedule(cron=cron, timezone=zone).next_after(at)
    return datetime.fromtimestamp(found, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("cron", "zone", "after", "due"),
    [
        ("0 3 * * *", "UTC", "2024-05-01 02:59", "2024-05-01 03:00"),
        ("0 3 * * *", "UTC", "2024-05-01 03:00", "2024-05-02 03:00"),
        ("*/15 * * * *", "UTC", "2024-12-31 23:50", "2025-01-01 00:00"),
        ("30 18 * * mon-fri", "America/New_York", "2024-05-03 18:30", "2024-05-06 18:30"),
        ("0 0 29 2 *", "UTC", "2024-03-01 00:00", "2028-02-29 00:00"),
        ("0 0 31 * *", "UTC", "2024-01-31 00:00", "2024-03-31 00:00"),
        # Both days are named: either will do, as in crontab(5).
        ("0 0 13 * fri", "UTC", "2024-05-01 00:00", "2024-05-03 00:00"),
        ("0 0 13 * fri", "UTC", "2024-05-10 00:00", "2024-05-13 00:00"),
        ("0 0 * * 0", "UTC", "2024-05-01 00:00", "2024-05-05 00:00"),
        # Clocks jump from 2:00 to 3:00: what stands at 2:30 comes at 3:30, and once.
        ("30 2 * * *", "Europe/Berlin", "2024-03-30 12:00", "2024-03-31 03:30"),
        ("30 2 * * *", "Europe/Berlin", "2024-03-31 03:30", "2024-04-01 02:30"),
        # They go back from 3:00 to 2:00: the first 2:30 counts.
        ("30 2 * * *", "Europe/Berlin", "2024-10-26 12:00", "2024-10-27 02:30"),
        ("30 2 * * *", "Europe/Berlin", "2024-10-27 02:30", "2024-10-28 02:30"),
    ],
)
def test_cron(cron, zone, after, due):
    assert next_local(cron, zone, after) == due


def test_the_order_of_a_day_with_a_jump():
    # 2:45 does not exist and comes at 3:45, so 3:00 is before it.
    assert next_local("0,45 2,3 * * *", "Europe/Berlin", "2024-03-31 01:00") == "2024-03-31 03:00"


def test_a_period_runs_from_the_last_success():
    assert Schedule(period=3600.0).next_after(100.0) == 3700.0


@given(
    at=st.floats(0, 4e9),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/Sao_Paulo"]),
)
def test_the_next_time_is_later_and_within_a_day_or_so(at, minute, hour, zone):
    schedule = Schedule(cron=f"{minute} {hour} * * *", timezone=zone)
    due = schedule.next_after(at)
    assert at < due <= at + timedelta(hours=26).total_seconds()
    assert due == int(due)
    local = datetime.fromtimestamp(due, ZoneInfo(zone))
    # Another hour than asked for is one that does not exist on that day.
    asked = local.replace(hour=hour, minute=minute, fold=0)
    assert asked.astimezone(UTC).timestamp() == due or local.hour == hour


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("0 3 * *", "five fields"),
        ("", "five fields"),
        ("61 * * * *", "61"),
        ("0 0 * * 7", "7 > 6"),
        ("0 0 * * someday", "weekday"),
        ("0 0 30 2 *", "never occurs"),
        ("x * * * *", "no schedule"),
    ],
)
def test_wrong_schedules_are_named(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        check_cron(text)


def test_right_schedules_are_trimmed():
    assert check_cron("  0  3 * *   * ") == "0 3 * * *"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime"])
def test_unknown_time_zones_are_refused(name):
    with pytest.raises(ValueError, match="no time zone"):
        check_timezone(name)
    assert check_timezone("Europe/Berlin") == "Europe/Berlin"
