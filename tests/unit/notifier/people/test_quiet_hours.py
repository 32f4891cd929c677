"""Quiet hours by the wall clock, also on the days on which clocks are changed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notifier.people.quiet_hours import QuietHours, quiet_until
from services.notifier.people.wall_clock import instant, told
from tests.unit.notifier.people.builders import at, nights, shown

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-03-02T21:59", None),
        ("2026-03-02T22:00", "2026-03-03T08:00"),
        ("2026-03-03T03:00", "2026-03-03T08:00"),
        ("2026-03-03T07:59", "2026-03-03T08:00"),
        ("2026-03-03T08:00", None),
        ("2028-02-28T23:00", "2028-02-29T08:00"),  # leap day
        ("2028-02-29T23:00", "2028-03-01T08:00"),
        ("2026-03-28T23:00", "2026-03-29T08:00"),  # clocks go forward in this night
        ("2026-10-24T23:00", "2026-10-25T08:00"),  # and back in this one
    ],
)
def test_a_night(moment, until):
    end = nights().until(at(moment, BERLIN))
    assert (None if end is None else shown(end, BERLIN)) == until


def test_a_night_with_changed_clocks_has_another_length():
    assert nights().until(at("2026-03-28T22:00", BERLIN)) == at("2026-03-28T22:00", BERLIN) + 9 * 3600
    assert nights().until(at("2026-10-24T22:00", BERLIN)) == at("2026-10-24T22:00", BERLIN) + 11 * 3600


def test_an_end_that_the_clock_shows_twice_is_the_second_one():
    night = nights(to="02:30")
    first = at("2026-10-25T02:30", BERLIN)
    assert night.until(first) == first + 3600
    assert night.until(first + 3600) is None


def test_an_end_that_the_clock_leaves_out_is_the_change():
    night = nights(to="02:30")
    change = at("2026-03-29T03:00", BERLIN)
    assert night.until(change - 1) == change
    assert instant(datetime.fromisoformat("2026-03-29T02:30"), ZoneInfo(BERLIN)) == change


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-03-06T23:00", True),  # Friday night
        ("2026-03-07T07:00", True),  # still Friday's
        ("2026-03-07T23:00", False),
        ("2026-03-08T07:00", False),
    ],
)
def test_days_are_those_on_which_it_begins(moment, quiet):
    assert (nights(days=["monday:friday"]).until(at(moment, BERLIN)) is not None) is quiet


def test_windows_that_meet_are_one():
    weekend = nights(days=["saturday"], **{"from": "08:00", "to": "22:00"})
    found = quiet_until([nights(), weekend], at("2026-03-06T23:00", BERLIN), critical=False)
    assert found is not None
    assert shown(found[0], BERLIN) == "2026-03-08T08:00"


def test_a_whole_day_and_always():
    whole = nights(days=["sunday"], **{"from": "00:00", "to": "24:00"})
    assert shown(whole.until(at("2026-03-08T12:00", BERLIN)) or 0, BERLIN) == "2026-03-09T00:00"
    always = nights(**{"from": "00:00", "to": "00:00"})
    assert quiet_until([always], at("2026-03-08T12:00", BERLIN), critical=False) is not None


def test_critical_passes_where_the_person_lets_it():
    moment = at("2026-03-02T23:00", BERLIN)
    assert quiet_until([nights()], moment, critical=True) is None
    assert quiet_until([nights(critical_passes=False)], moment, critical=True) is not None


def test_until_is_told_in_the_persons_zone():
    assert told(at("2026-07-01T08:00", BERLIN), ZoneInfo(BERLIN)) == "08:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("field", "value"),
    [("time_zone", "Mars/Base"), ("days", ["moonday"]), ("days", []), ("from", "25:00"), ("to", None), ("nap", 1)],
)
def test_mistakes_are_refused(field, value):
    with pytest.raises(ValidationError):
        nights(**{field: value})


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
MINUTES = st.integers(0, 24 * 60 - 1)
MOMENTS = st.integers(1_740_000_000, 1_800_000_000)


@given(ZONES, MINUTES, MINUTES, MOMENTS)
def test_it_holds_exactly_while_the_wall_clock_is_between(zone, begin, end, moment):
    window = QuietHours.model_validate({"time_zone": zone, "from": begin, "to": end})
    local = datetime.fromtimestamp(moment, ZoneInfo(zone))
    changes = {(local + timedelta(hours=hours)).utcoffset() for hours in range(-30, 31)}
    minute = local.hour * 60 + local.minute
    between = begin <= minute < end if begin < end else (minute >= begin or minute < end)
    if len(changes) == 1:
        assert (window.until(moment) is not None) is between
    until = window.until(moment)
    if until is not None:
        assert moment < until <= moment + 26 * 3600
        assert window.until(until - 1) == until
