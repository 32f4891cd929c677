"""When tasks are due."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.checklist.cadence import Plan, judge

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400.0


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def plan(cadence, cron=""):
    return Plan(cadence, cron, "Europe/Berlin")


@pytest.mark.parametrize(
    ("cadence", "done", "opens", "due"),
    [
        # 2026-11-22 is a Sunday.
        ("daily", "2026-11-22 08:00", "2026-11-23", "2026-11-24"),
        ("weekly", "2026-11-22 23:59", "2026-11-23", "2026-11-30"),
        ("weekly", "2026-11-23 00:00", "2026-11-30", "2026-12-07"),
        ("monthly", "2026-11-01 00:00", "2026-12-01", "2027-01-01"),
        ("monthly", "2026-01-31 12:00", "2026-02-01", "2026-03-01"),
        # The clocks change on 2026-03-29.
        ("daily", "2026-03-28 12:00", "2026-03-29", "2026-03-30"),
    ],
)
def test_a_day_a_week_and_a_month_are_one_turn(cadence, done, opens, due):
    turn = judge(plan(cadence), DAY, at(done), 0.0, at(done))
    assert (turn.opens_at, turn.due_at, turn.state) == (at(opens), at(due), "waiting")


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-11-22 23:59", "waiting"),
        ("2026-11-23 00:00", "due"),
        ("2026-11-30 00:00", "due"),
        ("2026-12-01 00:00", "due"),
        ("2026-12-01 00:01", "overdue"),
    ],
)
def test_a_week_later(now, state):
    assert judge(plan("weekly"), DAY, at("2026-11-20 10:00"), 0.0, at(now)).state == state


def test_by_cron_a_turn_opens_when_it_is_due():
    tuesdays = plan("cron", "0 9 * * 2")
    turn = judge(tuesdays, 3600.0, at("2026-11-17 09:30"), 0.0, at("2026-11-24 08:59"))
    assert (turn.opens_at, turn.due_at, turn.state) == (at("2026-11-24 09:00"), at("2026-11-24 09:00"), "waiting")
    assert judge(tuesdays, 3600.0, at("2026-11-17 09:30"), 0.0, at("2026-11-24 09:01")).state == "due"
    assert judge(tuesdays, 3600.0, at("2026-11-17 09:30"), 0.0, at("2026-11-24 10:01")).state == "overdue"


def test_what_was_never_done_is_due_from_its_making_on():
    made = at("2026-11-18 12:00")
    turn = judge(plan("weekly"), DAY, None, made, made)
    assert (turn.opens_at, turn.due_at, turn.state) == (made, at("2026-11-23"), "due")
    assert judge(plan("weekly"), DAY, None, made, at("2026-11-24 00:01")).state == "overdue"
    assert judge(plan("cron", "0 9 * * 2"), DAY, None, made, made).state == "waiting"


@given(
    st.sampled_from(["daily", "weekly", "monthly", "cron"]),
    st.floats(0, 2e9),
    st.floats(60, 30 * DAY),
    st.lists(st.floats(0, 100 * DAY), min_size=2, max_size=5),
)
def test_it_only_gets_worse_until_it_is_done(cadence, done, grace, waits):
    chosen = Plan(cadence, "30 5 * * *" if cadence == "cron" else "")
    order = ["waiting", "due", "overdue"]
    states = [order.index(judge(chosen, grace, done, 0.0, done + wait).state) for wait in sorted(waits)]
    assert states == sorted(states)
    turn = judge(chosen, grace, done, 0.0, done)
    assert done < turn.opens_at <= turn.due_at
    assert turn.state == "waiting"
