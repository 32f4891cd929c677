"""Contacts, quiet hours, limits, storms and escalation in the pipeline."""

import pytest

from services.common.events import ActionEvent, SilenceMatcher, SilenceRequest
from services.notifier.people.contacts import RateLimit, Storm
from tests.unit.notifier.builders import apply, event
from tests.unit.notifier.people.builders import (
    at,
    contact,
    decided,
    directory,
    nights,
    people_engine,
    run_to,
    sent,
    way,
)

EVENING = at("2026-03-02T22:30", "Europe/Berlin")
MORNING = at("2026-03-03T08:00", "Europe/Berlin")
NOON = at("2026-03-02T12:00", "Europe/Berlin")
ANNA = ({"contact": "anna"},)


def act(engine, kind: str, alert, now: float, **more) -> str:
    return engine.act(
        ActionEvent(action_id=f"{kind}{now}", kind=kind, at=now, by="anna", alert_id=alert.alert_id, **more), now
    )


@pytest.mark.parametrize(
    ("severity", "deliver", "expected"),
    [
        ("critical", "first", [("anna-phone", "sms")]),
        ("critical", "all", [("anna-phone", "sms"), ("anna@x", "email")]),
        ("warning", "first", [("anna@x", "email")]),
        ("", "first", [("anna@x", "email")]),
        ("info", "first", []),
    ],
)
def test_the_channel_follows_the_severity(severity, deliver, expected):
    ways = (way("sms", "critical", to="anna-phone"), way("email", "critical", "warning", to="anna@x"))
    engine = people_engine(directory(contact("anna", *ways, deliver=deliver), targets=ANNA))
    apply(engine, event(starts_at=NOON, severity=severity), now=NOON)
    engine.flush_due(NOON)
    assert [line[:2] for line in sent(engine)] == expected
    if not expected:
        assert decided(engine) == [("no_channel", "anna takes nothing of severity info")]


def test_whoever_got_firing_gets_resolved():
    engine = people_engine(directory(contact(), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    assert sent(engine) == [("anna@x", "email", "new", ("A:firing",))]
    apply(engine, event(status="resolved", starts_at=NOON, sent_at=NOON + 30), now=NOON + 30)
    engine.flush_due(NOON + 60)
    assert sent(engine) == [("anna@x", "email", "resolved", ("A:resolved",))]


def test_first_and_later_messages_make_one_thread():
    engine = people_engine(directory(contact(), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    (first,) = engine.state.queue.entries.values()
    assert first.thread == first.delivery_id
    engine.state.drop_entry(first.delivery_id)
    apply(engine, event(status="resolved", starts_at=NOON, sent_at=NOON + 30), now=NOON + 30)
    engine.flush_due(NOON + 60)
    (later,) = engine.state.queue.entries.values()
    assert later.thread == first.delivery_id != later.delivery_id


def test_quiet_hours_hold_and_one_digest_tells_all():
    engine = people_engine(directory(contact(quiet_hours=(nights(),)), targets=ANNA))
    apply(engine, event("A", starts_at=EVENING, severity="warning"), now=EVENING)
    apply(engine, event("B", starts_at=EVENING, severity="warning"), now=EVENING)
    engine.flush_due(EVENING)
    assert sent(engine) == []
    assert decided(engine) == [
        ("quiet_hours", "held: quiet hours of anna until 08:00 Europe/Berlin"),
        ("quiet_hours", "held: quiet hours of anna until 08:00 Europe/Berlin"),
    ]
    apply(engine, event("A", "resolved", starts_at=EVENING, sent_at=EVENING + 30, severity="warning"), now=EVENING + 30)
    run_to(engine, MORNING - 1)
    assert sent(engine) == []
    run_to(engine, MORNING)
    ((recipient, channel, cause, alerts),) = sent(engine)
    assert (recipient, channel, cause) == ("anna@x", "email", "digest")
    assert sorted(alerts) == ["A:resolved", "B:firing"]
    assert engine.state.held == {}


def test_critical_passes_quiet_hours_unless_the_person_says_otherwise():
    for passes in (True, False):
        engine = people_engine(directory(contact(quiet_hours=(nights(critical_passes=passes),)), targets=ANNA))
        apply(engine, event(starts_at=EVENING, severity="critical"), now=EVENING)
        engine.flush_due(EVENING)
        assert bool(sent(engine)) is passes


def test_what_was_held_and_is_told_with_something_critical_waits_no_more():
    engine = people_engine(directory(contact(quiet_hours=(nights(),)), targets=ANNA))
    apply(engine, event("A", starts_at=EVENING, severity="warning", host="1"), now=EVENING)
    engine.flush_due(EVENING)
    assert len(engine.state.held) == 1
    apply(engine, event("A", starts_at=EVENING + 5, severity="critical", host="2"), now=EVENING + 5)
    engine.flush_due(EVENING + 60)
    assert sent(engine) == [("anna@x", "email", "changed", ("A:firing", "A:firing"))]
    assert engine.state.held == {}


def test_an_end_that_comes_in_quiet_hours_is_in_the_digest():
    engine = people_engine(directory(contact(quiet_hours=(nights(),)), targets=ANNA))
    before = EVENING - 3600
    apply(engine, event(starts_at=before, severity="warning"), now=before)
    engine.flush_due(before)
    sent(engine)
    run_to(engine, EVENING)
    apply(engine, event(status="resolved", starts_at=before, sent_at=EVENING, severity="warning"), now=EVENING)
    run_to(engine, MORNING)
    assert sent(engine) == [("anna@x", "email", "digest", ("A:resolved",))]


def test_over_the_rate_limit_messages_are_bundled():
    engine = people_engine(directory(contact(rate_limit=RateLimit(per_hour=2)), targets=ANNA))
    for number in range(6):
        now = NOON + number
        apply(engine, event(f"N{number}", starts_at=now, severity="warning"), now=now)
        engine.flush_due(now)
    assert [line[3] for line in sent(engine)] == [("N0:firing",), ("N1:firing",)]
    assert decided(engine)[0] == ("rate_limit", "bundled: anna takes 2 messages an hour; the next in 59m58s")
    run_to(engine, NOON + 3599)
    assert sent(engine) == []
    run_to(engine, NOON + 3600)
    assert sent(engine) == [
        ("anna@x", "email", "digest", ("N2:firing", "N3:firing", "N4:firing", "N5:firing")),
    ]


def test_something_critical_does_not_wait_an_hour_for_the_limit():
    engine = people_engine(directory(contact(rate_limit=RateLimit(per_hour=1)), targets=ANNA))
    for number, severity in enumerate(("warning", "warning", "critical")):
        apply(engine, event(f"N{number}", starts_at=NOON, severity=severity), now=NOON)
        engine.flush_due(NOON)
    sent(engine)
    run_to(engine, NOON + 59)
    assert sent(engine) == []
    run_to(engine, NOON + 60)
    ((_, _, cause, alerts),) = sent(engine)
    assert (cause, sorted(alerts)) == ("digest", ["N1:firing", "N2:firing"])
    assert engine.state.held == {}


def test_a_storm_becomes_a_digest_and_nothing_is_lost():
    storm = Storm(new_alerts_per_minute=5, digest_every=60)
    engine = people_engine(directory(contact(storm=storm), targets=ANNA))
    told = set()
    messages = 0
    for number in range(100):
        now = NOON + number * 0.1
        apply(engine, event(f"N{number:03}", starts_at=now), now=now)
        engine.flush_due(now)
    run_to(engine, NOON + 200)
    for line in sent(engine):
        messages += 1
        told.update(line[3])
    assert told == {f"N{number:03}:firing" for number in range(100)}
    assert messages <= 8


def test_a_receivers_own_channels_have_a_storm_only_when_asked():
    for storm, expected in ((None, 30), (Storm(new_alerts_per_minute=5), 6)):
        engine = people_engine(directory(storm=storm), others=True)
        for number in range(30):
            apply(engine, event(f"N{number}", starts_at=NOON), now=NOON)
        run_to(engine, NOON + 60)
        lines = sent(engine)
        assert len(lines) == expected
        assert sum(len(line[3]) for line in lines) == 30


def test_two_routes_to_one_person_are_one_message():
    people = directory(contact(), targets=(*ANNA, {"contact": "anna"}))
    engine = people_engine(people)
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    assert len(sent(engine)) == 1


STEPS = {
    "repeat": 1,
    "steps": [
        {"notify": [{"contact": "anna"}], "wait": "5m"},
        {"notify": [{"contact": "bert"}, {"receiver": "slack-ops"}], "wait": "10m"},
    ],
}


def escalating(**more):
    return people_engine(directory(contact("anna"), contact("bert"), policy={**STEPS, **more}))


def test_nobody_answers_and_the_next_is_told():
    engine = escalating()
    alert = event(starts_at=NOON)
    apply(engine, alert, now=NOON)
    engine.flush_due(NOON)
    assert sent(engine) == [("anna@x", "email", "new", ("A:firing",))]
    run_to(engine, NOON + 299)
    assert sent(engine) == []
    run_to(engine, NOON + 300)
    assert sent(engine) == [
        ("bert@x", "email", "escalated", ("A:firing",)),
        ("hook", "webhook", "escalated", ("A:firing",)),
    ]
    run_to(engine, NOON + 900)
    assert sent(engine) == [("anna@x", "email", "escalated", ("A:firing",))]
    run_to(engine, NOON + 1200)
    assert [line[0] for line in sent(engine)] == ["bert@x", "hook"]
    run_to(engine, NOON + 3599)
    assert sent(engine) == []
    assert [detail for reason, detail in decided(engine) if reason == "escalated"] == [
        "ops: escalated to step 1: anna",
        "ops: escalated to step 2: bert, slack-ops",
        "ops: escalated to step 1, round 2: anna",
        "ops: escalated to step 2, round 2: bert, slack-ops",
    ]


def test_all_who_were_told_hear_the_end():
    engine = escalating()
    apply(engine, event(starts_at=NOON), now=NOON)
    run_to(engine, NOON + 300)
    sent(engine)
    apply(engine, event(status="resolved", starts_at=NOON, sent_at=NOON + 310), now=NOON + 310)
    run_to(engine, NOON + 400)
    assert sorted(line[0] for line in sent(engine)) == ["anna@x", "bert@x", "hook"]
    assert engine.state.escalations == {}
    assert ("escalation_over", "ops: stopped after step 2: resolved") in decided(engine)


def test_an_acknowledgement_stops_it():
    engine = escalating()
    alert = event(starts_at=NOON)
    apply(engine, alert, now=NOON)
    engine.flush_due(NOON)
    act(engine, "acknowledge", alert, NOON + 100)
    assert engine.state.escalations == {}
    assert ("escalation_over", "ops: stopped after step 1: acknowledged by anna") in decided(engine)
    sent(engine)
    run_to(engine, NOON + 3000)
    assert sent(engine) == []


def test_giving_it_back_begins_anew():
    engine = escalating()
    alert = event(starts_at=NOON)
    apply(engine, alert, now=NOON)
    engine.flush_due(NOON)
    act(engine, "acknowledge", alert, NOON + 100)
    sent(engine)
    act(engine, "unacknowledge", alert, NOON + 200)
    assert sent(engine) == [("anna@x", "email", "escalated", ("A:firing",))]
    run_to(engine, NOON + 500)
    assert [line[0] for line in sent(engine)] == ["bert@x", "hook"]


def test_an_acknowledgement_that_runs_out_reminds_and_begins_anew():
    engine = escalating()
    alert = event(starts_at=NOON)
    apply(engine, alert, now=NOON)
    engine.flush_due(NOON)
    act(engine, "acknowledge", alert, NOON + 100, expires_in=600)
    sent(engine)
    run_to(engine, NOON + 700)
    assert engine.state.acks[alert.alert_id].ran_out(NOON + 700)
    act(engine, "unacknowledge", alert, NOON + 700, comment="acknowledgement of anna ran out")
    run_to(engine, NOON + 700)
    assert sent(engine) == [("anna@x", "email", "reminder", ("A:firing",))]
    run_to(engine, NOON + 1000)
    assert [line[0] for line in sent(engine)] == ["bert@x", "hook"]
    assert ("acknowledgement_over", "acknowledgement of anna ran out") in decided(engine)


def test_a_new_alert_of_the_group_goes_to_those_who_know_of_it():
    engine = escalating()
    apply(engine, event(starts_at=NOON, host="1"), now=NOON)
    run_to(engine, NOON + 300)
    sent(engine)
    apply(engine, event(starts_at=NOON + 310, host="2"), now=NOON + 310)
    run_to(engine, NOON + 400)
    assert [line[0] for line in sent(engine)] == ["anna@x", "bert@x", "hook"]
    assert len(engine.state.escalations) == 1


def test_a_silence_puts_the_next_step_off():
    engine = escalating()
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    matcher = SilenceMatcher(name="alertname", value="A")
    engine.silence(
        SilenceRequest(matchers=(matcher,), starts_at=NOON, ends_at=NOON + 600, created_by="anna"), NOON + 10
    )
    run_to(engine, NOON + 599)
    assert sent(engine) == []
    assert [reason for reason, _ in decided(engine)].count("escalation_put_off") == 1
    run_to(engine, NOON + 700)
    assert [line[0] for line in sent(engine)] == ["bert@x", "hook"]


def test_a_step_that_reaches_nobody_costs_no_time():
    schedule = {
        "time_zone": "UTC",
        "rotations": [{"members": ["anna"], "starts": "2030-01-01T00:00", "every": "week"}],
    }
    policy = {"steps": [{"notify": {"schedule": "primary"}, "wait": "5m"}, {"notify": {"contact": "bert"}}]}
    engine = people_engine(directory(contact("anna"), contact("bert"), policy=policy, schedule=schedule))
    apply(engine, event(starts_at=NOON), now=NOON)
    run_to(engine, NOON + 1)
    assert [line[0] for line in sent(engine)] == ["bert@x"]
    assert ("nobody_on_call", "ops: step 1 reaches nobody") in decided(engine)


def test_a_step_may_ask_for_channels():
    policy = {"steps": [{"notify": {"contact": "anna"}, "channels": ["sms"], "wait": "1m"}]}
    engine = people_engine(directory(contact("anna"), policy=policy))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    assert sent(engine) == [("anna-phone", "sms", "new", ("A:firing",))]


def test_repeats_are_the_policys_while_it_is_at_work():
    engine = people_engine(directory(contact("anna"), contact("bert"), policy={**STEPS, "repeat": 20}), repeat=400)
    apply(engine, event(starts_at=NOON), now=NOON)
    run_to(engine, NOON + 800)
    assert [line[2] for line in sent(engine)] == ["new", "escalated", "escalated"]
