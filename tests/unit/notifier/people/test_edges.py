"""What people's steps do at their edges: what is gone meanwhile, clocks set back, values that are no such thing."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import TypeAdapter

from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from services.notifier.config import NotifierConfig
from services.notifier.people.contacts import RateLimit
from services.notifier.people.fields import LocalTime, Severities, Weekdays, Zone
from services.notifier.receivers import build_generation
from tests.unit.notifier.builders import apply, event
from tests.unit.notifier.people.builders import at, contact, directory, nights, people_engine, run_to, sent

NOON, NIGHT = at("2026-03-02T12:00"), at("2026-03-02T23:00")
ANNA = ({"contact": "anna"},)
STEPS = [{"notify": {"contact": "anna"}, "wait": "5m"}, {"notify": {"receiver": "slack-ops"}, "wait": "5m"}]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Zone, ZoneInfo("UTC"), ZoneInfo("UTC")),
        (Weekdays, "friday:monday", frozenset({5, 6, 0, 1})),
        (Weekdays, frozenset({1}), frozenset({1})),
        (LocalTime, dt.date(2026, 3, 2), dt.datetime.fromisoformat("2026-03-02")),
        (LocalTime, "2026-03-02 09:00", dt.datetime.fromisoformat("2026-03-02T09:00")),
        (Severities, "critical", frozenset({"critical"})),
        (Severities, frozenset({"info"}), frozenset({"info"})),
    ],
)
def test_fields(kind, value, expected):
    assert TypeAdapter(kind).validate_python(value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (Zone, "Mars/Base", "is not a time zone"), (Weekdays, [], "no day is given"),
        (Weekdays, "someday", "is not a weekday"), (LocalTime, "soon", "is not a moment"),
        (LocalTime, "2026-03-02T09:00Z", "has a zone"), (Severities, [], "no severity is given"),
        (Severities, ["bad"], "is not a severity"),
    ],
)  # fmt: skip
def test_what_is_no_such_thing(kind, value, problem):
    with pytest.raises(ValueError, match=problem):
        TypeAdapter(kind).validate_python(value)


ONE = {"name": "anna", "email": "a@x.org", "channels": [{"webhook": {"url": "http://127.0.0.1:1/"}}]}
ROTA = {"name": "week", "time_zone": "UTC", "rotations": [{"members": ["anna"], "starts": "2026-01-05T09:00"}]}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"contacts": [{**ONE, "channels": ["email"]}]}, "contacts.0.channels.0"),
        ({"contacts": [{**ONE, "channels": [{"email": {}}]}]}, "contact 'anna': no sender"),
        ({"contacts": [{**ONE, "quiet_hours": {"time_zone": "x", "from": "1:00", "to": "2:00"}}]},
         "is not a time zone"),
        ({"escalation_policies": [{"name": "p", "steps": [{"notify": {"contact": "anna"}, "channels": ["pigeon"]}]}]},
         "'pigeon' is no channel"),
        ({"schedules": [{**ROTA, "overrides": [{"contact": "cleo", "from": "2026-01-01", "to": "2026-01-02"}]}]},
         "contact 'cleo' is not defined; defined are: anna"),
        ({"schedules": [ROTA, ROTA]}, "schedule 'week' is defined twice"),
    ],
)  # fmt: skip
async def test_mistakes_of_the_file(more, problem):
    base = {"route": {"receiver": "r"}, "receivers": [{"name": "r"}], "contacts": [ONE]}
    config = NotifierConfig(config=yaml.safe_load(yaml.safe_dump({**base, **more})))
    with pytest.raises(ConfigError, match=problem):
        await build_generation(config, base=Path(), external_url="http://t", clock=ManualClock())


def begun(policy: dict):
    engine = people_engine(directory(contact(), policy=policy))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    return engine


def test_a_policy_that_has_become_shorter_has_no_step_left():
    engine = begun({"steps": STEPS})
    engine.reconfigure(
        engine.tree, engine.receivers, NOON + 1, directory=directory(contact(), policy={"steps": STEPS[:1]})
    )
    run_to(engine, NOON + 301)
    assert sent(engine) == []
    (escalation,) = engine.state.escalations.values()
    assert escalation.next_at is None


def test_steps_that_reach_nobody_are_gone_through_once():
    nobody = {"time_zone": "UTC", "rotations": [{"members": ["anna"], "starts": "2030-01-01T00:00"}]}
    steps = [STEPS[0], *[{"notify": {"schedule": "primary"}, "wait": "5m"}] * 3]
    engine = people_engine(directory(contact(), policy={"steps": steps, "repeat": 2}, schedule=nobody))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    sent(engine)
    run_to(engine, NOON + 301)
    assert [line[:3] for line in sent(engine)] == [("anna@x", "email", "escalated")]


def test_what_is_gone_is_nobodys_work():
    engine = begun({"steps": STEPS})
    (escalation,) = engine.state.escalations.values()
    work = engine.escalations
    work.wake("unknown", NOON)
    work.restart("unknown", NOON)
    engine.state.groups.pop(escalation.group_id)
    work.review(escalation.group_id, NOON)
    assert engine.state.escalations == {}
    engine.state.drop_escalation(escalation.escalation_id)


def test_a_clock_that_is_set_back_takes_steps_and_limits_along_but_no_quiet_hours():
    engine = begun({"steps": STEPS})
    (before,) = engine.state.escalations.values()
    engine.rewind(3600, NOON - 3600)
    (after,) = engine.state.escalations.values()
    assert after.next_at == before.next_at - 3600
    limited = contact(rate_limit=RateLimit(per_hour=1))
    for person, moved in ((limited, 3600), (contact(quiet_hours=(nights(),)), 0)):
        engine = people_engine(directory(person, targets=ANNA))
        for name in ("A", "B"):
            apply(engine, event(name, starts_at=NIGHT, severity="warning"), now=NIGHT)
            engine.flush_due(NIGHT)
        until = {key: one.until for key, one in engine.state.held.items()}
        assert until
        engine.rewind(3600, NIGHT - 3600)
        assert {key: one.until + moved for key, one in engine.state.held.items()} == until


def test_an_end_joins_the_beginning_that_waits():
    person = contact(rate_limit=RateLimit(per_hour=1))
    engine = people_engine(directory(person, targets=ANNA))
    for name in ("A", "B"):
        apply(engine, event(name, starts_at=NOON), now=NOON)
        engine.flush_due(NOON)
    assert [line[3] for line in sent(engine)] == [("A:firing",)]
    (held,) = engine.state.held.values()
    late = held.until - 1
    for desk in list(engine.state.desks.values()):  # the limit would let it go, but its beginning waits here
        engine.state.put_desk(desk.model_copy(update={"sent": ()}))
    apply(engine, event("B", "resolved", starts_at=NOON, sent_at=late), now=late)
    engine.flush_due(late)
    assert sent(engine) == []
    run_to(engine, late + 2)
    assert [line[2:] for line in sent(engine)] == [("digest", ("B:resolved",))]


def test_who_heard_it_by_another_route_is_not_told_again():
    engine = people_engine(directory(contact(), targets=ANNA))
    apply(engine, event(starts_at=NOON), now=NOON)
    engine.flush_due(NOON)
    (entry,) = engine.state.queue.entries.values()
    again = entry.model_copy(update={"channel": "contact", "recipient": "anna", "receiver": "other"})
    assert engine.posting.reception.take(again, NOON) == []
    assert [one.reason for one in engine.state.attempts.values()] == ["told_already"]
    assert engine.posting.reception.wake("contact:nobody", NOON) == []
    test = entry.model_copy(update={"status": "test"})
    assert engine.posting.reception.next_way(test, permanent=True, now=NOON) is None
    assert engine.posting.reception.next_way(entry, permanent=False, now=NOON) is None
