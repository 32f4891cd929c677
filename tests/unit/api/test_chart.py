"""Which expression, limits and series the chart of an alert has."""

import pytest

from services.api.alerts.build import alert_from_event
from services.api.alerts.chart import LEAST_STEP, POINTS, limits_of, rule_of, series_of, window
from services.api.overview.evaluated import Matrix, RuleGroups
from tests.unit.api import scenario

ALERT = alert_from_event(scenario.event("ApiSlow", labels={"instance": "a"}))
GROUPS = RuleGroups.model_validate(scenario.rules_answer())


def _matrix(*series):
    return Matrix.model_validate({
        "resultType": "matrix",
        "result": [{"metric": {"__name__": "x", **labels}, "values": [[1, text] for text in texts]}
                   for labels, texts in series],
    })  # fmt: skip


def test_the_rule_is_found_by_name_group_and_file():
    assert rule_of(ALERT, GROUPS).name == "ApiSlow"
    assert rule_of(ALERT, None) is None
    other = ALERT.model_copy(update={"rule": ALERT.rule.model_copy(update={"file": "rules/else.yml"})})
    assert rule_of(other, GROUPS) is None
    moved = ALERT.model_copy(update={"rule": ALERT.rule.model_copy(update={"file": ""})})
    assert rule_of(moved, GROUPS).name == "ApiSlow"


@pytest.mark.parametrize(("severity", "shown"), [("critical", "critical"), ("page", "warning"), ("", "warning")])
def test_limits_take_the_rules_comparison(severity, shown):
    expr, limits = limits_of(rule_of(ALERT, GROUPS), severity)
    assert expr == "tocsin:fastapi_response_seconds:avg"
    assert [(one.op, one.value, one.severity) for one in limits] == [(">", 0.1, shown)]
    assert limits_of(None, severity) == ("", [])


@pytest.mark.parametrize(
    ("lasted", "ended", "step"),
    [(60, None, LEAST_STEP), (86_400, None, round((86_400 + 900) / POINTS)), (60, 30, LEAST_STEP)],
)
def test_the_window_goes_from_before_the_breach_to_after_the_end(lasted, ended, step):
    now = ALERT.active_at + lasted
    alert = ALERT.model_copy(update={"ends_at": None if ended is None else ALERT.active_at + ended})
    start, end, found = window(alert, now)
    assert (start, end, found) == (ALERT.active_at - 900, now, step)
    assert (end - start) / found <= POINTS + 1


def test_a_window_is_never_empty():
    start, end, _ = window(ALERT, ALERT.active_at - 5000)
    assert end > start


def test_series_of_the_alerts_labels_come_alone_and_numbers_are_finite():
    matrix = _matrix(({"instance": "a"}, ["1", "NaN", "+Inf", "2"]), ({"instance": "b"}, ["3"]))
    found = series_of(matrix, ALERT.labels)
    assert [(one.labels, [value for _, value in one.points]) for one in found] == [({"instance": "a"}, [1.0, 2.0])]


def test_without_series_of_its_own_some_are_shown():
    matrix = _matrix(*(({"instance": f"x{index}"}, ["1"]) for index in range(20)))
    assert len(series_of(matrix, ALERT.labels)) == 8
