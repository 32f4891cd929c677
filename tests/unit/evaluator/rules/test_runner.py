"""Groups over a real head and engine; the test appends samples and moves time."""

import math

import pytest

from services.evaluator.rules.settings import RuleSettings
from services.evaluator.rules.state import AlertState, RuleState


def sent(batch):
    return [(one.labels["alertname"], one.labels.get("x", ""), one.status.value) for one in batch.events]


class TestRecording:
    def test_later_rules_see_what_earlier_ones_wrote(self, world):
        world.rules("""groups: [{name: g, rules: [
            {record: r, expr: m * 2, labels: {team: t, x: over}},
            {record: s, expr: sum(r)}, {alert: A, expr: s > 3}]}]""")
        batch = world.round(m={"a": 2})
        assert world.values("r") == {"over": 4}
        assert world.values("s") == {"": 4}
        assert sent(batch) == [("A", "", "firing")]
        assert world.values("ALERTS") == {"": 1}

    def test_a_result_that_goes_is_stale(self, world):
        world.rule(record="r", expr="m > 1")
        world.round(m={"a": 2, "b": 3})
        world.round(m={"a": 0, "b": 3})
        assert world.values("r") == {"b": 3}
        world.round(m={"a": 0, "b": 0})
        assert world.values("r") == {}
        world.round(m={"a": 5, "b": 0})
        assert world.values("r") == {"a": 5}

    @pytest.mark.parametrize(
        ("keys", "limit", "words"),
        [
            ({"expr": "m", "labels": {"x": "same"}}, 0, "same labelset"),
            ({"expr": "m"}, 1, "exceeded limit of 1 with 2 series"),
        ],
    )
    def test_faults(self, world, keys, limit, words):
        import json

        world.rules(json.dumps({"groups": [{"name": "g", "limit": limit, "rules": [{"record": "r", **keys}]}]}))
        batch = world.round(m={"a": 2, "b": 3})
        assert words in next(iter(world.runner.health.values())).last_error
        assert batch.failures == (("r", "evaluation"),)
        assert world.values("r") == {}

    def test_query_offset_moves_both_ends(self, world):
        world.rules("groups: [{name: g, query_offset: 30s, rules: [{record: r, expr: m}]}]")
        world.round(m={"a": 1})
        world.round(30.0, m={"a": 2})
        assert world.values("r offset 30s") == {"a": 1}


class TestAlerts:
    def test_labels_and_annotations_are_templates(self, world):
        world.settings = RuleSettings(external_url="http://t", external_labels={"dc": "eu"})
        world.__post_init__()
        world.rule(
            alert="A", expr="m > 1", labels={"who": "{{ $labels.x | toUpper }}", "gone": "{{ if false }}x{{ end }}"},
            annotations={"s": "{{ $value }} {{ $externalLabels.dc }}", "q": '{{ query "m" | first | value }}',
                         "e": "{{ $labels.x.y }}"},
        )  # fmt: skip
        (event,) = world.round(m={"a": 2}).events
        assert event.labels == {"alertname": "A", "x": "a", "who": "A"}
        assert (event.annotations["s"], event.annotations["q"]) == ("2 eu", "2")
        assert event.annotations["e"].startswith("<error expanding template")
        assert event.generator_url.startswith("http://t/graph?g0.expr=m+%3E+1")
        world.round(m={"a": 7})
        (alert,) = world.runner.alerts[next(iter(world.runner.alerts))].state.active.values()
        assert (alert.annotations["s"], alert.value) == ("7 eu", 7)

    def test_clear_is_joined_on_the_alerts_own_labels(self, world):
        world.rule(alert="A", expr="m > 20", clear="m < 10")
        assert sent(world.round(m={"a": 30, "b": 30})) == [("A", "a", "firing"), ("A", "b", "firing")]
        assert sent(world.round(m={"a": 15, "b": 5})) == [("A", "b", "resolved")]
        assert world.values('ALERTS{alertstate="firing"}') == {"a": 1}
        assert sent(world.round(m={"a": 9, "b": 5})) == [("A", "a", "resolved")]

    def test_clear_of_an_aggregation_clears_all_it_speaks_of(self, world):
        world.rule(alert="A", expr="m > 20", clear="sum(m) < 10")
        world.round(m={"a": 30})
        assert sent(world.round(m={"a": 15})) == []
        assert sent(world.round(m={"a": 5})) == [("A", "a", "resolved")]

    @pytest.mark.parametrize(("no_data", "expected"), [(None, [("A", "a", "resolved")]), ("keep", [])])
    def test_series_that_vanish(self, world, no_data, expected):
        world.rule(alert="A", expr="m > 20", **({"no_data": no_data} if no_data else {}))
        world.round(m={"a": 30, "b": 1})
        assert sent(world.round(m={"b": 1})) == expected

    def test_no_data_alert_is_an_alert_of_its_own(self, world):
        world.rule(
            alert="A", expr="m > 20", no_data="alert", labels={"severity": "critical"}, annotations={"action": "go"}
        )
        world.round(m={"a": 30, "b": 1})
        batch = world.round(m={"b": 1})
        (event,) = batch.events
        assert event.labels == {"alertname": "NoData", "rule": "A", "x": "a", "severity": "critical"}
        assert event.annotations["action"] == "go"
        assert len(batch.states) == 1
        assert world.values('ALERTS{alertname="NoData"}') == {"a": 1}
        assert sent(world.round(m={"a": 1, "b": 1})) == [("A", "a", "resolved"), ("NoData", "a", "resolved")]
        world.round(m={"b": 1})
        assert ("NoData", "a", "resolved") in sent(world.round(3700.0, m={"b": 1})), (
            "removed, not missing, after an hour"
        )

    def test_equal_label_sets_are_the_rules_error_and_its_alerts_stay(self, world):
        world.rule(
            alert="A", expr="m > 1", labels={"x": "{{ if gt $value 5.0 }}same{{ else }}{{ $labels.x }}{{ end }}"}
        )
        world.round(m={"a": 2, "b": 3})
        batch = world.round(m={"a": 8, "b": 9})
        assert batch.events == ()
        assert "same labelset" in next(iter(world.runner.health.values())).last_error
        active = world.runner.alerts[next(iter(world.runner.alerts))].state.active.values()
        assert {one.state for one in active} == {AlertState.FIRING}

    def test_a_failing_query_is_no_recovery(self, world):
        world.rule(alert="A", expr="m > 1 and on () (m * on () m > 0)")
        world.round(m={"a": 2})
        batch = world.round(60.0, m={"a": 2, "b": 2})
        assert sent(batch) == [("A", "a", "firing")]
        assert batch.failures == (("A", "evaluation"),)

    def test_limit_ends_all(self, world):
        world.rules("groups: [{name: g, limit: 1, rules: [{alert: A, expr: m > 1}]}]")
        world.round(m={"a": 2})
        batch = world.round(m={"a": 2, "b": 2})
        assert sent(batch) == [("A", "a", "resolved")]
        assert "exceeded limit of 1 with 2 alerts" in next(iter(world.runner.health.values())).last_error

    def test_values_that_json_can_not_hold_are_left_out(self, world):
        world.rule(alert="A", expr="m > 1")
        (event,) = world.round(m={"a": math.inf}).events
        assert event.value is None

    def test_an_engine_defect_costs_one_rule(self, world, monkeypatch):
        world.rules("groups: [{name: g, rules: [{alert: A, expr: m > 1}, {alert: B, expr: m > 1}]}]")
        first = next(iter(world.runner.alerts.values()))
        monkeypatch.setattr(first, "evaluate", lambda *_: 1 / 0)
        batch = world.round(m={"a": 2})
        assert sent(batch) == [("B", "a", "firing")]
        assert batch.failures == (("A", "internal"),)

    def test_twenty_evaluations_are_remembered(self, world):
        world.rule(alert="A", expr="m > 1")
        for _ in range(25):
            world.round(m={"a": 2})
        (health,) = world.runner.health.values()
        assert len(health.evaluations) == 20
        assert health.evaluations[-1].at == world.now


class TestReload:
    def test_state_stays_and_removed_rules_end(self, world):
        two = "groups: [{name: g, rules: [{alert: A, expr: m > 1}, {alert: B, expr: m > 1}, {record: r, expr: m}]}]"
        world.rules(two)
        world.round(m={"a": 2})
        world.now += 1
        (batch,) = world.rules("groups: [{name: g, rules: [{alert: A, expr: m > 1.5}]}]")
        assert sent(batch) == [("B", "a", "resolved")]
        assert list(batch.states.values()) == [None]
        assert sent(world.round(m={"a": 2})) == []
        assert world.values("r") == {}
        assert world.values("ALERTS") == {"a": 1}
        (batch,) = world.rules("groups: []")
        assert sent(batch) == [("A", "a", "resolved")]

    def test_restored_state_goes_to_its_rule_and_the_rest_is_ended(self, world):
        world.rule(alert="A", expr="m > 1")
        world.round(m={"a": 2})
        stored = world.manager.snapshot()
        (key,) = stored["r.yml;g"]
        world.rules("groups: []")
        world.rule(alert="A", expr="m > 1")
        batches = world.manager.restore(
            {"r.yml;g": {key: stored["r.yml;g"][key], "alert:Old::0": stored["r.yml;g"][key]}}
        )
        assert [(batch.states, sent(batch)) for batch in batches] == [
            ({"alert:Old::0": None}, [("A", "a", "resolved")])
        ]
        assert sent(world.round(m={"a": 2})) == []
        assert sent(world.round(m={"a": 0})) == [("A", "a", "resolved")]

    def test_needs_of_the_head(self, world):
        world.rules("groups: [{name: g, query_offset: 1m, rules: [{record: r, expr: 'rate(m[10m] offset 5m) + n'}]}]")
        needs = world.manager.needs()
        assert (needs.names, needs.seconds) == ({"m", "n", "r"}, 960.0)
        world.rule(alert="A", expr='{job="x"} > 1')
        assert world.manager.needs().names is None

    def test_snapshot_has_only_what_is_not_empty(self, world):
        world.rule(alert="A", expr="m > 1")
        assert world.manager.snapshot() == {}
        assert world.manager.restore({"r.yml;g": {"alert:A::0": RuleState()}}) == []


def test_what_native_histograms_were_met_is_counted_once(world):
    world.rules("groups: [{name: g, rules: [{record: r, expr: histogram_count(m)}]}]")
    for _ in range(3):
        world.round(m={"a": 2})
        world.manager.count()
    world.manager.count()
    assert world.telemetry.registry.get_sample_value("tocsin_rule_native_histogram_calls_total") == 3
