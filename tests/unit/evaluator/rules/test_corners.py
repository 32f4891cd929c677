"""Corners of rules: results that are no vector, presence that can't be told, stored alerts whose rule is gone."""

import pytest

from services.common.events import AlertStatus
from services.evaluator.promql import Engine, EvaluationError
from services.evaluator.rules.events import orphan_events
from services.evaluator.rules.query import elements, template_query
from services.evaluator.rules.state import ActiveAlert, AlertState, RuleState


class TestQueries:
    @pytest.mark.parametrize("expr", ["m[1m]", '"text"'])
    def test_only_vectors_and_scalars_have_elements(self, world, expr):
        world.put(m={"a": 1})
        tick = Engine().tick(world.head, round(world.now * 1000))
        with pytest.raises(EvaluationError, match="rule result is not a vector or scalar"):
            elements(tick.instant(expr))

    def test_a_scalar_is_one_element_without_labels(self, world):
        assert elements(world.engine.instant("3", world.head, 0)) == [({}, 3.0)]

    @pytest.mark.parametrize(
        ("text", "words"),
        [("m(", "1:3: parse error"), ("m[1m]", "not a vector"), ("m * on () m", "many-to-many"), ("", "parse error")],
    )
    def test_a_templates_query_tells_what_is_wrong(self, world, text, words):
        world.put(m={"a": 1, "b": 2})
        tick = world.engine.tick(world.head, round(world.now * 1000))
        with pytest.raises(ValueError, match=words):
            template_query(tick, text)


class TestTemplates:
    def test_texts_without_templates_keep_up_with_the_value(self, world):
        world.rule(alert="A", expr="m > 1", labels={"team": "t"}, annotations={"s": "plain"})
        for value in (2, 3, 3, 5):
            world.round(m={"a": value})
            (alert,) = next(iter(world.runner.alerts.values())).state.active.values()
            assert (alert.value, alert.annotations, alert.labels["team"]) == (value, {"s": "plain"}, "t")

    def test_a_label_that_says_the_value_makes_another_alert(self, world):
        world.rule(alert="A", expr="m > 1", labels={"v": "{{ $value }}"})
        fired = [[one.labels["v"] for one in world.round(m={"a": value}).events] for value in (2, 3)]
        assert fired[0] == ["2"]
        assert sorted(fired[1]) == ["2", "3"]


class TestPresence:
    def test_where_it_clashes_missing_data_is_not_told_from_recovery(self, world):
        """`{…} > 1` over two names is good as it filters; its bool form would have equal label sets."""
        world.rule(alert="A", expr='{__name__=~"m|n"} > 5', no_data="keep")
        world.round(m={"a": 7}, n={"a": 1})
        events = world.round(m={"a": 1}, n={"a": 1}).events
        assert [one.status.value for one in events] == ["resolved"]
        assert next(iter(world.runner.health.values())).last_error == ""

    def test_an_evaluation_that_fails_keeps_the_alert(self, world):
        world.rule(alert="A", expr="m > on () group_left () n")
        assert world.round(m={"a": 7}, n={"a": 1}).events
        batch = world.round(m={"a": 7}, n={"a": 1, "b": 1})
        assert batch.failures == (("A", "evaluation"),)
        (alert,) = next(iter(world.runner.alerts.values())).state.active.values()
        assert alert.state is AlertState.FIRING


def alert(state, value=1.0, fired=20.0):
    return ActiveAlert({"alertname": "A", "x": "a"}, {"s": "t"}, {"x": "a"}, value, state, 10.0, fired_at=fired)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (alert(AlertState.FIRING), [(20.0, 1.0)]),
        (alert(AlertState.FIRING, float("nan"), None), [(10.0, None)]),
        (alert(AlertState.PENDING), []),
        (alert(AlertState.INACTIVE), []),
    ],
)
def test_stored_alerts_without_a_rule_end_if_they_fired(stored, told):
    found = orphan_events(RuleState({"0123456789abcdef": stored}), "dir/r.yml;g", 99.0)
    assert [(one.starts_at, one.value) for one in found] == told
    for one in found:
        assert (one.status, one.ends_at, one.rule.file, one.rule.group) == (
            AlertStatus.RESOLVED,
            99.0,
            "dir/r.yml",
            "g",
        )
        assert (one.rule.name, one.labels["x"]) == ("A", "a")
