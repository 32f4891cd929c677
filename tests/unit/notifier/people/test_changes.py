"""The configuration changes while people are being told."""

from services.common.events import ActionEvent
from services.notifier.people.contacts import Storm
from services.notifier.state import KINDS
from tests.unit.notifier.builders import apply, event
from tests.unit.notifier.people.builders import at, contact, decided, directory, nights, people_engine, run_to, sent

NOON, NIGHT = at("2026-03-02T12:00"), at("2026-03-02T23:00")
ANNA = ({"contact": "anna"},)
STEPS = {"steps": [{"notify": {"contact": "anna"}, "wait": "5m"}, {"notify": {"receiver": "slack-ops"}}]}


def reload(engine, people, now: float) -> None:
    engine.reconfigure(engine.tree, engine.receivers, now, directory=people)


def test_a_policy_that_is_gone_does_nothing_more():
    engine = people_engine(directory(contact(), policy=STEPS))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    reload(engine, directory(contact(), targets=ANNA), NOON + 10)
    run_to(engine, NOON + 400)
    assert engine.state.escalations == {}
    assert sent(engine) == []


def test_a_contact_that_is_gone_hears_the_end_and_nothing_else():
    engine = people_engine(directory(contact(), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    reload(engine, directory(), NOON + 10)
    reload(engine, directory(contact("bert")), NOON + 11)  # however often it was changed since
    run_to(engine, NOON + 10_000)
    assert sent(engine) == []
    apply(engine, event(status="resolved", starts_at=NOON, sent_at=NOON + 10_020), now=NOON + 10_020)
    run_to(engine, NOON + 10_100)
    assert sent(engine) == [("anna@x", "email", "resolved", ("A:resolved",))]


def test_after_a_restart_a_contact_that_is_gone_is_recorded_and_not_lost_in_silence():
    engine = people_engine(directory(contact(), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    later = people_engine(directory())
    for kind in KINDS:
        later.state.absorb(kind, engine.state.table(kind).items())
    reload(later, directory(), NOON + 10)
    apply(later, event(status="resolved", starts_at=NOON, sent_at=NOON + 20), now=NOON + 20)
    run_to(later, NOON + 100)
    assert sent(later) == []
    assert ("unknown_contact", "anna is no contact any more") in decided(later)


def test_what_was_held_for_a_contact_that_is_gone_still_leaves_by_their_channel():
    engine = people_engine(directory(contact(quiet_hours=(nights(),)), targets=ANNA))
    apply(engine, event(starts_at=NIGHT, severity="warning"), now=NIGHT)
    engine.flush_due(NIGHT)
    reload(engine, directory(), NIGHT + 10)
    run_to(engine, at("2026-03-03T09:00"))
    assert sent(engine) == [("anna@x", "email", "digest", ("A:firing",))]
    assert engine.state.held == {}


def test_a_storms_ends_are_in_its_digest():
    engine = people_engine(directory(storm=Storm(new_alerts_per_minute=1)), others=True)
    for name in ("A", "B", "C"):
        apply(engine, event(name, starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    assert [line[3] for line in sent(engine)] == [("A:firing",)]
    apply(engine, event("C", "resolved", starts_at=NOON, sent_at=NOON + 5), now=NOON + 5)
    run_to(engine, NOON + 61)
    lines = sent(engine)
    told = {alert for line in lines for alert in line[3]}
    assert "B:firing" in told
    assert {"C:firing", "C:resolved"} & told
    run_to(engine, NOON + 200)
    told |= {alert for line in sent(engine) for alert in line[3]}
    assert "C:resolved" in told
    assert engine.state.held == {}


def test_desks_are_forgotten_when_nothing_counts_any_more():
    engine = people_engine(directory(contact(storm=Storm()), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    assert engine.state.desks
    engine.sweep(NOON + 3601, heard_since=None)
    assert engine.state.desks == {}


def test_nobody_on_call_by_a_receivers_own_schedule_is_recorded():
    schedule = {"time_zone": "UTC", "rotations": [{"members": ["anna"], "starts": "2030-01-01T00:00"}]}
    engine = people_engine(directory(contact(), targets=({"schedule": "primary"},), schedule=schedule))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    assert sent(engine) == []
    assert decided(engine) == [("nobody_on_call", "nobody is on call in schedule primary")]


def test_a_test_message_goes_to_all_people_of_a_receiver():
    engine = people_engine(directory(contact(quiet_hours=(nights(),)), policy=STEPS))
    action = ActionEvent(action_id="1", kind="test", at=NIGHT, by="anna", receiver="r")
    assert engine.act(action, NIGHT) == ""
    assert [line[:3] for line in sent(engine)] == [("anna@x", "email", "test"), ("hook", "webhook", "test")]


def test_an_alert_that_was_acknowledged_before_begins_no_escalation():
    engine = people_engine(directory(contact(), policy=STEPS))
    alert = event(starts_at=NOON)
    engine.act(ActionEvent(action_id="1", kind="acknowledge", at=NOON, by="bert", alert_id=alert.alert_id), NOON)
    apply(engine, alert, now=NOON)
    run_to(engine, NOON + 1000)
    assert engine.state.escalations == {}
    assert sent(engine) == []


def test_ends_of_alerts_stop_an_escalation_before_its_timer():
    engine = people_engine(directory(contact(), policy=STEPS))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    run_to(engine, NOON + 290)
    apply(engine, event(status="resolved", starts_at=NOON, sent_at=NOON + 299.5), now=NOON + 299.5)
    engine.flush_due(NOON + 300)
    assert "escalated" not in [line[2] for line in sent(engine)]
    assert engine.state.escalations == {}
