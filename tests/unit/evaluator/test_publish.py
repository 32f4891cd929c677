"""The publisher on a driven clock, with a store and notifiers that the test switches off."""

import asyncio

import pytest

from services.common.bus import BusUnavailableError
from services.common.events import AlertEvent, AlertStatus, RuleRef
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.publish import MAX_KEPT, Publisher
from services.evaluator.rules.limits import History
from services.evaluator.rules.runner import Batch
from services.evaluator.rules.state import RuleState
from services.evaluator.telemetry import PublishTelemetry

STATE = RuleState(history={"f": History((1.0,))})


class Store:
    def __init__(self):
        self.available, self.stored, self.states, self.events = True, {}, {}, []
        self.before_write = None

    async def load(self):
        if not self.available:
            raise BusUnavailableError("away")
        return self.stored

    async def write(self, states, events):
        await asyncio.sleep(0)
        if self.before_write:
            self.before_write()
        if not self.available:
            raise BusUnavailableError("away")
        self.states.update(states)
        self.events += events


class Notifiers:
    def __init__(self, urls=("http://n",)):
        self.urls, self.failing, self.posted = list(urls), {}, []

    async def post(self, events):
        if len(self.failing) < len(self.urls):
            self.posted += events
        return self.failing


class Rig:
    def __init__(self, *, store=True, urls=("http://n",)):
        self.clock = ManualClock()
        self.store, self.notifiers = Store() if store else None, Notifiers(urls)
        self.snapshot, self.restored = {}, []
        self.telemetry = Telemetry("evaluator")
        self.publisher = Publisher(
            self.store, self.notifiers, clock=self.clock, telemetry=PublishTelemetry(self.telemetry),
            snapshot=lambda: self.snapshot, restore=self.restore,
        )  # fmt: skip

    def restore(self, stored):
        self.restored.append(stored)
        return [Batch("gone", {"r": None}, ())] if stored else []

    def metric(self, name, **labels):
        return self.telemetry.registry.get_sample_value(name, labels) or 0


def event(status="firing", fp="0" * 16, start=1.0, sent=1.0):
    return AlertEvent(
        fingerprint=fp, status=AlertStatus(status), labels={}, active_at=start, starts_at=start, sent_at=sent,
        rule=RuleRef(name="r"),
    )  # fmt: skip


async def test_states_and_events_go_together():
    rig = Rig()
    rig.publisher.submit(Batch("g", {"r": STATE}, (event(),)))
    await rig.publisher.flush()
    assert rig.store.states == {("g", "r"): STATE}
    assert rig.store.events == [event()]
    assert rig.notifiers.posted == []
    await rig.publisher.flush()
    assert len(rig.store.events) == 1


async def test_stored_state_is_read_before_anything_is_written():
    rig = Rig()
    rig.store.stored = {"old": {"r": STATE}}
    rig.publisher.submit(Batch("g", {"r": RuleState()}, ()))
    rig.snapshot = {"g": {"r": STATE}}
    await rig.publisher.flush()
    assert rig.restored == [{"old": {"r": STATE}}]
    assert rig.store.states == {("g", "r"): STATE, ("gone", "r"): None}


async def test_away_the_events_are_posted_once_and_catch_up():
    rig = Rig()
    await rig.publisher.load()
    rig.store.available = False
    rig.publisher.submit(Batch("g", {"r": STATE}, (event(sent=1.0),)))
    await rig.publisher.flush()
    await rig.publisher.flush()
    assert [one.sent_at for one in rig.notifiers.posted] == [1.0]
    rig.publisher.submit(Batch("g", {}, (event(sent=2.0),)))
    await rig.publisher.flush()
    assert [one.sent_at for one in rig.notifiers.posted] == [1.0, 2.0]
    assert rig.publisher.away
    rig.store.available = True
    rig.snapshot = {"h": {"r": STATE}}
    await rig.publisher.flush()
    assert rig.store.events == [], "it is not asked again within a second"
    rig.clock._mono += 1.0
    await rig.publisher.flush()
    assert [one.sent_at for one in rig.store.events] == [2.0], "the newest news of an episode is enough"
    assert rig.store.states == {("g", "r"): STATE, ("h", "r"): STATE}
    assert not rig.publisher.away
    assert rig.metric("tocsin_dependency_up", dependency="redis") == 1


async def test_what_comes_during_a_write_is_not_lost():
    rig = Rig()
    await rig.publisher.load()
    newer = event(sent=9.0)

    def during():
        rig.store.before_write = None
        rig.publisher.submit(Batch("g", {"r": None}, (newer,)))

    rig.store.before_write = during
    rig.publisher.submit(Batch("g", {"r": STATE}, (event(),)))
    await rig.publisher.flush()
    await rig.publisher.flush()
    assert rig.store.events == [event(), newer]
    assert rig.store.states == {("g", "r"): None}


async def test_without_redis_at_all_posting_is_the_way():
    rig = Rig(store=False)
    assert await rig.publisher.load()
    rig.publisher.submit(Batch("g", {"r": STATE}, (event(),)))
    await rig.publisher.flush()
    await rig.publisher.flush()
    assert rig.notifiers.posted == [event()]


@pytest.mark.parametrize(
    ("failing", "posted", "kept"), [({"a": "timeout"}, 1, 0), ({"a": "timeout", "b": "status_5xx"}, 0, 1)]
)
async def test_one_notifier_that_takes_it_is_enough(failing, posted, kept):
    rig = Rig(store=False, urls=("a", "b"))
    rig.notifiers.failing = failing
    rig.publisher.submit(Batch("g", {}, (event(),)))
    await rig.publisher.flush()
    assert len(rig.notifiers.posted) == posted
    assert rig.metric("tocsin_alert_publish_failures_total", way="post", reason="timeout") == 1
    assert rig.metric("tocsin_alert_events_queued") == kept


async def test_a_redis_that_lost_its_data_gets_the_state_again():
    rig = Rig()
    await rig.publisher.load()
    rig.snapshot = {"g": {"r": STATE}}
    await rig.publisher.flush()
    assert rig.store.states == {}
    rig.clock._mono += 60.0
    await rig.publisher.flush()
    assert rig.store.states == {("g", "r"): STATE}


async def test_what_is_kept_is_bounded():
    rig = Rig()
    events = tuple(event(start=float(number)) for number in range(MAX_KEPT + 3))
    rig.publisher.submit(Batch("g", {}, events))
    assert rig.metric("tocsin_alert_events_queued") == MAX_KEPT
    assert rig.metric("tocsin_alert_publish_failures_total", way="stream", reason="queue_full") == 3


async def test_the_loop_sends_what_is_handed_over_and_tries_again():
    rig = Rig()
    task = asyncio.create_task(rig.publisher.run())
    rig.store.available = False
    rig.publisher.submit(Batch("g", {}, (event(),)))
    await rig.clock.wait_for_sleepers()
    await rig.clock.advance(0.1)
    assert rig.notifiers.posted == [event()]
    rig.store.available = True
    await rig.clock.advance(2.0)
    await rig.clock.advance(2.0)
    assert rig.store.events == [event()]
    task.cancel()
