import datetime as dt

import pytest
from pydantic import ValidationError

from services.common.labels import fingerprint
from services.notifier.alerts import AlertRecord, end
from services.notifier.posted import PostedAlert, to_report
from tests.unit.notifier.builders import START, event

MARK = fingerprint({"alertname": "A"})


def iso(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat()


def report(known: AlertRecord | None = None, now: float = START, **fields):
    posted = PostedAlert.model_validate({"labels": {"alertname": "A"}, **fields})
    return to_report(posted, now, resolve_timeout=300, newest=lambda _mark: known)


def foreign(**more) -> AlertRecord:
    return AlertRecord(event=event(ends_at=START + 300, **more), origin="foreign", updated_at=START)


def test_a_bare_post_fires_from_now_until_the_time_out():
    found = report()
    assert found.origin == "foreign"
    assert (found.event.fingerprint, found.event.starts_at, found.event.ends_at) == (MARK, START, START + 300)
    assert found.event.status.value == "firing"


def test_times_as_given():
    found = report(startsAt=iso(START - 60), endsAt=iso(START + 60))
    assert (found.event.starts_at, found.event.ends_at) == (START - 60, START + 60)
    assert report(startsAt="2023-11-14T22:13:20").event.starts_at == START  # no zone: UTC
    assert report(startsAt="0001-01-01T00:00:00Z").event.starts_at == START  # Go's zero


def test_an_end_in_the_past_resolves():
    found = report(endsAt=iso(START - 5))
    assert (found.event.status.value, found.event.starts_at, found.event.ends_at) == ("resolved", START - 5, START - 5)


def test_an_end_before_the_start_is_refused():
    with pytest.raises(ValueError, match="endsAt is before startsAt"):
        report(startsAt=iso(START), endsAt=iso(START - 1))


@pytest.mark.parametrize(
    ("now", "fields", "starts_at"),
    [
        (START + 10, {}, START),
        (START + 10, {"startsAt": iso(START + 5)}, START),
        (START + 10, {"startsAt": iso(START - 5)}, START),
        (START + 10, {"endsAt": iso(START + 9)}, START),
        (START + 999, {"startsAt": iso(START + 900)}, START + 900),
        (START + 999, {}, START),
    ],
)
def test_what_overlaps_the_running_episode_belongs_to_it(now, fields, starts_at):
    assert report(foreign(), now, **fields).event.starts_at == starts_at


def test_after_the_end():
    lapsed = end(foreign(), START + 300, START + 301, expired=True)
    ended = foreign(status="resolved")
    later = START + 310
    assert report(lapsed, later, startsAt=iso(START)).event.starts_at == START  # heard of again: the same
    assert report(ended, later, startsAt=iso(START)).event.starts_at == later  # fires again: a new one
    assert report(ended, later).event.starts_at == later
    assert report(ended, later, startsAt=iso(START), endsAt=iso(START + 305)).event.starts_at == START
    assert report(ended, later, startsAt=iso(START + 304), endsAt=iso(START + 305)).event.starts_at == START + 304


def test_an_evaluators_own_alert_is_not_touched_by_the_rules_for_foreign_ones():
    known = AlertRecord(event=event(), origin="tocsin", updated_at=START)
    assert report(known, START + 10).event.starts_at == START + 10
    own = event(starts_at=START - 7)
    found = report(tocsin=own.model_dump(mode="json"))
    assert (found.origin, found.event) == ("tocsin", own)


@pytest.mark.parametrize("labels", [{}, {"a": ""}, {"1": "x"}, {"a-b": "x"}])
def test_labels_that_are_refused(labels):
    with pytest.raises(ValidationError):
        PostedAlert.model_validate({"labels": labels})
