"""The recorder on a real stream and a real database."""

import asyncpg
import orjson
import pytest

from services.api.alerts.record import AlertRecord
from services.api.metrics import ApiMetrics
from services.api.recorder import CLAIM_IDLE_MS, GROUP, MAX_DELIVERIES, Recorder
from services.common.bus import BusUnavailableError
from services.common.events import ACTIONS_STREAM, ALERTS_STREAM
from services.common.storage import Database, StorageUnavailableError
from services.common.telemetry import Telemetry
from services.common.testing.bus import MemoryBus
from services.common.testing.clock import ManualClock
from tests.unit.api import scenario

pytestmark = pytest.mark.integration
DEAD = f"{ALERTS_STREAM}:dead:history"


class Bench:
    def __init__(self, dsn):
        self.clock = ManualClock(scenario.NOW)
        self.bus = MemoryBus(self.clock)
        self.database = Database(dsn, name="test", timeout=2)
        self.record = AlertRecord(self.database)
        self.telemetry = Telemetry("api")
        self.recorder = self.another("one")

    def another(self, name):
        return Recorder(self.bus, self.record, ApiMetrics(Telemetry("api").registry), consumer=name)

    async def publish(self, *events, stream=ALERTS_STREAM):
        payloads = [event if isinstance(event, bytes) else event.encode() for event in events]
        await self.bus.publish(stream, payloads, keep_seconds=86_400)

    async def dead(self, stream=DEAD):
        entries = await self.bus.read_after(stream, "0-0", count=100, block_ms=0)
        return [orjson.loads(entry.payload) for entry in entries]

    async def rows(self, query="SELECT alert_id FROM alert_history ORDER BY 1"):
        return [tuple(row) for row in await self.database.fetch(query)]

    async def lag(self, stream=ALERTS_STREAM):
        return await self.bus.lag(stream, GROUP)


@pytest.fixture
async def bench(migrated_dsn, monkeypatch):
    monkeypatch.setattr("services.api.recorder.BLOCK_MS", 0)
    bench = Bench(migrated_dsn)
    yield bench
    await bench.database.close()


@pytest.mark.parametrize(
    ("payload", "reason", "detail"),
    [
        (b"{half", "not_json", "Invalid JSON"),
        (b"\xff\xfe", "not_json", ""),
        (b'{"schema_version": 1}', "not_an_event", "Field required"),
        (scenario.event(fingerprint="0" * 16, labels={"zero": "a\x00b"}), "refused_by_database", "Untranslatable"),
        (scenario.event(starts_at=1e18), "refused_by_database", "timestamp out of range"),
    ],
)
async def test_a_poisoned_entry_is_set_aside_with_the_reason_and_holds_up_nobody(bench, payload, reason, detail):
    good = [scenario.event("Before"), scenario.event("After")]
    await bench.publish(good[0], payload, good[1])
    await bench.recorder.round()
    assert await bench.rows() == sorted((event.alert_id,) for event in good)
    dead = await bench.dead()
    assert [(entry["reason"], detail in entry["detail"]) for entry in dead] == [(reason, True)]
    assert dead[0]["payload"]
    assert await bench.lag() == 0


async def test_nothing_is_acknowledged_before_it_is_committed(bench, monkeypatch):
    await bench.publish(scenario.event())

    async def away(*_):
        raise StorageUnavailableError("Postgres is away")

    with monkeypatch.context() as patch:
        patch.setattr(bench.database, "execute", away)
        for _ in range(3):
            with pytest.raises(StorageUnavailableError):
                await bench.recorder.round()
        assert await bench.lag() == 1
    await bench.recorder.round()
    assert await bench.lag() == 0
    assert len(await bench.rows()) == 1


async def test_an_error_that_may_pass_is_never_the_entrys_fault(bench):
    await bench.publish(scenario.event())
    await bench.database.execute("ALTER TABLE alert_history RENAME TO hidden")
    with pytest.raises(asyncpg.UndefinedTableError):
        await bench.recorder.round()
    assert (await bench.dead(), await bench.lag()) == ([], 1)
    await bench.database.execute("ALTER TABLE hidden RENAME TO alert_history")
    await bench.recorder.round()
    assert await bench.lag() == 0


async def test_another_copy_takes_over_what_a_dead_one_had_read(bench):
    await bench.publish(scenario.event())
    await bench.bus.read_group(ALERTS_STREAM, GROUP, "dead", count=10, block_ms=0, claim_idle_ms=CLAIM_IDLE_MS)
    await bench.recorder.round()
    assert await bench.rows() == []
    await bench.clock.advance(CLAIM_IDLE_MS / 1000)
    await bench.recorder.round()
    assert len(await bench.rows()) == 1


async def test_a_stored_batch_whose_acknowledgement_was_lost_is_stored_again_without_harm(bench, monkeypatch):
    await bench.publish(scenario.event())

    async def lost(*_):
        raise BusUnavailableError("Redis is away")

    with monkeypatch.context() as patch:
        patch.setattr(bench.bus, "ack", lost)
        with pytest.raises(BusUnavailableError):
            await bench.recorder.round()
    assert len(await bench.rows()) == 1
    await bench.recorder.round()
    assert (len(await bench.rows()), await bench.lag()) == (1, 0)


async def test_more_than_a_batch_is_caught_up_in_one_round(bench, monkeypatch):
    monkeypatch.setattr("services.api.recorder.BATCH", 10)
    await bench.publish(*(scenario.event(f"A{n}") for n in range(35)))
    await bench.recorder.round()
    assert (len(await bench.rows()), await bench.lag()) == (35, 0)
    await bench.recorder.measure()
    assert bench.recorder._metrics.lag.labels(ALERTS_STREAM)._value.get() == 0


async def test_an_action_waits_for_its_alert(bench):
    event = scenario.event()
    await bench.publish(scenario.acknowledgement(event.alert_id), stream=ACTIONS_STREAM)
    await bench.recorder.round()
    assert await bench.lag(ACTIONS_STREAM) == 1
    await bench.publish(event)
    await bench.clock.advance(CLAIM_IDLE_MS / 1000)
    await bench.recorder.round()
    assert await bench.rows("SELECT acknowledged_by FROM alert_history") == [("sam",)]
    assert await bench.lag(ACTIONS_STREAM) == 0


async def test_an_action_on_an_alert_that_never_comes_is_set_aside_at_last(bench):
    await bench.publish(scenario.acknowledgement("0" * 16 + "-1"), stream=ACTIONS_STREAM)
    for delivery in range(MAX_DELIVERIES):
        await bench.recorder.round()
        assert await bench.lag(ACTIONS_STREAM) == (0 if delivery == MAX_DELIVERIES - 1 else 1)
        await bench.clock.advance(CLAIM_IDLE_MS / 1000)
    assert [entry["reason"] for entry in await bench.dead(f"{ACTIONS_STREAM}:dead:history")] == ["unknown_alert"]


async def test_other_actions_and_bad_ids(bench):
    event = scenario.event()
    test = scenario.acknowledgement("", kind="test", receiver="team")
    bad = scenario.acknowledgement(event.alert_id, action_id="no-uuid")
    await bench.publish(event)
    await bench.publish(test, bad, stream=ACTIONS_STREAM)
    await bench.recorder.round()
    assert await bench.rows("SELECT 1 FROM alert_actions") == []
    assert await bench.lag(ACTIONS_STREAM) == 0
    assert [entry["reason"] for entry in await bench.dead(f"{ACTIONS_STREAM}:dead:history")] == ["refused_by_database"]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
async def test_the_earliest_acknowledgement_since_the_last_taking_back_counts(bench, order):
    event = scenario.event()
    given = [("acknowledge", 10, "early"), ("unacknowledge", 20, "boss"), ("acknowledge", 30, "first"),
             ("acknowledge", 40, "second")]  # fmt: skip
    actions = [
        scenario.acknowledgement(
            event.alert_id, at=scenario.NOW + at, by=by, kind=kind, action_id=f"00000000-0000-4000-8000-{at:012}"
        )
        for kind, at, by in given
    ]
    await bench.record.store_events([event])
    for index in order:
        assert await bench.record.store_actions([actions[index], actions[index]]) == []
    assert await bench.rows("SELECT acknowledged_by FROM alert_history") == [("first",)]
    alert = await bench.record.one(event.alert_id)
    assert (alert.acknowledged.by, alert.acknowledged.at) == ("first", pytest.approx(scenario.NOW + 30))
    assert [action.by for action in await bench.record.actions(event.alert_id)] == ["early", "boss", "first", "second"]
