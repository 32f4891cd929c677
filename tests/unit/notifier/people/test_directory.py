"""What reaches nobody is said at load; preferences; wakes; falling over."""

import pytest

from services.common.config import ConfigError
from services.common.testing.clock import ManualClock
from services.notifier.config import NotifierConfig
from services.notifier.people.contacts import RateLimit
from services.notifier.people.directory import gaps
from services.notifier.people.preferences import read_preferences
from services.notifier.people.wakes import Wakes
from services.notifier.receivers import build_generation
from tests.unit.notifier.builders import apply, event
from tests.unit.notifier.people.builders import at, contact, decided, directory, nights, people_engine, way

NOW = at("2026-03-02T12:00")
WEEK = {"time_zone": "UTC", "rotations": [{"members": ["anna"], "starts": "2026-01-05T09:00"}]}
DAY_OFF = {"from": "2026-03-05T00:00", "to": "2026-03-06T00:00"}
OFFICE = [{"days": ["monday:friday"], "from": "09:00", "to": "17:00"}]


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (directory(contact()), []),
        (directory(contact("anna", way("email", "info"))), ["has no channel that takes critical alerts"]),
        (directory(contact()._replace(ways=())), ["has no channel, so nobody is told"]),
        (directory(contact(), schedule=WEEK), []),
        (
            directory(contact(), schedule={**WEEK, "overrides": [DAY_OFF]}),
            ["has nobody on call from Thu 2026-03-05 00:00 to Fri 2026-03-06 00:00"],
        ),
        (
            directory(contact(), schedule={**WEEK, "rotations": [{"members": ["anna"], "starts": "2026-04-01T00:00"}]}),
            ["has nobody on call before Wed 2026-04-01 00:00"],
        ),
        (
            directory(contact(), policy={"steps": [{"notify": {"contact": "anna"}, "channels": ["voice"]}]}),
            ["step 1 reaches nobody by voice with a critical alert"],
        ),
        (
            directory(
                contact(),
                schedule={**WEEK, "rotations": [{"members": ["anna"], "starts": "2030-01-01T00:00"}]},
                policy={"steps": [{"notify": {"schedule": "primary"}}]},
            ),
            ["has nobody on call before Tue 2030-01-01 00:00", "step 1 reaches nobody now: nobody is on call"],
        ),
    ],
)  # fmt: skip
def test_what_would_reach_nobody(people, expected):
    assert [gap.problem for gap in gaps(people, NOW)] == expected


def test_many_gaps_are_counted_and_wanted_ones_are_not_told():
    rotation = {"members": ["anna"], "starts": "2026-01-05T09:00", "restrictions": OFFICE}
    found = list(gaps(directory(contact(), schedule={**WEEK, "rotations": [rotation]}), NOW))
    assert len(found) == 4
    assert found[-1].problem.endswith("more gaps within four weeks; write gaps: wanted if so meant")
    assert not list(gaps(directory(contact(), schedule={**WEEK, "rotations": [rotation], "gaps": "wanted"}), NOW))


def test_preferences_are_laid_over():
    rows = {
        b"anna": b'{"channels": [{"channel": "sms", "severities": ["critical"]}, {"channel": "email/0"}],'
        b' "deliver": "all", "rate_limit": {"per_hour": 3},'
        b' "quiet_hours": [{"time_zone": "UTC", "from": "22:00", "to": "08:00"}]}',
        b"bert": b'{"channels": [{"channel": "fax"}]}',
        b"cleo": b"not json",
        b"dora": b"{}",
        b"emil": b'{"channels": []}',
    }
    people = directory(contact("anna"), contact("bert"), contact("emil"))
    preferences, wrong = read_preferences(rows)
    assert list(wrong) == ["cleo"]
    applied = preferences.applied(people)
    anna = applied.contacts["anna"]
    assert [(one.channel, sorted(one.severities)) for one in anna.ways] == [
        ("sms", ["critical"]), ("email", ["critical", "info", "warning"]),
    ]  # fmt: skip
    assert (anna.deliver, anna.rate_limit) == ("all", RateLimit(per_hour=3))
    assert anna.quiet_hours[0].zone.key == "UTC"
    assert applied.contacts["bert"] == people.contacts["bert"]
    assert set(preferences.problems(people)) == {"bert", "dora", "emil"}


def test_changed_quiet_hours_let_go_of_what_they_held():
    people = directory(contact(quiet_hours=(nights(),)), targets=({"contact": "anna"},))
    engine = people_engine(people)
    night = at("2026-03-02T23:00")
    apply(engine, event(starts_at=night, severity="warning"), now=night)
    engine.flush_due(night)
    assert len(engine.state.held) == 1
    engine.reconfigure(
        engine.tree, engine.receivers, night + 60, directory=directory(contact(), targets=({"contact": "anna"},))
    )
    engine.flush_due(night + 60)
    assert [entry.cause.value for entry in engine.state.queue.entries.values()] == ["digest"]


def test_a_clock_that_is_set_back_moves_escalations_too():
    policy = {"steps": [{"notify": {"contact": "anna"}, "wait": "5m"}, {"notify": {"contact": "anna"}}]}
    engine = people_engine(directory(contact(), policy=policy))
    apply(engine, event(starts_at=NOW), now=NOW)
    engine.flush_due(NOW)
    engine.rewind(3600, NOW - 3600)
    (one,) = engine.state.escalations.values()
    assert one.next_at == NOW - 3600 + 300


def test_a_broken_channel_is_left_for_the_next_one():
    engine = people_engine(directory(contact(fallback_after=100.0), targets=({"contact": "anna"},)))
    apply(engine, event(starts_at=NOW, severity="critical"), now=NOW)
    engine.flush_due(NOW)
    (entry,) = engine.state.queue.entries.values()
    reception = engine.posting.reception
    assert reception.next_way(entry, permanent=False, now=NOW + 99) is None
    moved = reception.next_way(entry, permanent=False, now=NOW + 100)
    assert moved is not None
    assert (moved.channel, moved.recipient, moved.attempts) == ("sms", "anna-phone", 0)
    assert moved.delivery_id != entry.delivery_id
    assert decided(engine)[-1] == ("fell_over", "email stays broken: sms instead")
    # The second is no better: it goes back to the first, which only failed for the time being.
    back = reception.next_way(moved, permanent=True, now=NOW + 101)
    assert back is not None
    assert back.channel == "email"
    assert reception.next_way(back, permanent=True, now=NOW + 102) is None


def test_wakes_give_each_key_once_at_its_newest_time():
    wakes = Wakes()
    for key, moment in (("a", 5.0), ("b", 3.0), ("a", 7.0), ("c", 1.0), ("c", None)):
        wakes.set(key, moment)
    assert wakes.next() == 3.0
    assert wakes.due(10.0, 1) == ["b"]
    assert wakes.due(6.0, 9) == []
    assert wakes.due(7.0, 9) == ["a"]
    assert wakes.next() is None


HEAD = """global: {smtp_smarthost: "mail:25", smtp_from: t@example.com}
route: {receiver: r}
receivers: [{name: r, contact_configs: [{contact: anna}]}]
"""
ANNA = "contacts: [{name: anna, email: a@example.com, channels: [{email: {}}]}]\n"


async def read(tmp_path, text: str):
    path = tmp_path / "alertmanager.yml"
    path.write_text(text, encoding="utf-8")
    settings = NotifierConfig.model_validate({"config_file": str(path)})
    return await build_generation(settings, base=tmp_path, external_url="http://t", clock=ManualClock(NOW))


async def test_a_contacts_channel_takes_the_contacts_address(tmp_path):
    generation = await read(tmp_path, HEAD + ANNA)
    assert generation.integrations["contact:anna", "email/0"].recipients == ("a@example.com",)
    assert generation.directory.contacts["anna"].ways[0].recipients == ("a@example.com",)
    assert "contacts" not in generation.shown()
    await generation.stack.aclose()


async def test_gaps_are_told_with_their_place(tmp_path):
    generation = await read(tmp_path, HEAD + "contacts:\n  - name: anna\n")
    assert generation.gaps == (f"{tmp_path}/alertmanager.yml:5:5: 'anna' has no channel, so nobody is told",)
    await generation.stack.aclose()


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "3:42", "contact 'anna' is not defined"),
        ("contacts: [{name: anna, channels: [{severities: [critical]}]}]", "4:", "name one channel"),
        ("contacts: [{name: anna, channels: [{fax: {}}]}]", "4:", "fax"),
        ("contacts: [{name: anna, channels: [{email: {}}]}]", "4:", "to"),
        (ANNA + "schedules: [{name: s, time_zone: UTC, rotations: [{members: [bert], starts: 2026-01-01}]}]", "5:",
         "contact 'bert' is not defined"),
        (ANNA + "escalation_policies: [{name: p, steps: [{notify: {schedule: s}}]}]", "5:", "schedule 's' is not"),
        (ANNA + "escalation_policies: [{name: p, steps: [{notify: {}}]}]", "5:", "name one of contact"),
        (ANNA + "escalation_policies: [{name: p, steps: [{notify: {contact: anna}, channels: [fax]}]}]", "5:",
         "'fax' is no channel"),
        (ANNA + "storm: {except_receivers: [x]}", "5:", "receiver 'x' is not defined"),
        (ANNA.replace("]\n", ", {name: anna}]\n"), "4:", "contact 'anna' is defined twice"),
        (ANNA.replace("{email: {}}", "{email: {}, severities: [bad]}"), "4:", "'bad' is not a severity"),
    ],
)  # fmt: skip
async def test_a_mistake_is_named_with_its_place(tmp_path, text, place, problem):
    with pytest.raises(ConfigError) as caught:
        await read(tmp_path, HEAD + text)
    assert f"alertmanager.yml:{place}" in str(caught.value)
    assert problem in str(caught.value)
