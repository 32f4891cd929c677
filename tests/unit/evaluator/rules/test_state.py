from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.events import Muted
from services.evaluator.rules.limits import Limits
from services.evaluator.rules.state import (
    ActiveAlert,
    AlertSettings,
    AlertState,
    RuleState,
    Sample,
    WarmUp,
    alert_series,
    end_all,
    merge,
    resend,
    step,
)

FP = "00000000000000aa"
ONE = {FP: Sample({"alertname": "A", "i": "1"}, {"summary": "s"}, {"i": "1"}, 5.0)}
QUIET = AlertSettings(resend_delay=60, retention=900)


def run(settings, rounds, *, interval=10, state=None, start=0, **tests):
    """Play rounds of vectors; returns the final state and what was sent: (time, state, muted)."""
    state, sent = state or RuleState(), []
    for number, vector in enumerate(rounds):
        now = float(start + number * interval)
        outcome = step(state, vector, now, settings, **{k: v(now) if v else None for k, v in tests.items()})
        state = outcome.state
        sent += [(now, state.active[fp].state.value, state.active[fp].muted.value) for fp in outcome.send]
    return state, sent


def states(settings, rounds, **more):
    """The alert's state after each round, "-" where there is none."""
    found, state = [], more.pop("state", None) or RuleState()
    for number, vector in enumerate(rounds):
        state, _ = run(settings, [vector], state=state, start=number * 10, **more)
        found.append(state.active[FP].state.value[0] if FP in state.active else "-")
    return "".join(found)


# p pending, f firing, i inactive; each round is 10 s; X breach, . none
@pytest.mark.parametrize(
    ("settings", "rounds", "expected"),
    [
        ({}, "XX..X", "ffiif"),
        ({"hold": 20.0}, "XXXX.X", "ppffip"),
        ({"hold": 20.0}, "XX.XXX", "pp-ppf"),
        ({"keep_firing": 20.0}, "X....", "fffii"),
        ({"keep_firing": 20.0}, "X.X...", "fffffi"),
        ({"hold": 10.0, "keep_firing": 10.0}, "X.XX..", "p-pffi"),
        ({"retention": 20.0}, "X.....", "fiii--"),
    ],
)
def test_the_life_of_an_alert(settings, rounds, expected):
    chosen = replace(QUIET, **settings)
    assert states(chosen, [ONE if mark == "X" else {} for mark in rounds]) == expected


def test_for_is_exact_to_the_moment():
    settings = replace(QUIET, hold=30.0)
    state = step(RuleState(), ONE, 100.0, settings).state
    assert step(state, ONE, 129.999, settings).state.active[FP].state is AlertState.PENDING
    fired = step(state, ONE, 130.0, settings).state.active[FP]
    assert (fired.state, fired.active_at, fired.fired_at) == (AlertState.FIRING, 100.0, 130.0)


def test_firing_is_sent_at_once_then_each_resend_delay_and_resolved_for_its_retention():
    settings = replace(QUIET, resend_delay=30, retention=60)
    _, sent = run(settings, [ONE] * 5 + [{}] * 12)
    assert sent == [
        (0, "firing", ""),
        (30, "firing", ""),
        (50, "inactive", ""),
        (80, "inactive", ""),
        (110, "inactive", ""),
    ]


def test_value_and_annotations_follow_and_labels_stay():
    state, _ = run(QUIET, [ONE, {FP: replace(ONE[FP], value=9.0, annotations={"summary": "t"})}])
    assert (state.active[FP].value, state.active[FP].annotations) == (9.0, {"summary": "t"})


def test_firing_again_is_a_new_episode():
    state, _ = run(QUIET, [ONE, {}, ONE])
    assert (state.active[FP].active_at, state.active[FP].fired_at, state.active[FP].resolved_at) == (20.0, 20.0, None)


def test_clear_holds_the_alert_until_it_is_met():
    def cleared(now):
        return lambda _metric: now >= 30

    assert states_with(QUIET, "X....", cleared, always(True)) == "fffii"


def always(answer):
    return lambda _now: lambda _metric: answer


def states_with(settings, rounds, cleared, present):
    state, found = RuleState(), []
    for number, mark in enumerate(rounds):
        now = number * 10.0
        outcome = step(
            state,
            ONE if mark == "X" else {},
            now,
            settings,
            cleared=cleared and cleared(now),
            present=present and present(now),
        )
        state = outcome.state
        found.append(state.active[FP].state.value[0] if FP in state.active else "-")
    return "".join(found)


@pytest.mark.parametrize(
    ("no_data", "hold", "rounds", "expected"),
    [
        ("resolve", 0.0, "X..", "fii"),
        ("keep", 0.0, "X..", "fff"),
        ("alert", 0.0, "X..", "fff"),
        ("keep", 30.0, "XX....X", "ppppppf"),
        ("resolve", 30.0, "XX....X", "pp----p"),
    ],
)
def test_missing_data(no_data, hold, rounds, expected):
    settings = replace(QUIET, no_data=no_data, hold=hold)
    assert states_with(settings, rounds, None, always(False)) == expected


def test_with_data_there_no_data_keep_recovers_as_ever():
    settings = replace(QUIET, no_data="keep")
    assert states_with(settings, "X.", None, always(True)) == "fi"


def test_clear_does_not_hold_what_has_no_data_unless_told():
    gone = always(False)
    assert states_with(QUIET, "X.", gone, gone) == "fi"
    assert states_with(replace(QUIET, no_data="keep"), "X.", gone, gone) == "ff"


class TestWarmUp:
    """After a restart an old alert is not resolved by samples that are not there yet."""

    OLD = RuleState({FP: ActiveAlert({"alertname": "A"}, {}, {"i": "1"}, 5.0, AlertState.FIRING, 10.0, fired_at=10.0)})

    def after(self, now, *, windowed, present, active_at=10.0):
        state = RuleState({FP: replace(self.OLD.active[FP], active_at=active_at)})
        settings = replace(QUIET, warm=WarmUp(started=100.0, until=200.0, windowed=windowed))
        return step(state, {}, now, settings, present=present).state.active[FP].state

    @pytest.mark.parametrize(
        ("now", "windowed", "present", "expected"),
        [
            (150, False, False, AlertState.FIRING),
            (150, False, True, AlertState.INACTIVE),
            (150, False, None, AlertState.FIRING),
            (150, True, True, AlertState.FIRING),
            (200, True, True, AlertState.INACTIVE),
            (200, False, False, AlertState.INACTIVE),
        ],
    )
    def test_held(self, now, windowed, present, expected):
        test = None if present is None else (lambda _metric: present)
        assert self.after(float(now), windowed=windowed, present=test) is expected

    def test_what_began_after_the_start_is_not_held(self):
        assert self.after(150.0, windowed=True, present=None, active_at=120.0) is AlertState.INACTIVE


class TestLimits:
    def test_cooldown_mutes_the_next_episode_and_tells_when_it_ends(self):
        settings = replace(QUIET, limits=Limits(cooldown=100.0))
        rounds = [ONE, {}, ONE, ONE] + [ONE] * 8
        state, sent = run(settings, rounds)
        assert sent[:3] == [(0, "firing", ""), (10, "inactive", ""), (20, "firing", "cooldown")]
        assert (100, "firing", "") in sent
        assert state.active[FP].muted is Muted.NO
        assert state.history[FP].notified == (0.0, 100.0)

    def test_a_muted_episode_that_resolves_stays_muted(self):
        settings = replace(QUIET, limits=Limits(cooldown=1000.0))
        _, sent = run(settings, [ONE, {}, ONE, {}])
        assert sent[-1] == (30, "inactive", "cooldown")

    def test_cap_per_hour(self):
        settings = replace(QUIET, limits=Limits(max_per_hour=2))
        state, sent = run(settings, [ONE, {}] * 3 + [ONE], interval=600)
        muted = [(at, mute) for at, kind, mute in sent if kind == "firing" and at % 1200 == 0]
        assert muted[:4] == [(0, ""), (1200, ""), (2400, "rate_cap"), (3600, "")]
        assert state.history[FP].notified == (0.0, 1200.0, 3600.0)

    def test_flapping_is_named_and_forgotten(self):
        settings = replace(QUIET, limits=Limits(flap_changes=5))
        state, _ = run(settings, [ONE, {}, ONE, {}, ONE])
        assert state.active[FP].flapping
        state, _ = run(settings, [ONE], state=state, start=40 + 1801)
        assert not state.active[FP].flapping


def test_a_rule_that_fails_still_sends_what_fires():
    state, _ = run(QUIET, [ONE])
    assert resend(state, 30.0, QUIET).send == ()
    outcome = resend(state, 60.0, QUIET)
    assert (outcome.send, outcome.changed, outcome.state.active[FP].sent_at) == ((FP,), True, 60.0)


def test_ending_a_rule_resolves_what_fires_and_drops_what_is_pending():
    state, _ = run(QUIET, [ONE])
    pending = replace(state.active[FP], state=AlertState.PENDING)
    ended = end_all(RuleState({FP: state.active[FP], "b" * 16: pending}), 5.0)
    assert [(fp, one.state, one.resolved_at) for fp, one in ended.active.items()] == [(FP, AlertState.INACTIVE, 5.0)]


def test_merging_stored_state():
    firing = ActiveAlert({}, {}, {}, 1.0, AlertState.FIRING, 10.0, fired_at=20.0, sent_at=30.0)
    pending = ActiveAlert({}, {}, {}, 1.0, AlertState.PENDING, 10.0)
    fresh = ActiveAlert({}, {"new": "1"}, {}, 7.0, AlertState.PENDING, 100.0)
    both = merge(RuleState({"x": fresh, "y": fresh}), RuleState({"x": firing, "y": pending, "z": firing, "w": pending}))
    assert both.active["x"] == replace(firing, value=7.0, annotations={"new": "1"})
    assert both.active["y"].active_at == 10.0
    assert both.active["z"] == firing
    assert both.active["w"] == pending


def test_alert_series():
    state, _ = run(replace(QUIET, hold=10.0), [ONE])
    assert alert_series(state, {"raw": "{{ x }}"}) == [
        ({"raw": "{{ x }}", "alertname": "A", "i": "1", "__name__": "ALERTS", "alertstate": "pending"}, 1.0),
        ({"raw": "{{ x }}", "alertname": "A", "i": "1", "__name__": "ALERTS_FOR_STATE"}, 0.0),
    ]
    state, _ = run(QUIET, [ONE, {}])
    assert alert_series(state, {}) == []


@given(
    st.lists(st.booleans(), max_size=40),
    st.sampled_from([0.0, 10.0, 25.0]),
    st.sampled_from([0.0, 15.0, 40.0]),
    st.sampled_from([Limits(), Limits(cooldown=70.0), Limits(max_per_hour=1), Limits(cooldown=30.0, max_per_hour=3)]),
)
def test_what_always_holds(breaches, hold, keep, limits):
    settings = replace(QUIET, hold=hold, keep_firing=keep, limits=limits)
    state, since, notified = RuleState(), None, []
    for number, breach in enumerate(breaches):
        now = number * 10.0
        since = (since if since is not None else now) if breach else None
        outcome = step(state, ONE if breach else {}, now, settings)
        before, state = state, outcome.state
        alert = state.active.get(FP)
        if breach:
            assert alert is not None
        if since is not None and now - since >= hold:
            assert alert.state is AlertState.FIRING
        for fp in outcome.send:
            assert state.active[fp].state is not AlertState.PENDING
            assert state.active[fp].sent_at == now
        assert outcome.changed or state == replace(before, active=state.active)
        notified = list(state.history[FP].notified) if FP in state.history else notified
    gaps = [b - a for a, b in pairwise(notified)]
    assert all(gap >= limits.cooldown for gap in gaps)
    if limits.max_per_hour:
        assert len(notified) <= limits.max_per_hour  # All within an hour.
