"""Everybody as the API gets them told."""

import pytest

from services.common.people import Takeover
from services.common.people_shown import People
from services.notifier.people.preferences import Preferences, read_preferences
from services.notifier.people.shown import people_shown
from tests.unit.notifier.people.builders import at, contact, directory, nights, way

BERLIN = "Europe/Berlin"
NOW = at("2026-01-07T12:00", BERLIN)  # a Wednesday
ROTA = {
    "time_zone": BERLIN,
    "rotations": [{"name": "weekly", "members": ["anna", "bert"], "starts": "2026-01-05T09:00"}],
    "overrides": [
        {"contact": "bert", "instead_of": "anna", "from": "2026-01-08T00:00", "to": "2026-01-09T00:00"},
        {"contact": None, "from": "2026-01-06T00:00", "to": "2026-01-06T12:00"},
    ],
}
STEPS = {
    "repeat": 2,
    "steps": [
        {"notify": {"schedule": "primary"}, "wait": "5m"},
        {"notify": [{"contact": "bert"}, {"receiver": "team"}], "channels": ["sms"], "wait": "10m"},
        {"notify": {"contact": "bert"}, "channels": ["slack"]},
    ],
}
FOLDER = directory(
    contact("anna", quiet_hours=(nights(days=["monday:friday"]),)), contact("bert"), schedule=ROTA, policy=STEPS
)
PLACES = {("contacts", "anna"): "am.yml:3", ("schedules", "primary"): "am.yml:9", ("escalation_policies", "ops"): "x:1"}


def shown(people=FOLDER, preferences=None, now=NOW) -> People:
    return people_shown(
        people, preferences or Preferences(), places=PLACES, receivers=["team"], feed="/feed/{}".format, now=now
    )


def test_a_contact_as_the_file_has_them_and_as_they_are_told_now():
    chosen = b'{"channels": [{"channel": "sms", "severities": ["critical"]}], "deliver": "all", "quiet_hours": []}'
    preferences, wrong = read_preferences({b"anna": chosen, b"bert": b'{"channels": [{"channel": "slack"}]}'})
    assert not wrong
    anna, bert = shown(preferences=preferences).contacts
    assert (anna.name, anna.place, anna.file.deliver, anna.now.deliver) == ("anna", "am.yml:3", "first", "all")
    assert [(one.integration, one.recipients) for one in anna.file.channels] == [
        ("email/0", ("anna@x",)), ("sms/0", ("anna-phone",)),
    ]  # fmt: skip
    assert [(one.integration, one.severities) for one in anna.now.channels] == [("sms/0", ("critical",))]
    (quiet,) = anna.file.quiet_hours
    assert quiet.model_dump() == {
        "time_zone": BERLIN, "days": ("monday", "tuesday", "wednesday", "thursday", "friday"), "from": "22:00",
        "to": "08:00", "critical_passes": True,
    }  # fmt: skip
    assert anna.now.quiet_hours == ()
    assert anna.warnings == ()
    # What can't be followed changes nothing, and is said.
    assert bert.file == bert.now
    (warning,) = bert.warnings
    assert "not followed" in warning
    assert "slack" in warning


def test_who_would_not_be_told_is_warned_of():
    people = directory(contact("anna", way("email", "info")), contact("bert")._replace(ways=()))
    assert [one.warnings for one in shown(people).contacts] == [
        ("has no channel that takes critical alerts",), ("has no channel, so nobody is told",),
    ]  # fmt: skip


def test_a_schedule_from_this_weeks_monday():
    (schedule,) = shown().schedules
    assert (schedule.name, schedule.place, schedule.feed) == ("primary", "am.yml:9", "/feed/primary")
    assert not schedule.gaps_wanted
    assert schedule.on_call == ("anna",)
    (rotation,) = schedule.rotations
    assert (rotation.name, rotation.members, rotation.every) == ("weekly", ("anna", "bert"), 7 * 86_400)
    assert rotation.starts == "2026-01-05T09:00:00"
    first, *_, last = schedule.shifts
    assert (first.begin, last.end) == (at("2026-01-05T00:00", BERLIN), at("2026-02-09T00:00", BERLIN))
    assert [shift.people for shift in schedule.shifts][:5] == [(), ("anna",), (), ("anna",), ("bert",)]
    assert len(schedule.weeks) == 6
    assert (schedule.weeks[0], schedule.weeks[1], schedule.weeks[-1]) == (
        first.begin, at("2026-01-12T00:00", BERLIN), last.end,
    )  # fmt: skip
    # What is over is no override to show any more.
    (override,) = schedule.overrides
    assert (override.id, override.contact, override.instead_of) == ("file-0", "bert", "anna")


def test_a_takeover_is_in_the_rota_and_has_its_id():
    begin, end = at("2026-01-07T11:00", BERLIN), at("2026-01-07T13:00", BERLIN)
    one = Takeover(schedule="primary", contact="bert", starts_at=begin, ends_at=end)
    lost = one.model_copy(update={"contact": "dora"})
    found = shown(preferences=Preferences({}, {"abc": one, "def": lost}))
    (schedule,) = found.schedules
    assert schedule.on_call == ("bert",)
    assert [override.id for override in schedule.overrides] == ["file-0", "abc"]
    assert found.ignored_overrides == {"def": "there is no contact 'dora'"}


def test_gaps_of_the_rota_are_named():
    rota = {"time_zone": BERLIN, "rotations": [{"members": ["anna"], "starts": "2026-01-12T09:00"}]}
    (schedule,) = shown(directory(contact("anna"), schedule=rota)).schedules
    assert schedule.warnings == ("has nobody on call before Mon 2026-01-12 09:00",)
    assert schedule.on_call == ()


def test_a_policys_steps_and_whom_they_mean_now():
    (policy,) = shown().policies
    assert (policy.name, policy.place, policy.repeat) == ("ops", "x:1", 2)
    steps = [
        ([f"{one.kind}/{one.name}" for one in step.notify], [one.name for one in step.reaches], step.wait)
        for step in policy.steps
    ]
    assert steps == [
        (["schedule/primary"], ["anna"], 300),
        (["contact/bert", "receiver/team"], ["bert", "team"], 600),
        (["contact/bert"], ["bert"], 300),
    ]
    assert [one.kind for one in policy.steps[1].reaches] == ["contact", "receiver"]
    assert policy.warnings == ("step 3 reaches nobody by slack with a critical alert",)


@pytest.mark.parametrize("text", [shown().model_dump_json(), shown(directory()).model_dump_json()])
def test_what_is_told_is_read_back_as_it_was(text):
    assert People.model_validate_json(text).model_dump_json() == text
