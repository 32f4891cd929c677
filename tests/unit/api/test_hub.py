"""Batches, sequence and pings of the hub, with a driven clock."""

import asyncio
import json

import pytest

from services.api.auth.identity import Identity
from services.api.live.hub import (
    BATCH_SECONDS,
    LOOK_SECONDS,
    PING_SECONDS,
    QUEUE,
    SESSION_CHECK_SECONDS,
    LiveClient,
    LiveHub,
)
from services.api.live.missed import KEPT
from services.api.live.model import LiveQuery
from services.api.metrics import ApiMetrics
from services.common.lifecycle import keep_running
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from tests.unit.api import scenario
from tests.unit.api.scenario import NOW, api_slow, celery_down, event, resolved


class Bench:
    def __init__(self):
        self.clock, self.view = ManualClock(NOW), scenario.told_view()
        self.overview = scenario.told_overview(self.view)
        telemetry = Telemetry("api")
        self.hub = LiveHub(self.view, self.overview, self.clock, ApiMetrics(telemetry.registry))
        self.client = LiveClient(Identity("sam", "viewer", "session", b"k", NOW + 1000))
        self.hub.start(LiveQuery())[0]
        self.hub._clients.add(self.client)

    def sent(self):
        found = []
        while not self.client.queue.empty():
            found.append(json.loads(self.client.queue.get_nowait()))
        return found


@pytest.fixture
async def bench():
    return Bench()


async def test_after_a_quiet_time_a_change_is_sent_at_once_and_the_next_half_a_second_later(bench):
    task = asyncio.create_task(
        keep_running("live", bench.hub.batch_round, clock=bench.clock, telemetry=Telemetry("api"))
    )
    await bench.clock.advance(2)
    bench.view.apply_event(event("One", starts_at=NOW))
    await bench.clock.advance(LOOK_SECONDS)
    (message,) = bench.sent()
    assert [alert["name"] for alert in message["alerts"]["upsert"]] == ["One"]
    bench.view.apply_event(event("Two", starts_at=NOW))
    await bench.clock.advance(BATCH_SECONDS - LOOK_SECONDS)
    bench.view.apply_event(event("Three", starts_at=NOW))
    assert bench.sent() == []
    await bench.clock.advance(LOOK_SECONDS)
    (message,) = bench.sent()
    assert sorted(alert["name"] for alert in message["alerts"]["upsert"]) == ["Three", "Two"]
    task.cancel()


async def test_what_happens_within_a_batch_is_one_message(bench):
    task = asyncio.create_task(
        keep_running("live", bench.hub.batch_round, clock=bench.clock, telemetry=Telemetry("api"))
    )
    bench.view.apply_event(event("One", starts_at=NOW))
    bench.view.apply_event(event("Two", starts_at=NOW))
    await bench.clock.advance(BATCH_SECONDS - 0.01)
    assert bench.sent() == []
    await bench.clock.advance(0.01)
    (message,) = bench.sent()
    assert sorted(alert["name"] for alert in message["alerts"]["upsert"]) == ["One", "Two"]
    assert set(message) == {"seq", "type", "at", "health", "alerts"}
    await bench.clock.advance(60)
    # The evaluator has been silent for long: that is a change, once.
    (message,) = bench.sent()
    assert message["health"]["overall"] == "unknown"
    assert set(message) == {"seq", "type", "at", "health", "metrics"}
    task.cancel()


async def test_an_alert_that_came_and_went_within_a_batch_is_not_told(bench):
    short = event("Short", starts_at=NOW)
    bench.view.apply_event(short)
    bench.view.apply_event(resolved(short, after=0))
    bench.hub.send_changes()
    assert bench.sent() == []


async def test_new_values_of_the_same_size_are_no_change(bench):
    external = bench.overview.health(NOW).external
    bench.overview.take_values({name: value for name, (value, _) in scenario.RECORDED.items()}, NOW + 1, external)
    bench.hub.send_changes()
    assert bench.sent() == []
    bench.overview.take_values({name: value + 1 for name, (value, _) in scenario.RECORDED.items()}, NOW + 2)
    bench.hub.send_changes()
    (message,) = bench.sent()
    assert {"health", "metrics"} <= set(message)
    assert "alerts" not in message


async def test_a_snapshot_and_the_changes_after_it_give_the_state(bench):
    def apply(state, message):
        assert message["seq"] == state["seq"] + 1
        state["seq"] = message["seq"]
        for alert in message.get("alerts", {}).get("upsert", []):
            state["alerts"][alert["id"]] = alert
        for alert_id in message.get("alerts", {}).get("remove", []):
            del state["alerts"][alert_id]

    first = json.loads(bench.hub.start(LiveQuery())[0])
    state = {"seq": first["seq"], "alerts": {alert["id"]: alert for alert in first["alerts"]}}
    steps = [
        event("New", starts_at=NOW), resolved(api_slow(), after=1), celery_down(sent_at=NOW + 2, value=1.0),
        resolved(celery_down(), after=3), celery_down(starts_at=NOW + 4, sent_at=NOW + 4),
    ]  # fmt: skip
    for step in steps:
        # A client that connects in between gets what was sent, not what is about to be.
        before = json.loads(bench.hub.start(LiveQuery())[0])
        bench.view.apply_event(step)
        assert json.loads(bench.hub.start(LiveQuery())[0]) == before
        bench.hub.send_changes()
        for message in bench.sent():
            apply(state, message)
    last = json.loads(bench.hub.start(LiveQuery())[0])
    assert state == {"seq": last["seq"], "alerts": {alert["id"]: alert for alert in last["alerts"]}}
    assert [alert["name"] for alert in last["alerts"]] == ["CeleryDown", "New"]


async def test_without_clients_the_sequence_goes_on(bench):
    bench.hub._clients.clear()
    before = json.loads(bench.hub.start(LiveQuery())[0])["seq"]
    bench.view.apply_event(event("New"))
    bench.hub.send_changes()
    assert json.loads(bench.hub.start(LiveQuery())[0])["seq"] == before + 1


async def test_pings_come_every_fifteen_seconds(bench):
    import asyncio

    round_ = asyncio.create_task(bench.hub.ping_round())
    await bench.clock.advance(PING_SECONDS)
    await round_
    assert bench.sent() == [{"type": "ping"}]


async def test_sessions_are_checked_once_each(bench):
    import asyncio

    asked = []

    class Authenticator:
        async def still_valid(self, identity):
            asked.append(identity.username)
            return identity.username != "gone"

    gone = LiveClient(Identity("gone", "viewer", "session", b"g", NOW))
    twin = LiveClient(bench.client.identity)
    bench.hub._clients |= {gone, twin}
    round_ = asyncio.create_task(bench.hub.session_round(Authenticator()))
    await bench.clock.advance(SESSION_CHECK_SECONDS)
    await round_
    assert sorted(asked) == ["gone", "sam"]
    assert gone.ending.result() == (4401, "session ended")
    assert not twin.ending.done()


async def test_a_client_too_far_behind_is_ended_once(bench):
    for _ in range(QUEUE):
        bench.client.offer("x")
    assert not bench.client.ending.done()
    bench.client.offer("x")
    assert bench.client.ending.result() == (4408, "slow client")
    bench.client.end(4401, "session ended")
    assert bench.client.ending.result() == (4408, "slow client")


def back(bench, seq, epoch=None):
    """The first message to a client whose last one was `seq`."""
    bench.hub._epoch = "this"
    text, start = bench.hub.start(LiveQuery(since=seq, epoch="this" if epoch is None else epoch))
    return json.loads(text), start


async def test_who_comes_back_gets_what_changed_meanwhile_only(bench):
    seq = json.loads(bench.hub.start(LiveQuery())[0])["seq"]
    for step in (event("New", starts_at=NOW), resolved(api_slow(), after=1), event("Short", starts_at=NOW + 1)):
        bench.view.apply_event(step)
        bench.hub.send_changes()
    bench.view.apply_event(resolved(event("Short", starts_at=NOW + 1), after=1))
    bench.hub.send_changes()
    message, start = back(bench, seq)
    assert start == "resumed"
    assert (message["type"], message["since"], message["seq"]) == ("changes", seq, seq + 4)
    assert [alert["name"] for alert in message["alerts"]["upsert"]] == ["New"]
    gone = [api_slow().alert_id, event("Short", starts_at=NOW + 1).alert_id]
    assert sorted(message["alerts"]["remove"]) == sorted(gone)
    assert "metrics" not in message
    again, _ = back(bench, seq + 3)
    assert again["alerts"] == {"upsert": [], "remove": gone[1:]}
    assert (
        bench.hub.start(LiveQuery(since=seq, epoch="this"))[0] is bench.hub.start(LiveQuery(since=seq, epoch="this"))[0]
    )


async def test_who_missed_nothing_is_told_so(bench):
    seq = json.loads(bench.hub.start(LiveQuery())[0])["seq"]
    message, start = back(bench, seq)
    assert start == "resumed"
    assert message == {"seq": seq, "since": seq, "type": "changes", "at": NOW}


@pytest.mark.parametrize(("behind", "epoch"), [(0, "other"), (-1, "this"), (KEPT + 1, "this")])
async def test_another_process_count_and_one_too_old_or_to_come_get_a_snapshot(bench, behind, epoch):
    for step in range(KEPT + 1):
        bench.view.apply_event(event(f"A{step % 2}", starts_at=NOW + step))
        bench.hub.send_changes()
    seq = bench.hub._seq
    assert back(bench, seq - KEPT)[1] == "resumed"
    message, start = back(bench, seq - behind, epoch)
    assert (start, message["type"], message["seq"], message["epoch"]) == ("snapshot", "snapshot", seq, "this")
