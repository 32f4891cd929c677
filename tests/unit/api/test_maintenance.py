"""Maintenance summed up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.alerts.build import alert_from_event
from services.api.alerts.model import Acknowledgement
from services.api.checklist.book import describe as describe_task
from services.api.checks.book import describe
from services.api.maintenance.model import CheckCounts, TaskCounts
from services.api.maintenance.summary import concerned, health, metrics
from tests.unit.api import scenario
from tests.unit.api.checklist.test_book import ROW as TASK
from tests.unit.api.checks.test_book import ROW

NOW = 1_700_000_000.0
STATES = {
    "new": {},
    "up": {"last_success_at": NOW - 10},
    "late": {"last_success_at": NOW - 3630},
    "down": {"failed": True},
    "started": {"running_since": NOW - 10},
}


def alert(severity="warning", category="system", *, dismissed=False):
    found = alert_from_event(scenario.event("Note"))
    done = Acknowledgement(by="ana", at=NOW, comment="later") if dismissed else None
    return found.model_copy(update={"severity": severity, "category": category, "acknowledged": done})


def task(state):
    """A task that is in that state now."""
    ago = {"waiting": 0.0, "due": 86_400.0, "overdue": 10 * 86_400.0, "unknown": 10 * 86_400.0}[state]
    source = "beat" if state == "unknown" else "manual"
    row = TASK | {"name": state, "source": source, "last_done_at": NOW - ago}
    found = describe_task(row, NOW, beat_known=False)
    assert found.state == state
    return found


def checks(*states):
    return [describe(ROW | {"name": state} | STATES[state], NOW) for state in states]


@pytest.mark.parametrize(
    ("alerts", "known", "status", "overdue"),
    [
        ([], [], "ok", []),
        ([], None, "unknown", []),
        ([alert()], None, "attention", []),
        ([], checks("new", "up", "started"), "ok", []),
        ([], checks("up", "late"), "attention", ["late"]),
        ([], checks("late", "down"), "critical", ["late", "down"]),
        ([alert("info")], [], "attention", []),
        ([alert("critical")], None, "critical", []),
        ([alert("critical", dismissed=True)], [], "ok", []),
    ],
)
def test_health(alerts, known, status, overdue):
    found = health(alerts, known, [], NOW)
    assert (found.status, found.overdue, found.checks_known) == (status, overdue, known is not None)
    assert found.open_alerts == sum(one.acknowledged is None for one in alerts)


@pytest.mark.parametrize(
    ("tasks", "status"),
    [([], "ok"), (None, "unknown"), (["due", "unknown"], "ok"), (["due", "overdue"], "attention")],
)
def test_health_knows_of_overdue_tasks(tasks, status):
    tasks = None if tasks is None else [task(state) for state in tasks]
    found = health([], [], tasks, NOW)
    assert (found.status, found.tasks_known) == (status, tasks is not None)
    assert found.overdue_tasks == [one.name for one in tasks or () if one.state == "overdue"]


def test_only_two_categories_are_maintenance():
    found = concerned([alert(category=name) for name in ("code_quality", "performance", "system", "security", "")])
    assert [one.category for one in found] == ["code_quality", "system"]


def test_metrics():
    alerts = [alert(), alert("critical", "code_quality"), alert(dismissed=True)]
    found = metrics(alerts, checks("up", "up", "down"), [task("due"), task("overdue")], NOW)
    assert (found.open_alerts, found.dismissed_alerts) == (2, 1)
    assert found.by_severity == {"warning": 1, "critical": 1}
    assert found.by_category == {"code_quality": 1, "system": 1}
    assert found.checks == CheckCounts(up=2, down=1)
    assert found.tasks == TaskCounts(due=1, overdue=1)
    unknown = metrics(alerts, None, None, NOW)
    assert (unknown.checks, unknown.tasks) == (None, None)


@given(st.lists(st.sampled_from(sorted(STATES))), st.lists(st.booleans()))
def test_every_alert_and_check_is_counted_once(states, dismissed):
    found = metrics([alert(dismissed=one) for one in dismissed], checks(*states), [], NOW)
    assert found.open_alerts + found.dismissed_alerts == len(dismissed)
    assert sum(found.checks.model_dump().values()) == len(states)
