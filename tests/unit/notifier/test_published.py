"""Alerts that other programs post go to the record by the stream, and are not taken in a second time."""

import itertools

import orjson

from services.common.events import AlertEvent
from services.notifier.codec import encode_event
from services.notifier.consumer import decode
from services.notifier.engine import Engine, Report
from services.notifier.posted import PostedAlert, to_report
from tests.unit.notifier.builders import START, apply, engine, event


def post(target: Engine, now: float, *, ends_in: float | None = None, **labels: str) -> None:
    fields = {"labels": {"alertname": "A", **labels}}
    alert = PostedAlert.model_validate(fields)
    report = to_report(alert, now, resolve_timeout=300, newest=target.state.newest)
    if ends_in is not None:
        report = Report(report.event.model_copy(update={"ends_at": now + ends_in}), "foreign")
    target.apply([report], now)


def published(target: Engine) -> list[tuple[str, str]]:
    found = [(one.event.labels["alertname"], one.event.status.value) for one in target.state.unpublished.values()]
    target.state.unpublished.clear()
    return found


def test_a_posted_alert_is_published_when_it_begins_and_ends():
    target = engine()
    post(target, START)
    assert published(target) == [("A", "firing")]
    target.sweep(START + 301, heard_since=None)
    assert published(target) == [("A", "resolved")]
    post(target, START + 302)
    assert published(target) == [("A", "firing")]


def test_what_goes_on_is_said_again_before_it_holds_no_more():
    target = engine()
    for second in range(0, 600, 30):
        post(target, START + second)
    target.state.unpublished.clear()
    seen = []
    for second in range(600, 1200, 30):
        post(target, START + second)
        if published(target):
            seen.append(second)
    assert all(later - earlier == 120 for earlier, later in itertools.pairwise(seen))
    assert len(seen) == 5
    short = engine()
    for second in range(0, 60, 10):
        post(short, START + second, ends_in=40)
        assert bool(published(short)) is (second % 20 == 0)


def test_our_evaluators_alerts_are_on_the_stream_already():
    target = engine()
    apply(target, event(starts_at=START), now=START)
    apply(target, event(status="resolved", starts_at=START, sent_at=START + 9), now=START + 9)
    assert published(target) == []


def test_what_was_published_is_read_by_others_and_left_by_us():
    target = engine()
    post(target, START, host="x")
    (record,) = target.state.unpublished.values()
    payload = encode_event(record.event)
    assert decode(payload, AlertEvent) == "posted"
    read = AlertEvent.model_validate_json(payload)
    assert read == record.event
    assert (read.source, read.alert_id) == ("posted", record.event.alert_id)
    assert orjson.loads(encode_event(event()))["source"] == ""
    assert decode(encode_event(event()), AlertEvent) == event()


def test_a_forgotten_alert_leaves_nothing_behind():
    target = engine()
    post(target, START)
    target.sweep(START + 301, heard_since=None)
    target.flush_due(START + 400)
    target.sweep(START + 301 + 4000, heard_since=None)
    assert target.state.alerts == {}
    assert target.state._published_at == {}
