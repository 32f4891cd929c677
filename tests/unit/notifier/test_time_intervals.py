"""Time intervals; the cases are those of Alertmanager's own tests, and what daylight saving does."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.time_intervals import NamedInterval, TimeIntervalSpec

OFFICE = {"times": [{"start_time": "09:00", "end_time": "17:00"}], "weekdays": ["monday:friday"]}


def at(text: str, zone: str = "UTC") -> float:
    return dt.datetime.strptime(text, "%d %b %y %H:%M").replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("spec", "inside", "outside"),
    [
        ({}, ["01 Jan 06 00:00", "31 Dec 99 23:59"], []),
        (OFFICE, ["08 Jul 20 09:00", "08 Jul 20 16:59"], ["08 Jul 20 08:59", "08 Jul 20 17:00", "11 Jul 20 12:00"]),
        ({"weekdays": ["saturday", "Sunday"]}, ["11 Jul 20 00:00", "12 Jul 20 23:59"], ["10 Jul 20 12:00"]),
        ({"times": [{"start_time": "22:00", "end_time": "24:00"}]}, ["10 Jul 20 23:59"], ["10 Jul 20 00:00"]),
        ({"days_of_month": ["1:5", "-3:-1"], "months": ["april:june"]},
         ["02 Apr 20 00:00", "30 Jun 20 12:00", "28 Apr 20 12:00"],
         ["06 Apr 20 00:00", "27 Apr 20 00:00", "02 Jul 20 00:00"]),
        ({"days_of_month": ["-1"]}, ["29 Feb 20 00:00", "28 Feb 19 00:00"], ["28 Feb 20 00:00"]),
        ({"days_of_month": ["31"]}, ["31 Jul 20 00:00"], ["30 Jun 20 00:00"]),
        ({"days_of_month": ["25:31"]}, ["30 Jun 20 00:00", "29 Feb 20 00:00"], ["24 Jun 20 00:00"]),
        ({"days_of_month": ["1:-1"]}, ["01 Feb 20 00:00", "29 Feb 20 00:00"], []),
        ({"days_of_month": ["-31"]}, ["01 Jul 20 00:00"], ["01 Jun 20 00:00", "02 Jul 20 00:00"]),
        ({"months": [1, "march:may", "12"]},
         ["01 Jan 20 00:00", "31 May 20 00:00", "24 Dec 20 00:00"], ["01 Feb 20 00:00"]),
        ({"years": ["2020:2022", 2030]},
         ["01 Jan 22 00:00", "01 Jan 30 00:00"], ["31 Dec 19 00:00", "01 Jan 23 00:00"]),
        ({**OFFICE, "location": "Australia/Sydney"}, ["07 Jul 20 23:00"], ["08 Jul 20 09:00", "07 Jul 20 22:59"]),
    ],
)  # fmt: skip
def test_what_it_contains(spec, inside, outside):
    interval = TimeIntervalSpec.model_validate(spec)
    assert [text for text in inside if not interval.contains(at(text))] == []
    assert [text for text in outside if interval.contains(at(text))] == []


def test_the_clock_change_moves_it_with_the_wall_clock():
    night = TimeIntervalSpec.model_validate(
        {"times": [{"start_time": "02:30", "end_time": "04:00"}], "location": "Europe/Berlin"}
    )
    # 29 March 2020: 02:00 becomes 03:00; 25 October 2020: 03:00 becomes 02:00 again.
    assert [night.contains(at("29 Mar 20 00:59")), night.contains(at("29 Mar 20 01:00"))] == [False, True]
    assert not night.contains(at("29 Mar 20 02:00"))
    autumn = [night.contains(at(f"25 Oct 20 {text}")) for text in ("00:30", "01:00", "01:30", "02:59", "03:00")]
    assert autumn == [True, False, True, True, False]


def test_local_is_the_machines_zone(monkeypatch):
    local = TimeIntervalSpec.model_validate({"location": "Local", **OFFICE})
    moment = dt.datetime(2020, 7, 8, 12, 0).astimezone().timestamp()
    assert local.contains(moment)


def test_a_name_stands_for_any_of_its_parts():
    named = NamedInterval.model_validate({"name": "n", "time_intervals": [{"years": ["2020"]}, {"years": ["2022"]}]})
    assert [named.contains(at(f"01 Jan {year} 12:00")) for year in (20, 21, 22)] == [True, False, True]


@given(st.integers(-31, 31).filter(bool), st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)))
def test_a_day_counted_from_either_end_is_one_day_of_a_month_at_most(day, moment):
    interval = TimeIntervalSpec.model_validate({"days_of_month": [str(day)]})
    start = dt.datetime(moment.year, moment.month, 1, 12, tzinfo=dt.UTC)
    days = [start + dt.timedelta(days=n) for n in range(31)]
    held = [one.day for one in days if one.month == start.month and interval.contains(one.timestamp())]
    assert len(held) <= 1
    if day > 0:
        assert held in ([], [day])
