"""What Prometheus' alert generator does, point by point: times of sending, lifetimes, states, series, limits, offsets.

Times are seconds after the first evaluation; groups are evaluated every 15 s unless said otherwise.
"""

import json

import pytest

INTERVAL = 15.0


class Story:
    """One rule over one metric `m`; `at` evaluates step by step up to a time."""

    def __init__(self, world, keys, group):
        self.world, self.start = world, world.now + INTERVAL
        self.keys, self.group = keys, group
        self.events, self.seconds = [], -INTERVAL
        self.reload()

    def reload(self, **keys):
        self.keys |= keys
        rule = {"alert": "A", "expr": "m > 0", "cooldown": "0s", "max_alerts_per_hour": 0, **self.keys}
        self.world.rules(json.dumps({"groups": [{"name": "g", "interval": "15s", **self.group, "rules": [rule]}]}))

    def to(self, seconds, **values):
        """Evaluate with these values (by label x) until that time; None or nothing: no sample."""
        while self.seconds < seconds:
            self.seconds += INTERVAL
            batch = self.world.round(INTERVAL, m=values) if values else self.world.round(INTERVAL)
            self.events += [
                (self.seconds, one.labels.get("x", ""), one.status.value, one.starts_at - self.start,
                 one.ends_at - self.start)
                for one in batch.events
            ]  # fmt: skip

    def sent(self, status=None):
        return [at for at, _, one, _, _ in self.events if status in {None, one}]

    def states(self):
        return {
            alert.labels["x"]: (alert.state.value, alert.active_at - self.start)
            for alerts in self.world.runner.alerts.values()
            for alert in alerts.state.active.values()
        }

    def series(self, query):
        result = self.world.engine.instant(query, self.world.head, round(self.world.now * 1000)).value
        return [(dict(labels), value) for labels, value in zip(result.labels, result.values.tolist(), strict=True)]


@pytest.fixture
def story(world):
    return lambda group=None, **keys: Story(world, keys, group or {})


class TestSending:
    def test_firing_is_sent_again_after_the_resend_delay_and_lives_four_of_it(self, story):
        one = story()
        one.to(150, a=1)
        assert one.sent() == [0, 60, 120]
        # Four times the longer of interval and resend delay, from the moment of sending; the start stays.
        assert [(starts, ends - at) for at, _, _, starts, ends in one.events] == [(0, 240)] * 3

    def test_an_interval_longer_than_the_resend_delay_sets_pace_and_lifetime(self, story):
        one = story({"interval": "2m"})
        for _ in range(3):
            batch = one.world.round(120.0, m={"a": 1})
            (event,) = batch.events
            assert event.ends_at - one.world.now == 480

    def test_pending_is_never_sent(self, story):
        one = story(**{"for": "1m"})
        one.to(45, a=1)
        assert one.sent() == []
        one.to(60, a=1)
        assert one.sent("firing") == [60]
        assert one.events[0][3] == 60  # startsAt is when it fired, not when it became active.

    def test_resolved_is_sent_for_fifteen_minutes(self, story):
        one = story()
        one.to(0, a=1)
        one.to(1200, a=0)
        resolved = one.sent("resolved")
        assert resolved == [15 + 60 * n for n in range(16)]
        assert {ends for _, _, status, _, ends in one.events if status == "resolved"} == {15}
        assert one.states() == {}

    def test_a_resolved_alert_that_fires_again_is_told_at_once_as_a_new_one(self, story):
        one = story()
        one.to(0, a=1)
        one.to(15, a=0)
        one.to(30, a=1)
        assert [(at, status, starts) for at, _, status, starts, _ in one.events] == [
            (0, "firing", 0), (15, "resolved", 0), (30, "firing", 30),
        ]  # fmt: skip

    def test_pending_that_ends_leaves_nothing(self, story):
        one = story(**{"for": "1m"})
        one.to(30, a=1)
        one.to(45, a=0)
        assert (one.states(), one.sent()) == ({}, [])


class TestFor:
    @pytest.mark.parametrize(
        ("hold", "fires"), [("0s", 0), ("1s", 15), ("15s", 15), ("16s", 30), ("1m", 60), ("61s", 75)]
    )
    def test_it_fires_at_the_first_evaluation_that_is_not_before(self, story, hold, fires):
        one = story(**{"for": hold})
        one.to(90, a=1)
        assert one.sent()[0] == fires

    def test_a_gap_starts_the_time_anew(self, story):
        one = story(**{"for": "1m"})
        one.to(45, a=1)
        one.to(60, a=0)
        one.to(75, a=1)
        assert one.states() == {"a": ("pending", 75)}
        one.to(135, a=1)
        assert one.sent() == [135]

    def test_series_have_times_of_their_own(self, story):
        one = story(**{"for": "30s"})
        one.to(15, a=1, b=0)
        one.to(30, a=1, b=1)
        assert one.states() == {"a": ("firing", 0), "b": ("pending", 30)}

    def test_a_reload_that_lengthens_it_takes_a_young_alert_back_to_pending(self, story):
        one = story(**{"for": "15s"})
        one.to(30, a=1)
        assert one.states() == {"a": ("firing", 0)}
        one.reload(**{"for": "1m"})
        one.to(45, a=1)
        assert one.states() == {"a": ("pending", 0)}
        assert one.series("ALERTS{alertstate='firing'}") == []
        one.to(60, a=1)
        assert one.states() == {"a": ("firing", 0)}
        assert [(at, starts) for at, _, _, starts, _ in one.events] == [(15, 15), (60, 60)]

    def test_a_reload_that_shortens_it_fires_at_once(self, story):
        one = story(**{"for": "10m"})
        one.to(60, a=1)
        one.reload(**{"for": "1m"})
        one.to(75, a=1)
        assert one.sent() == [75]


class TestKeepFiring:
    def test_it_counts_from_the_first_evaluation_without(self, story):
        one = story(keep_firing_for="1m")
        one.to(15, a=1)
        one.to(75, a=0)
        assert one.states() == {"a": ("firing", 0)}
        one.to(90, a=0)
        assert one.states() == {"a": ("inactive", 0)}
        assert one.sent("resolved") == [90]

    def test_coming_back_resets_it(self, story):
        one = story(keep_firing_for="1m")
        one.to(0, a=1)
        one.to(45, a=0)
        one.to(60, a=1)
        one.to(120, a=0)
        assert one.states() == {"a": ("firing", 0)}
        one.to(135, a=0)
        assert one.sent("resolved") == [135]

    def test_it_does_not_keep_what_is_pending(self, story):
        one = story(keep_firing_for="1m", **{"for": "1m"})
        one.to(30, a=1)
        one.to(45, a=0)
        assert one.states() == {}

    def test_value_and_annotations_stand_still_meanwhile(self, story):
        one = story(keep_firing_for="1m", annotations={"summary": "{{ $value }}"})
        one.to(0, a=7)
        one.to(60, a=-5)
        (alert,) = next(iter(one.world.runner.alerts.values())).state.active.values()
        assert (alert.value, alert.annotations) == (7, {"summary": "7"})


class TestSeries:
    def test_states_follow_each_other(self, story):
        one = story(labels={"severity": "page"}, **{"for": "30s"})
        one.to(15, a=1)
        own = {"__name__": "ALERTS", "alertname": "A", "severity": "page", "x": "a"}
        assert one.series("ALERTS") == [({**own, "alertstate": "pending"}, 1)]
        since = {**own, "__name__": "ALERTS_FOR_STATE"}
        assert one.series("ALERTS_FOR_STATE") == [(since, one.start)]
        one.to(30, a=1)
        # The pending series is stale at once: never both.
        assert one.series("ALERTS") == [({**own, "alertstate": "firing"}, 1)]
        assert one.series("ALERTS_FOR_STATE") == [(since, one.start)]
        one.to(45, a=0)
        assert one.series("ALERTS") == one.series("ALERTS_FOR_STATE") == []

    def test_they_stand_at_the_time_that_was_asked_for(self, story):
        one = story({"query_offset": "30s"})
        one.to(30, a=1)
        now = one.world.now
        result = one.world.engine.instant("timestamp(ALERTS)", one.world.head, round((now - 30) * 1000)).value
        assert result.values.tolist() == [now - 30]

    def test_an_offset_looks_back_but_times_of_the_alert_are_those_of_the_evaluation(self, story):
        one = story({"query_offset": "30s"}, **{"for": "15s"})
        one.to(15, a=1)
        assert one.states() == {}
        one.to(45, a=1)
        assert one.states() == {"a": ("firing", 30)}
        assert one.sent() == [45]


class TestLimit:
    def test_as_many_as_the_limit_are_good(self, story):
        one = story({"limit": 2})
        one.to(0, a=1, b=1)
        assert set(one.states()) == {"a", "b"}

    def test_one_more_is_an_error_and_ends_all(self, story):
        one = story({"limit": 2})
        one.to(0, a=1, b=1)
        one.to(15, a=1, b=1, c=1)
        health = next(iter(one.world.runner.health.values()))
        assert (health.health, health.last_error) == ("err", "exceeded limit of 2 with 3 alerts")
        assert one.series("ALERTS") == []
        assert {state for state, _ in one.states().values()} == {"inactive"}
        one.to(30, a=1)
        assert one.states()["a"] == ("firing", 30)
        assert health.health == "ok"

    def test_pending_counts_too_and_resolved_does_not(self, story):
        one = story({"limit": 1}, **{"for": "1m"})
        one.to(0, a=1, b=1)
        assert next(iter(one.world.runner.health.values())).health == "err"
        two = story({"limit": 1})
        two.to(0, a=1, b=0)
        two.to(15, a=0, b=1)
        assert next(iter(two.world.runner.health.values())).health == "ok"
