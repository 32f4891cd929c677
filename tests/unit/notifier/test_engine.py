from services.common.events import ActionEvent
from services.notifier.attempt import Result
from services.notifier.engine import IntegrationInfo, Limits
from services.notifier.matchers import parse_matchers
from services.notifier.outbox import claim
from services.notifier.routing import RouteSpec, build_tree
from tests.unit.notifier.builders import START, apply, engine, event, told

SPEC = RouteSpec(receiver="r", group_by=("alertname",), wait=10, interval=60, repeat=3600)


def action(kind: str = "acknowledge", *, at: float = START, alert_id: str = "", **more) -> ActionEvent:
    return ActionEvent(action_id=f"{kind}-{at}", kind=kind, at=at, by="anna", alert_id=alert_id, **more)


def test_alerts_of_a_group_come_in_one_message():
    target = engine()
    assert apply(target, event(host="1"), event(host="2"), event("B"), now=START) == 3
    target.flush_due(START + 9)
    assert told(target) == []
    target.flush_due(START + 10)
    assert told(target) == [("new", "firing", ("A:firing", "A:firing")), ("new", "firing", ("B:firing",))]


def test_each_recipient_gets_an_entry_of_their_own():
    target = engine(recipients=("a@x", "b@x"))
    apply(target, event(), now=START)
    target.flush_due(START + 10)
    entries = list(target.state.queue.entries.values())
    assert [entry.recipient for entry in entries] == ["a@x", "b@x"]
    assert len({entry.delivery_id for entry in entries}) == 2
    assert all(entry.thread == entry.delivery_id for entry in entries)


def test_a_waiting_message_is_superseded_by_its_end():
    target = engine()
    apply(target, event(), now=START)
    target.flush_due(START + 10)
    apply(target, event(status="resolved", sent_at=START + 20), now=START + 20)
    target.flush_due(START + 70)
    assert told(target) == [("resolved", "resolved", ("A:resolved",))]
    (gone,) = target.state.attempts.values()
    assert (gone.result, gone.reason, gone.attempt) == (Result.EXPIRED, "superseded", 1)


def test_a_message_under_way_is_not_superseded():
    target = engine()
    apply(target, event(), now=START)
    target.flush_due(START + 10)
    (entry,) = target.state.queue.entries.values()
    target.state.put_entry(claim(entry))
    apply(target, event(status="resolved", sent_at=START + 20), now=START + 20)
    target.flush_due(START + 70)
    assert [line[0] for line in told(target)] == ["new", "resolved"]


def test_a_message_that_says_more_than_the_newer_one_stays():
    target = engine(RouteSpec(receiver="r", wait=0, interval=60))
    apply(target, event("A"), event("B"), now=START)
    target.flush_due(START)
    apply(target, event("A", "resolved", sent_at=START + 1), now=START + 1)
    target.flush_due(START + 60)  # A is over; this supersedes the first
    apply(target, event("B", "resolved", sent_at=START + 61), now=START + 61)
    target.flush_due(START + 120)
    assert told(target) == [
        ("changed", "firing", ("B:firing", "A:resolved")),
        ("resolved", "resolved", ("B:resolved",)),
    ]


def test_an_integration_without_resolved_hears_of_firing_only():
    target = engine(RouteSpec(receiver="r", wait=0, interval=60), send_resolved=False)
    apply(target, event("A"), now=START)
    target.flush_due(START)
    apply(target, event("A", "resolved", sent_at=START + 1), event("B"), now=START + 1)
    target.flush_due(START + 60)
    assert told(target)[-1] == ("changed", "firing", ("B:firing",))
    apply(target, event("B", "resolved", sent_at=START + 61), now=START + 61)
    target.flush_due(START + 120)
    assert len(told(target)) == 2


def test_the_same_message_has_the_same_id_in_another_life():
    ids = []
    for _ in range(2):
        target = engine()
        apply(target, event(), now=START)
        target.flush_due(START + 10)
        ids += target.state.queue.entries
    assert ids[0] == ids[1]


def test_an_acknowledgement_may_come_before_its_alert():
    target = engine()
    alert = event()
    assert target.act(action(alert_id=alert.alert_id), START) == ""
    apply(target, alert, now=START)
    target.flush_due(START + 10)
    assert len(told(target)) == 1
    target.flush_due(START + 5000)
    assert len(told(target)) == 1
    target.act(action("unacknowledge", at=START + 5001, alert_id=alert.alert_id), START + 5001)
    target.act(action("acknowledge", at=START + 1, alert_id=alert.alert_id), START + 5002)  # late: changes nothing
    target.flush_due(START + 9000)
    assert told(target)[-1][0] == "repeat"


def test_a_test_notification():
    target = engine(recipients=("a@x", "b@x"))
    assert target.act(action("test", receiver="r"), START) == ""
    assert told(target) == [("test", "test", ("TocsinTest:firing",))] * 2
    assert target.act(action("test", receiver="x"), START) == "unknown_receiver"
    target.receivers["empty"] = ()
    assert target.act(action("test", receiver="empty"), START) == "receiver_without_channels"


def test_silence_ends_a_foreign_alert_and_age_forgets_it():
    target = engine(limits=Limits(retention=100))
    from services.notifier.engine import Report

    target.apply([Report(event(), "foreign")], START)
    target.flush_due(START + 10)
    assert target.sweep(START + 200, heard_since=None) == []
    (ended,) = target.sweep(START + 240, heard_since=None)
    assert ended.event.ends_at == START + 240
    target.flush_due(START + 300)
    assert told(target)[-1] == ("resolved", "resolved", ("A:resolved",))
    target.act(action(alert_id=ended.event.alert_id), START)
    target.sweep(START + 341, heard_since=None)
    assert (target.state.alerts, target.state.acks, target.state.groups) == ({}, {}, {})


def test_old_acknowledgements_of_unknown_alerts_go():
    target = engine()
    target.act(action(alert_id="x-1"), START)
    target.sweep(START + 86_399, heard_since=None)
    assert target.state.acks
    target.sweep(START + 86_400, heard_since=None)
    assert not target.state.acks


def test_who_was_told_by_an_old_configuration_is_told_the_end():
    spec = RouteSpec(receiver="r", routes=(RouteSpec(receiver="old", matchers=parse_matchers("a=1")),), wait=0)
    target = engine(spec)
    apply(target, event(a="1"), now=START)
    target.flush_due(START)
    new = RouteSpec(receiver="r", routes=(RouteSpec(receiver="new", matchers=parse_matchers("a=1")),), wait=0)
    info = IntegrationInfo("webhook/0", "webhook", True, ("hook",))
    target.reconfigure(build_tree(new), dict.fromkeys(("r", "old", "new"), (info,)), START + 5)
    target.flush_due(START + 5)
    assert [entry.receiver for entry in target.state.queue.entries.values()] == ["old", "new"]
    for key in list(target.state.queue.entries):
        target.state.drop_entry(key)
    apply(target, event(status="resolved", sent_at=START + 6, a="1"), now=START + 6)
    target.flush_due(START + 400)
    entries = target.state.queue.entries.values()
    assert sorted((entry.receiver, entry.status) for entry in entries) == [("new", "resolved"), ("old", "resolved")]
    assert not target.state.groups


def test_a_group_comes_back_with_its_route():
    target = engine()
    apply(target, event(), now=START)
    target.flush_due(START + 10)
    receivers, tree = target.receivers, target.tree
    target.reconfigure(build_tree(RouteSpec(receiver="r", group_by=("x",))), receivers, START + 11)
    target.reconfigure(tree, receivers, START + 12)
    target.flush_due(START + 4000)
    assert [line[0] for line in told(target)].count("repeat") == 1


def test_who_was_told_by_a_receiver_that_is_gone_is_told_the_end():
    target = engine()
    apply(target, event(), now=START)
    target.flush_due(START + 10)
    for key in list(target.state.queue.entries):
        target.state.drop_entry(key)
    target.reconfigure(build_tree(RouteSpec(receiver="other")), {"other": ()}, START + 11)
    apply(target, event(status="resolved", sent_at=START + 20), now=START + 20)
    target.flush_due(START + 100)
    (entry,) = target.state.queue.entries.values()
    assert (entry.receiver, entry.integration, entry.channel, entry.recipient, entry.status) == (
        "r", "webhook/0", "webhook", "hook", "resolved")  # fmt: skip
    assert not target.state.groups


def test_a_receiver_that_is_gone_and_told_nobody_leaves_nothing():
    target = engine()
    apply(target, event(), now=START)
    target.reconfigure(build_tree(RouteSpec(receiver="other")), {"other": ()}, START + 5)
    assert [group.receiver for group in target.state.groups.values()] == ["other"]


def test_a_receiver_that_wanted_no_ends_gets_none_after_it_is_gone():
    target = engine(send_resolved=False)
    apply(target, event(), now=START)
    target.flush_due(START + 10)
    target.reconfigure(build_tree(RouteSpec(receiver="other")), {"other": ()}, START + 11)
    apply(target, event(status="resolved", sent_at=START + 20), now=START + 20)
    target.flush_due(START + 100)
    assert [entry.status for entry in target.state.queue.entries.values()] == ["firing"]


def test_a_recipient_who_was_added_later_does_not_hear_of_ends():
    target = engine(RouteSpec(receiver="r", wait=0, interval=60), recipients=("old",))
    apply(target, event(), now=START)
    target.flush_due(START)
    info = IntegrationInfo("webhook/0", "webhook", True, ("added",))
    target.reconfigure(target.tree, {"r": (info,)}, START + 1)
    apply(target, event(status="resolved", sent_at=START + 2), now=START + 2)
    target.flush_due(START + 60)
    assert [entry.recipient for entry in target.state.queue.entries.values()] == ["old"]


def test_a_clock_that_is_set_back_takes_the_plans_along():
    target = engine()
    apply(target, event("A"), event("B"), now=START)
    target.flush_due(START + 10)
    apply(target, event("A", "resolved", sent_at=START + 20), now=START + 20)
    target.rewind(3600, START + 20 - 3600)
    target.flush_due(START + 70 - 3600)
    assert told(target)[-1] == ("resolved", "resolved", ("A:resolved",))
    (group,) = target.state.groups.values()
    assert [member.told_at for member in group.core.members.values()] == [START + 20 - 3600]
    assert all(entry.next_at <= START + 70 - 3600 for entry in target.state.queue.entries.values())
