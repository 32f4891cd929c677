"""Panels, rings, thresholds, states: the pure side of the overview."""

import importlib
import itertools
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.overview import panels
from services.api.overview.evaluated import Matrix, RuleGroups, RuleIndex, Vector, combine, index_rules, range_values
from services.api.overview.health import build_components, component_status, overall_status
from services.api.overview.model import Threshold
from services.api.overview.panel import build_panels, panel_status
from services.api.overview.ring import SPAN, STEP, Ring, tidy
from services.api.overview.state import OverviewState
from tests.unit.api import scenario
from tests.unit.api.scenario import NOW


def limit(severity, op, value):
    return Threshold(severity=severity, op=op, value=value, rule="R")


def test_the_folder_and_the_tuple_agree():
    folder = {module.name for module in pkgutil.iter_modules(panels.__path__)}
    assert folder == {component.key for component in panels.COMPONENTS}
    for name in folder:
        assert importlib.import_module(f"{panels.__name__}.{name}").COMPONENT in panels.COMPONENTS


def test_keys_and_places_are_unique_and_cards_have_three_metrics():
    every = [panel for _, panel in panels.panels_in_order()]
    assert len({panel.key for panel in every}) == len({panel.expr for panel in every}) == len(every)
    assert [panel.grid for panel in every if panel.grid] == list(range(1, 9))
    assert all(len(component.card) in {0, 3} for component in panels.COMPONENTS)
    assert all(panel.expr.startswith("tocsin:") for panel in every)


@pytest.mark.parametrize(
    ("value", "thresholds", "status"),
    [
        (None, [limit("critical", ">", 1)], "unknown"),
        (5, [], "ok"),
        (5, [limit("warning", ">", 5)], "ok"),
        (5, [limit("warning", ">=", 5)], "warning"),
        (5, [limit("warning", ">", 1), limit("critical", ">", 2)], "critical"),
        (5, [limit("warning", ">", 1), limit("critical", ">", 20)], "warning"),
        (5, [limit("info", ">", 1)], "ok"),
        (0, [limit("critical", "==", 0)], "critical"),
        (0, [limit("critical", "!=", 0)], "ok"),
        (0, [limit("warning", "<", 3)], "warning"),
        (3, [limit("warning", "<=", 3)], "warning"),
        (float("inf"), [limit("warning", ">", 3)], "warning"),
    ],
)
def test_a_panels_status_is_the_worst_limit_that_it_breaches(value, thresholds, status):
    assert panel_status(value, thresholds) == status


@pytest.mark.parametrize(
    ("values", "op", "worst"),
    [
        ([1, 3, 2], ">", 3),
        ([1, 3, 2], "<", 1),
        ([1, float("nan")], "<=", 1),
        ([float("nan")], ">", None),
        ([], ">", None),
    ],
)
def test_of_several_series_the_worst_is_shown(values, op, worst):
    assert combine(values, (limit("warning", op, 1),)) == worst
    assert combine([1, 2], ()) == 2


def test_rings_keep_sixty_points_the_newest_of_each_step():
    ring = Ring()
    for second in range(2000):
        ring.add(NOW + second, float(second))
    points = ring.points(NOW + 1999)
    assert len(points) == SPAN // STEP
    assert points[-1] == ((NOW + 1999) // STEP * STEP, 1999.0)
    assert all(later[0] - earlier[0] == STEP for earlier, later in itertools.pairwise(points))
    assert ring.points(NOW + 1999 + SPAN) == []


def test_the_past_never_replaces_what_was_seen():
    ring = Ring()
    ring.add(NOW, 5.0)
    ring.fill([(NOW - STEP, 1.0), (NOW, 2.0)])
    assert [value for _, value in ring.points(NOW)] == [1.0, 5.0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (10, 15, (0.5, "up")),
        (10, 5, (-0.5, "down")),
        (10, 10.05, (0.005, "flat")),
        (-10, -5, (0.5, "up")),
        (0, 0, (0.0, "flat")),
        (0, 3, (None, "up")),
        (0, -3, (None, "down")),
        (None, 3, (None, "none")),
        (3, None, (None, "none")),
    ],
)
def test_change_against_five_minutes_ago(old, new, expected):
    ring = Ring()
    ring.add(NOW - 300, old)
    ring.add(NOW, new)
    assert ring.change(NOW, new) == expected


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats() | st.none()), max_size=200))
def test_rings_hold_their_bounds_whatever_comes(samples):
    ring = Ring()
    for at, value in samples:
        ring.add(NOW + at, value)
    points = ring.points(NOW + 5000)
    assert len(ring._points) <= SPAN // STEP
    assert points == sorted(points)
    assert all(tidy(value) == value for _, value in points)


def test_thresholds_come_from_alerting_rules_with_a_severity_worst_first():
    rule = {"name": "A", "type": "alerting", "labels": {"severity": "warning", "component": "redis"},
            "lastEvaluation": "2023-11-14T22:13:20.123456789Z",
            "tocsin": {"thresholds": [{"expr": "tocsin:x", "op": ">", "value": 1}]}}  # fmt: skip
    critical = {**rule, "name": "B", "labels": {"severity": "critical", "component": "redis"},
                "lastEvaluation": "2023-11-14T22:13:25Z"}  # fmt: skip
    others = [
        {**rule, "labels": {}},
        {**rule, "labels": {"severity": "page"}},
        {**rule, "tocsin": None},
        {**rule, "tocsin": {"thresholds": [{"expr": "tocsin:x", "op": "=~", "value": 1}]}},
        {"name": "tocsin:x", "type": "recording", "lastEvaluation": "0001-01-01T00:00:00Z"},
        {"name": "tocsin:y", "type": "recording", "lastEvaluation": "never"},
        {"name": "tocsin:z", "type": "recording", "lastEvaluation": "2023-11-14T22:13:20+00:00"},
    ]
    index = index_rules(RuleGroups.model_validate({"groups": [{"name": "g", "rules": [rule, critical, *others]}]}))
    assert [(found.rule, found.severity) for found in index.thresholds["tocsin:x"]] == [
        ("B", "critical"), ("A", "warning"),
    ]  # fmt: skip
    assert index.checked == {"redis": 1_700_000_005.0, "tocsin:z": 1_700_000_000.0}


def test_a_range_of_several_series_is_one_line():
    matrix = Matrix.model_validate({
        "resultType": "matrix",
        "result": [
            {"metric": {"__name__": "tocsin:x", "i": "1"}, "values": [[10, "1"], [25, "NaN"]]},
            {"metric": {"__name__": "tocsin:x", "i": "2"}, "values": [[25, "+Inf"], [10, "3"]]},
        ],
    })  # fmt: skip
    assert range_values(matrix, RuleIndex()) == {"tocsin:x": [(10, 3.0), (25, float("inf"))]}


def test_infinite_values_are_judged_but_not_shown():
    index = RuleIndex({"tocsin:celery_queue_length": (limit("warning", ">", 20),)})
    panel = next(p for p in build_panels({"tocsin:celery_queue_length": float("inf")}, index, {}, NOW)
                 if p.key == "celery_queue")  # fmt: skip
    assert (panel.value, panel.status, panel.spark) == (None, "warning", [])


def _alert(severity="warning", component="celery", impact="", summary="Trouble"):
    labels = {"severity": severity, "component": component, "impact": impact}
    view = scenario.AlertView()
    view.apply_event(scenario.event(f"{severity}{component}{impact}", labels=labels, annotations={"summary": summary}))
    return view.firing()[0]


@pytest.mark.parametrize(
    ("alerts", "reachable", "has_value", "status"),
    [
        ([], True, True, "healthy"),
        ([], True, False, "unknown"),
        ([], False, True, "unknown"),
        ([_alert()], True, False, "degraded"),
        ([_alert("critical")], True, True, "degraded"),
        ([_alert("info")], True, True, "healthy"),
        ([_alert("info")], True, False, "healthy"),
        ([_alert("warning"), _alert("warning", impact="outage")], True, True, "down"),
        ([_alert("critical", impact="outage")], False, True, "unknown"),
        ([_alert("critical", impact="minor")], True, True, "degraded"),
    ],
)
def test_component_states(alerts, reachable, has_value, status):
    assert component_status(alerts, reachable=reachable, has_value=has_value) == status


@pytest.mark.parametrize(
    ("statuses", "alerts", "overall"),
    [
        (["healthy"] * 3, [], "operational"),
        (["healthy", "unknown"], [], "unknown"),
        (["unknown", "degraded"], [], "degraded"),
        (["degraded", "down", "unknown"], [], "down"),
        (["healthy"], [_alert(component="payments")], "degraded"),
        (["healthy"], [_alert(component="tocsin", impact="outage")], "down"),
        (["healthy"], [_alert("info", component="payments")], "operational"),
        ([], [], "operational"),
    ],
)
def test_overall_states(statuses, alerts, overall):
    assert overall_status(statuses, alerts, reachable=True) == overall


def test_overall_is_unknown_without_the_evaluator():
    assert overall_status(["unknown"], [_alert(impact="outage")], reachable=False) == "unknown"


@pytest.mark.parametrize(
    ("alerts", "reachable", "message"),
    [
        ([], True, "No data. Check that it is among the collector's targets and that they are scraped."),
        ([_alert(summary="One.")], True, "One."),
        ([_alert("critical", summary="A"), _alert(impact="outage", summary="No worker")], True,
         "No worker. And 1 more alert."),
        ([_alert(summary="")], True, "warningcelery."),
        ([_alert("info")], True, "Within limits; 1 alert for information."),
        ([_alert(), _alert("critical")], False,
         "The evaluator does not answer, so nothing is known. When last heard, 2 alerts fired."),
    ],
)  # fmt: skip
def test_messages(alerts, reachable, message):
    panels_ = build_panels({}, RuleIndex(), {}, NOW)
    cards = build_components(panels_, alerts, RuleIndex(), reachable=reachable, shown=["celery"])
    assert [card.message for card in cards] == [message]
    assert cards[0].last_check is None


def test_a_silent_evaluator_leaves_no_value_standing():
    overview = scenario.told_overview()
    assert overview.health(NOW + 10).overall == "down"
    assert overview.health(NOW + 10.1).overall == "unknown"
    realtime = overview.realtime(NOW + 10.1)
    assert {panel.value for panel in realtime.panels} == {None}
    assert realtime.at == NOW
    assert any(panel.spark for panel in realtime.panels)
    assert overview.unbroken_since(NOW + 10) == NOW
    assert overview.unbroken_since(NOW + 11) is None


def test_before_anything_was_heard_all_is_unknown():
    overview = OverviewState(scenario.AlertView(), stale_after=10, shown=("redis",))
    health = overview.health(NOW)
    assert (health.overall, health.missing_services, overview.realtime(NOW).at) == ("unknown", [], NOW)


def test_old_heartbeats_are_missing_unless_redis_is_away():
    overview = scenario.told_overview()
    assert overview.health(NOW).missing_services == ["notifier"]
    assert overview.health(NOW + 20).missing_services == ["collector", "evaluator", "notifier", "api"]
    overview.take_heartbeats(None)
    health = overview.health(NOW + 20)
    assert (health.missing_services, len(health.services)) == ([], 3)


def test_the_vector_needs_prometheus_form():
    with pytest.raises(ValueError, match="vector"):
        Vector.model_validate({"resultType": "scalar", "result": []})
