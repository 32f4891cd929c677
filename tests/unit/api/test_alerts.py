"""The view, acknowledgements, timelines and expiry: pure."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.alerts.build import alert_from_event, first_acknowledgement
from services.api.alerts.expiry import GRACE, HEALTHY_FOR, expired
from services.api.alerts.timeline import build_timeline
from services.api.alerts.view import ACTIONS_KEPT, RESOLVED_KEPT, AlertView
from services.common.events import AlertStatus
from tests.unit.api import scenario
from tests.unit.api.scenario import NOW, acknowledgement, celery_down, event, resolved


def _ack(at, by, kind="acknowledge"):
    return acknowledgement(celery_down().alert_id, at=at, by=by, kind=kind, action_id=f"{at}{by}", comment="")


def test_a_resend_changes_nothing_that_is_seen():
    view = AlertView()
    assert view.apply_event(celery_down())
    version = view.version
    assert not view.apply_event(celery_down())
    assert not view.apply_event(celery_down(sent_at=NOW + 60))
    assert view.version == version
    assert view.apply_event(celery_down(sent_at=NOW + 120, value=1.0))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_any_order_of_events_and_actions_gives_the_same_alert(order):
    late = resolved(celery_down(), after=10)
    steps = [
        lambda view: view.apply_event(celery_down()),
        lambda view: view.apply_event(celery_down(sent_at=NOW + 5, value=2.0)),
        lambda view: view.apply_event(late),
        lambda view: view.apply_action(_ack(NOW + 1, "sam")),
    ]
    view = AlertView()
    for index in (*order, *order):
        steps[index](view)
    alert = view.get(late.alert_id)
    assert (alert.status, alert.ends_at, alert.acknowledged.by) == ("resolved", NOW + 10, "sam")
    assert view.firing() == []


def test_at_the_same_moment_resolved_wins():
    firing = celery_down()
    for first, second in ((firing, resolved(firing, after=0)), (resolved(firing, after=0), firing)):
        view = AlertView()
        view.apply_event(first)
        view.apply_event(second)
        assert view.get(firing.alert_id).status == "resolved"


def test_firing_is_worst_first_then_oldest():
    view = AlertView()
    for name, severity, age in (("a", "warning", 5), ("b", "critical", 1), ("c", "warning", 9), ("d", "", 99),
                                ("e", "info", 50), ("f", "critical", 3)):  # fmt: skip
        view.apply_event(event(name, labels={"severity": severity}, starts_at=NOW - age))
    assert [alert.name for alert in view.firing()] == ["f", "b", "c", "a", "e", "d"]
    assert view.firing() is view.firing()


@given(st.permutations([(10, "a", "acknowledge"), (20, "b", "acknowledge"), (15, "x", "unacknowledge"),
                        (30, "c", "acknowledge"), (20, "d", "acknowledge")]))  # fmt: skip
def test_the_first_acknowledgement_since_the_last_taking_back(actions):
    found = first_acknowledgement([_ack(at, by, kind) for at, by, kind in actions])
    assert (found.by, found.at) == ("b", 20)


def test_taken_back_is_taken_back():
    assert first_acknowledgement([_ack(1, "a"), _ack(2, "b", "unacknowledge")]) is None
    assert first_acknowledgement([]) is None


def test_other_actions_are_none_of_an_alert():
    view = AlertView()
    view.apply_event(celery_down())
    assert not view.apply_action(acknowledgement(celery_down().alert_id, kind="test"))
    assert not view.apply_action(acknowledgement(""))
    assert not view.apply_action(_ack(NOW, "x").model_copy(update={"alert_id": "0-0"}))


def test_what_the_record_knows_and_what_the_stream_tells_come_together():
    view = AlertView()
    given_ = acknowledgement(celery_down().alert_id)
    from_record = alert_from_event(celery_down()).model_copy(
        update={"acknowledged": first_acknowledgement([given_]), "notifications": 9}
    )
    assert view.apply_recorded(from_record, NOW)
    assert view.get(from_record.id).acknowledged.by == "sam"
    assert view.get(from_record.id).notifications == 0
    # Postgres keeps microseconds: the same moment read again is no change.
    version = view.version
    rounded = from_record.model_copy(update={"starts_at": from_record.starts_at + 1e-7})
    assert not view.apply_recorded(rounded, NOW + 1e-7)
    assert not view.apply_action(given_)
    assert view.version == version
    assert len(view.actions_of(from_record.id)) == 2
    view.apply_action(_ack(NOW, "boss", "unacknowledge"))
    assert view.get(from_record.id).acknowledged is None
    # An older row does not bring an older state back.
    view.apply_event(celery_down(sent_at=NOW + 5, value=7.0))
    view.apply_recorded(from_record, NOW)
    assert view.get(from_record.id).value == 7.0


def test_notifications_are_counted_for_those_asked():
    view = scenario.told_view()
    ids = view.ids()
    assert not view.set_notifications({celery_down().alert_id: 2, scenario.api_slow().alert_id: 1}, ids)
    assert view.set_notifications({celery_down().alert_id: 3}, [celery_down().alert_id])
    assert view.get(celery_down().alert_id).notifications == 3
    assert view.get(scenario.api_slow().alert_id).notifications == 1


def test_memory_is_pruned_of_what_is_over():
    view = AlertView()
    firing, over = celery_down(), scenario.redis_resolved()
    for known in (firing, over):
        view.apply_event(known)
    view.apply_action(_ack(NOW, "sam"))
    view.apply_action(_ack(NOW, "sam").model_copy(update={"alert_id": "0-0"}))
    view.prune(NOW + RESOLVED_KEPT - 901)
    assert view.get(over.alert_id)
    view.prune(NOW + RESOLVED_KEPT)
    assert view.get(over.alert_id) is None
    view.prune(NOW + ACTIONS_KEPT + 1)
    assert view.get(firing.alert_id).acknowledged.by == "sam"
    assert view.actions_of("0-0") == []


@pytest.mark.parametrize(
    ("now", "healthy_since", "ends"),
    [
        (NOW + 1000, None, False),
        (NOW + 1000, NOW + 1000 - HEALTHY_FOR + 1, False),
        (NOW + 1000, NOW + 1000 - HEALTHY_FOR, True),
        (NOW + 300 + GRACE, NOW - 1000, False),
        (NOW + 301 + GRACE, NOW - 1000, True),
    ],
)
def test_an_alert_that_nobody_confirms_ends_only_when_all_is_well(now, healthy_since, ends):
    view = AlertView()
    view.apply_event(celery_down())
    view.apply_event(event("Other", sent_at=NOW + 900))
    found = expired(view, now, healthy_since)
    assert [end.rule.name for end in found] == (["CeleryDown"] if ends else [])
    if ends:
        assert (found[0].status, found[0].ends_at) == (AlertStatus.RESOLVED, NOW + 300)
        view.apply_event(found[0])
        assert [alert.name for alert in view.firing()] == ["Other"]
        # It was there after all: the next event of the same episode opens it again.
        view.apply_event(celery_down(sent_at=NOW + 60))
        assert len(view.firing()) == 2


def test_a_story_is_told_in_order():
    alert = alert_from_event(resolved(celery_down(), after=100))
    sent = [{"at": alert.starts_at, "receiver": "team", "channel": "sms", "recipient": "+1", "attempt": 1,
             "result": "odd", "reason": "", "cause": "new"}]  # fmt: skip
    actions = [_ack(NOW + 1, "sam"), _ack(NOW + 2, "sam", "unacknowledge"), acknowledgement("x", kind="test")]
    entries = build_timeline(alert, actions, sent)
    assert [entry.kind for entry in entries] == [
        "active", "firing", "notification", "acknowledged", "unacknowledged", "resolved",
    ]  # fmt: skip
    assert entries[2].text == "odd (new)"


def test_an_alert_without_annotations_has_empty_texts():
    alert = alert_from_event(event(annotations={}))
    assert (alert.summary, alert.action_link, alert.name) == ("", "", "ApiSlow")
