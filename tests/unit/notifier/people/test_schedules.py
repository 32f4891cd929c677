"""Who is on call: rotations, restrictions, overrides, changed clocks."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notifier.people.ical import calendar
from services.notifier.people.schedules import Schedule
from tests.unit.notifier.people.builders import at, shown

BERLIN = "Europe/Berlin"
WEEKLY = {"members": ["anna", "bert"], "every": "week", "starts": "2026-01-05T09:00"}


def schedule(*rotations: dict, **more) -> Schedule:
    fields = {"name": "primary", "time_zone": BERLIN, "rotations": rotations or [WEEKLY], **more}
    return Schedule.model_validate(fields)


@pytest.mark.parametrize(
    ("moment", "people"),
    [
        ("2026-01-05T08:59", ()),
        ("2026-01-05T09:00", ("anna",)),
        ("2026-01-12T08:59", ("anna",)),
        ("2026-01-12T09:00", ("bert",)),
        ("2026-03-30T08:59", ("bert",)),  # the clocks went forward on the 29th: still at nine
        ("2026-03-30T09:00", ("anna",)),
        ("2026-10-26T08:59", ("bert",)),
        ("2026-10-26T09:00", ("anna",)),
    ],
)
def test_a_week_changes_at_its_hour_on_the_wall(moment, people):
    assert schedule().on_call(at(moment, BERLIN)) == people


def test_a_daily_rotation_over_a_leap_day():
    daily = schedule({"members": ["a", "b", "c"], "every": "day", "starts": "2028-02-27T00:00"})
    days = ["2028-02-27T12:00", "2028-02-28T12:00", "2028-02-29T12:00", "2028-03-01T12:00"]
    assert [daily.on_call(at(day, BERLIN)) for day in days] == [("a",), ("b",), ("c",), ("a",)]


def test_hours_that_are_no_whole_days_are_real_hours():
    custom = schedule({"members": ["a", "b"], "every": "12h", "starts": "2026-03-28T18:00"})
    begin = at("2026-03-28T18:00", BERLIN)
    assert [custom.on_call(begin + hours * 3600) for hours in (0, 11, 12, 23, 24)] == [
        ("a",), ("a",), ("b",), ("b",), ("a",),
    ]  # fmt: skip


def test_a_hand_over_at_an_hour_that_comes_twice_happens_once():
    daily = schedule({"members": ["a", "b"], "every": "day", "starts": "2026-10-24T02:30"})
    first = at("2026-10-25T02:30", BERLIN)
    people = [daily.on_call(first + minutes * 60)[0] for minutes in range(-90, 150, 10)]
    assert people == sorted(people)
    assert daily.on_call(first - 1) == ("a",)
    assert daily.on_call(first) == daily.on_call(first + 3600) == ("b",)


def test_restrictions_leave_the_rest_of_the_day_to_others():
    office = {**WEEKLY, "restrictions": [{"days": ["monday:friday"], "from": "09:00", "to": "17:00"}]}
    night = {"members": ["cleo"], "starts": "2026-01-01T00:00", "restrictions": [{"from": "17:00", "to": "09:00"}]}
    both = schedule(office, night)
    assert both.on_call(at("2026-01-06T10:00", BERLIN)) == ("anna",)
    assert both.on_call(at("2026-01-06T17:00", BERLIN)) == ("cleo",)
    assert both.on_call(at("2026-01-07T08:59", BERLIN)) == ("cleo",)
    assert both.on_call(at("2026-01-10T12:00", BERLIN)) == ()


def test_overrides_take_the_place_of_one_or_of_all():
    two = schedule(
        WEEKLY,
        {"members": ["cleo"], "starts": "2026-01-01T00:00"},
        overrides=[
            {"contact": "dora", "instead_of": "anna", "from": "2026-01-06T00:00", "to": "2026-01-07T00:00"},
            {"contact": "emil", "from": "2026-01-07T00:00", "to": "2026-01-08T00:00"},
            {"instead_of": "cleo", "from": "2026-01-08T00:00", "to": "2026-01-09T00:00"},
        ],
    )
    days = ["2026-01-05T12:00", "2026-01-06T12:00", "2026-01-07T12:00", "2026-01-08T12:00"]
    assert [two.on_call(at(day, BERLIN)) for day in days] == [
        ("anna", "cleo"), ("dora", "cleo"), ("emil",), ("anna",),
    ]  # fmt: skip


def test_shifts_with_their_gaps():
    shifts = schedule(
        overrides=[{"from": "2026-01-14T00:00", "to": "2026-01-15T00:00"}],
    ).shifts(at("2026-01-10T00:00", BERLIN), at("2026-01-20T00:00", BERLIN))
    assert [(shown(one.begin, BERLIN), one.people) for one in shifts] == [
        ("2026-01-10T00:00", ("anna",)),
        ("2026-01-12T09:00", ("bert",)),
        ("2026-01-14T00:00", ()),
        ("2026-01-15T00:00", ("bert",)),
        ("2026-01-19T09:00", ("anna",)),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"rotations": []},
        {"rotations": [{**WEEKLY, "every": "fortnight"}]},
        {"rotations": [{**WEEKLY, "every": "1m"}]},
        {"rotations": [{**WEEKLY, "starts": "2026-01-05T09:00+01:00"}]},
        {"rotations": [{**WEEKLY, "members": []}]},
        {"overrides": [{"contact": "a", "from": "2026-01-02T00:00", "to": "2026-01-01T00:00"}]},
        {"time_zone": "Nowhere"},
        {"name": "a/b"},
    ],
)
def test_mistakes_are_refused(change):
    with pytest.raises(ValidationError):
        schedule(**change)


ROTATIONS = st.builds(
    lambda every, hour, members, days: {
        "members": members, "every": every, "starts": f"2026-02-27T{hour:02}:30",
        "restrictions": [{"days": [days], "from": "20:00", "to": "02:30"}] if days else [],
    },
    st.sampled_from(["day", "week", "8h", "36h", "2w"]), st.integers(0, 23),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4),
    st.sampled_from(["", "monday:friday", "saturday", "friday:monday"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ROTATIONS, min_size=1, max_size=3), st.integers(0, 60 * 24 * 60), st.sampled_from([BERLIN, "UTC"]))
def test_the_shift_of_a_moment_says_who_is_on_call_at_it(rotations, minutes, zone):
    one = Schedule.model_validate({"name": "s", "time_zone": zone, "rotations": rotations})
    begin = at("2026-02-26T00:00", zone)
    moment = begin + minutes * 60
    (shift,) = [part for part in one.shifts(begin, begin + 61 * 86_400) if part.begin <= moment < part.end]
    assert shift.people == one.on_call(moment)


def test_a_calendar_feed():
    begin = at("2026-01-05T00:00", BERLIN)
    shifts = schedule().shifts(begin, begin + 14 * 86_400)
    text = calendar("primary", shifts, {"anna": "Anna; Bergström, " + "ö" * 60}, now=begin)
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert max(len(line.encode()) for line in lines) <= 75
    whole = text.replace("\r\n ", "").split("\r\n")
    assert [line for line in whole if line.startswith("DTSTART")] == [
        "DTSTART:20260105T080000Z", "DTSTART:20260112T080000Z",
    ]  # fmt: skip
    assert whole.count("BEGIN:VEVENT") == whole.count("END:VEVENT") == 2
    assert f"SUMMARY:Anna\\; Bergström\\, {'ö' * 60} on call (primary)" in whole
    assert len({line for line in whole if line.startswith("UID:")}) == 2
    assert ZoneInfo(BERLIN).key == BERLIN
