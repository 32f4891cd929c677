"""A receiver that takes nothing raises an alert about itself, which goes to another."""

from types import SimpleNamespace

from services.common.testing.clock import ManualClock
from services.notifier.alerts import OWN_GROUP
from services.notifier.engine import BROKEN_RECEIVER, Engine, IntegrationInfo, Limits, Report
from services.notifier.health import Health, broken_alert, mended
from services.notifier.receiver_watch import ReceiverWatch
from services.notifier.routing import RouteSpec, build_tree
from services.notifier.state import State
from tests.unit.notifier.builders import START

TARGET = ("r", "webhook/0")


def failed(health: Health, times: int, now: float = START) -> None:
    for _ in range(times):
        health.failed(TARGET, "timeout", now)


def test_broken_is_three_failures_over_the_time():
    health = Health(300)
    failed(health, 2)
    assert health.broken(START + 999) == {}
    failed(health, 1, START + 10)
    assert health.broken(START + 299) == {}
    assert health.broken(START + 300)[TARGET].since == START
    health.delivered(TARGET)
    assert health.broken(START + 999) == {}
    assert health.worked == {TARGET}
    failed(health, 1, START + 1000)
    assert health.worked == set()


def test_a_refused_login_is_broken_when_it_was_refused_twice():
    health = Health(300)
    health.failed(TARGET, "authentication_failed", START, certain=True)
    assert health.broken(START) == {}
    health.failed(TARGET, "authentication_failed", START + 1, certain=True)
    assert health.broken(START + 1)[TARGET].reason == "authentication_failed"
    health.failed(TARGET, "timeout", START + 2)
    assert health.broken(START + 2) == {}


def engine(*names: str, spec: RouteSpec | None = None) -> Engine:
    info = IntegrationInfo("webhook/0", "webhook", True, ("hook",))
    tree = build_tree(spec or RouteSpec(receiver=names[0], wait=0, interval=60))
    return Engine(State(), tree, dict.fromkeys(names, (info,)), Limits())


def alert(now: float = START):
    health = Health(10)
    failed(health, 3, now - 20)
    return broken_alert(TARGET, health.failing[TARGET], now, now)


def receivers(target: Engine) -> list[str]:
    return [entry.receiver for entry in target.state.queue.entries.values()]


def test_it_goes_to_another_receiver():
    target = engine("r", "other")
    target.apply([Report(alert())], START)
    target.flush_due(START)
    assert receivers(target) == ["other"]
    (entry,) = target.state.queue.entries.values()
    target.state.drop_entry(entry.delivery_id)
    target.apply([Report(mended(alert(), START + 100))], START + 100)
    target.flush_due(START + 200)
    assert [(one.receiver, one.status) for one in target.state.queue.entries.values()] == [("other", "resolved")]
    assert not target.state.groups


def test_routes_that_lead_elsewhere_are_taken():
    spec = RouteSpec(receiver="r", wait=0, routes=(RouteSpec(receiver="ops"),))
    target = engine("r", "ops", spec=spec)
    target.apply([Report(alert())], START)
    target.flush_due(START)
    assert receivers(target) == ["ops"]


def test_with_no_other_receiver_nobody_can_be_told():
    target = engine("r")
    target.apply([Report(alert())], START)
    target.flush_due(START)
    assert receivers(target) == []


def test_its_group_lives_through_a_reload():
    target = engine("r", "other")
    target.apply([Report(alert())], START)
    target.flush_due(START)
    target.reconfigure(target.tree, target.receivers, START + 1)
    (group,) = target.state.groups.values()
    assert (group.receiver, group.core.retired) == ("other", False)


def watch(target: Engine, health: Health, clock: ManualClock, *integrations) -> ReceiverWatch:
    generation = SimpleNamespace(integrations=dict.fromkeys(integrations or (TARGET,)))
    pipeline = SimpleNamespace(state=target.state, engine=target, clock=clock, generation=generation)
    return ReceiverWatch(pipeline, health)


def test_the_watch_says_it_once_a_minute_and_when_it_is_over():
    target, health, clock = engine("r", "other"), Health(300), ManualClock(START)
    judge = watch(target, health, clock)

    def said(now: float) -> list[str]:
        events = judge.events(now)
        target.apply([Report(event) for event in events], now)
        return [event.status.value for event in events]

    failed(health, 3)
    assert said(START + 299) == []
    assert said(START + 300) == ["firing"]
    assert said(START + 310) == []
    assert said(START + 360) == ["firing"]
    health.delivered(TARGET)
    assert said(START + 370) == ["resolved"]
    assert said(START + 380) == []
    failed(health, 3, START + 370)
    assert said(START + 670) == ["firing"]
    record = next(one for one in target.state.alerts.values() if one.firing)
    assert (record.event.rule.group, record.event.rule.name) == (OWN_GROUP, BROKEN_RECEIVER)
    assert record.event.starts_at > START + 300


def test_after_a_restart_it_is_over_only_when_something_arrived_or_the_receiver_is_gone():
    target, clock = engine("r", "other"), ManualClock(START)
    target.apply([Report(alert())], START)
    fresh = Health(300)
    assert watch(target, fresh, clock).events(START + 30) == []
    assert [one.status.value for one in watch(target, fresh, clock, ("x", "y")).events(START + 30)] == ["resolved"]
    fresh.delivered(TARGET)
    assert [one.status.value for one in watch(target, fresh, clock).events(START + 30)] == ["resolved"]
