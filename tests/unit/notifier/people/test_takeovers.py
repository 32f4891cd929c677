"""Takeovers that were agreed on the page, and choices as the page writes them."""

import json
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.common import people
from services.common.people import Takeover
from services.notifier.people.preferences import Preference, Preferences, read_preferences
from services.notifier.people.takeovers import problem_of, read_takeovers, with_takeovers
from tests.unit.notifier.people.builders import at, contact, directory

BERLIN = "Europe/Berlin"
ROTA = {"time_zone": BERLIN, "rotations": [{"members": ["anna", "bert"], "starts": "2026-01-05T09:00"}]}
PEOPLE = directory(contact("anna"), contact("bert"), contact("cleo"), schedule=ROTA)
BEGIN, END = at("2026-01-06T12:00", BERLIN), at("2026-01-06T18:00", BERLIN)


def takeover(**more) -> Takeover:
    return Takeover.model_validate(
        {"schedule": "primary", "contact": "cleo", "starts_at": BEGIN, "ends_at": END} | more
    )


def on_call(at_: float, *takeovers: Takeover) -> tuple[str, ...]:
    found = with_takeovers(PEOPLE, {str(number): one for number, one in enumerate(takeovers)})
    return found.schedules["primary"].on_call(at_)


@pytest.mark.parametrize(("moment", "who"), [(BEGIN - 1, "anna"), (BEGIN, "cleo"), (END - 1, "cleo"), (END, "anna")])
def test_somebody_takes_over_for_a_while(moment, who):
    assert on_call(moment, takeover()) == (who,)
    assert on_call(moment, takeover(instead_of="anna")) == (who,)


def test_from_somebody_who_has_no_duty_nothing_is_taken():
    assert on_call(BEGIN, takeover(instead_of="bert")) == ("anna",)


def test_the_later_one_stands_on_top_and_the_files_own_stay_below():
    rota = {**ROTA, "overrides": [{"contact": "bert", "from": "2026-01-06T00:00", "to": "2026-01-07T00:00"}]}
    people_ = directory(contact("anna"), contact("bert"), contact("cleo"), schedule=rota)
    found = with_takeovers(people_, {"x": takeover(), "a": takeover(contact="anna", starts_at=BEGIN + 60)})
    schedule = found.schedules["primary"]
    assert [schedule.on_call(BEGIN + seconds) for seconds in (-60, 30, 90)] == [("bert",), ("cleo",), ("anna",)]
    spans = [(shift.begin, shift.people) for shift in schedule.shifts(BEGIN - 60, END + 60)]
    assert spans == [(BEGIN - 60, ("bert",)), (BEGIN, ("cleo",)), (BEGIN + 60, ("anna",)), (END, ("bert",))]


def test_in_the_hour_that_comes_twice_it_is_meant_once():
    # 02:30 comes twice on that night: this one is about the second.
    second = at("2026-10-25T02:30", BERLIN) + 3600
    one = takeover(starts_at=second, ends_at=second + 600)
    assert [on_call(second + seconds, one) for seconds in (-3600, -1, 0, 599, 600)] == [
        ("bert",), ("bert",), ("cleo",), ("cleo",), ("bert",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"schedule": "gone"}, "there is no schedule 'gone'"),
        ({"contact": "dora"}, "there is no contact 'dora'"),
        ({"instead_of": "dora"}, "there is no contact 'dora'"),
        ({}, ""),
    ],
)
def test_what_names_nobody_is_left_out_and_named(more, problem):
    one = takeover(**more)
    assert problem_of(one, PEOPLE) == problem
    assert on_call(BEGIN, one) == (("anna",) if problem else ("cleo",))
    assert Preferences({}, {"1": one}).takeover_problems(PEOPLE) == ({"1": problem} if problem else {})


def test_nonsense_in_redis_harms_nothing_else():
    found, wrong = read_takeovers({b"1": takeover().model_dump_json().encode(), b"2": b"{", b"3": b'{"schedule": "p"}'})
    assert found == {"1": takeover()}
    assert set(wrong) == {"2", "3"}
    assert "contact" in wrong["3"]


def test_a_takeover_ends_after_it_begins():
    with pytest.raises(ValidationError, match="before"):
        takeover(ends_at=BEGIN)


def test_both_are_applied_together():
    chosen, _ = read_preferences({b"anna": b'{"deliver": "all"}'})
    found = Preferences(chosen.by_contact, {"1": takeover()}).applied(PEOPLE)
    assert found.contacts["anna"].deliver == "all"
    assert found.schedules["primary"].on_call(BEGIN) == ("cleo",)


_severities = st.lists(st.sampled_from(["critical", "warning", "info"]), min_size=1, max_size=3)
_time = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
_days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_choices = st.fixed_dictionaries(
    {},
    optional={
        "channels": st.lists(
            st.fixed_dictionaries(
                {"channel": st.sampled_from(["email", "sms/0", "email/0"])},
                optional={"severities": st.none() | _severities},
            ),
            min_size=1,
            max_size=4,
        ),
        "deliver": st.sampled_from(["first", "all", None]),
        "quiet_hours": st.lists(
            st.fixed_dictionaries(
                {"time_zone": st.sampled_from(sorted(available_timezones())), "from": _time, "to": _time},
                optional={
                    "days": st.lists(st.sampled_from(_days), min_size=1, max_size=7),
                    "critical_passes": st.booleans(),
                },
            ),
            max_size=3,
        ),
        "rate_limit": st.none()
        | st.fixed_dictionaries(
            {"per_hour": st.integers(1, people.MOST_PER_HOUR)},
            optional={"critical_within": st.floats(0, people.LONGEST_WAIT)},
        ),
    },
)


@given(_choices)
def test_whatever_the_page_takes_the_notifier_reads(choice):
    written = people.Preference.model_validate_json(json.dumps(choice)).model_dump_json(exclude_none=True)
    preferences, wrong = read_preferences({b"anna": written.encode()})
    assert wrong == {}
    read = preferences.by_contact["anna"]
    found = read.laid_over(contact("anna"))
    assert read == Preference.model_validate_json(written)
    for name in ("deliver", "quiet_hours", "rate_limit"):
        if choice.get(name) is None:
            assert getattr(found, name) == getattr(contact("anna"), name)
    if quiet := choice.get("quiet_hours"):
        assert [one.zone.key for one in found.quiet_hours] == [one["time_zone"] for one in quiet]


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"channels": []}, "channels"),
        ({"channels": [{"channel": "e mail"}]}, "channels.0.channel"),
        ({"channels": [{"channel": "email", "severities": []}]}, "channels.0.severities"),
        ({"channels": [{"channel": "email", "severities": ["bad"]}]}, "channels.0.severities.0"),
        ({"deliver": "some"}, "deliver"),
        ({"quiet_hours": [{"time_zone": "Mars/Base", "from": "1:00", "to": "24:00"}]}, "quiet_hours.0.time_zone"),
        ({"quiet_hours": [{"time_zone": "UTC", "from": "01:00", "to": "24:00"}]}, "quiet_hours.0.to"),
        ({"quiet_hours": [{"time_zone": "UTC", "from": "01:00", "to": "02:00", "days": []}]}, "quiet_hours.0.days"),
        ({"rate_limit": {"per_hour": 0}}, "rate_limit.per_hour"),
        ({"quiet": []}, "quiet"),
    ],
)
def test_what_is_no_choice_is_refused_with_its_place(choice, named):
    with pytest.raises(ValidationError) as caught:
        people.Preference.model_validate(choice)
    assert named in {".".join(map(str, one["loc"])) for one in caught.value.errors()}
