"""How a check stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.checks.schedule import Schedule
from services.api.checks.state import Reports, Standing, judge

HOURLY, GRACE = Schedule(period=3600.0), 600.0
T = 1_700_000_000.0
SUCCESS = Reports(success_at=T)


@pytest.mark.parametrize(
    ("reports", "after", "state", "reason"),
    [
        (Reports(), 1e6, "new", ""),
        (SUCCESS, 0, "up", ""),
        (SUCCESS, 3600, "up", ""),
        (SUCCESS, 3601, "late", ""),
        (SUCCESS, 4200, "late", ""),
        (SUCCESS, 4201, "down", "missed"),
        (Reports(success_at=T, failed=True), 1, "down", "failed"),
        (Reports(failed=True), 1, "down", "failed"),
        # The next run of a failed job is no success yet.
        (Reports(success_at=T, failed=True, running_since=T + 10), 20, "down", "failed"),
        (Reports(running_since=T), 600, "started", ""),
        (Reports(running_since=T), 601, "down", "overran"),
        # Began within the grace of the success that is due: it has its own grace to end.
        (Reports(success_at=T, running_since=T + 4100), 4300, "started", ""),
        (Reports(success_at=T, running_since=T + 4100), 4701, "down", "overran"),
        # Began when it was down already.
        (Reports(success_at=T, running_since=T + 4300), 4301, "down", "missed"),
    ],
)
def test_states(reports, after, state, reason):
    found = judge(HOURLY, GRACE, reports, T + after)
    assert (found.state, found.reason) == (state, reason)


def test_due_and_late():
    assert judge(HOURLY, GRACE, SUCCESS, T + 4000) == Standing("late", "", T + 3600, 400.0)
    assert judge(HOURLY, GRACE, SUCCESS, T + 10) == Standing("up", "", T + 3600, 0.0)
    assert judge(HOURLY, GRACE, Reports(), T) == Standing("new", "", None, 0.0)


@given(
    success=st.none() | st.floats(0, 1e6),
    running=st.none() | st.floats(0, 1e6),
    failed=st.booleans(),
    now=st.floats(1e6, 2e6),
    later=st.floats(0, 1e6),
)
def test_without_reports_what_is_down_stays_down(success, running, failed, now, later):
    reports = Reports(success, running, failed)
    before, after = (judge(HOURLY, GRACE, reports, at) for at in (now, now + later))
    assert before.state != "down" or after.state == "down"
    assert (after.reason != "") == (after.state == "down")
    assert after.late_seconds >= before.late_seconds >= 0
