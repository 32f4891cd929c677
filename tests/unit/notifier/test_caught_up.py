import pytest

from services.common.testing.bus import MemoryBus
from services.common.testing.clock import ManualClock
from services.notifier import consumer
from services.notifier.consumer import ActionConsumer, AlertConsumer


class Pipeline:
    def __init__(self):
        self.times = 0

    def caught_up(self):
        self.times += 1


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(consumer, "_BLOCK_MS", 0)


async def test_only_the_end_of_the_alerts_says_that_the_backlog_is_read():
    pipeline, bus = Pipeline(), MemoryBus(ManualClock())
    await ActionConsumer(bus, pipeline).round()
    assert pipeline.times == 0, "no actions says nothing about alerts"
    await AlertConsumer(bus, pipeline, heard=lambda: None).round()
    assert pipeline.times == 1


async def test_entries_of_an_earlier_life_are_not_the_end(monkeypatch):
    pipeline, bus = Pipeline(), MemoryBus(ManualClock())
    await bus.publish("tocsin:alerts", [b"first", b"second"], keep_seconds=60)
    await bus.read_group("tocsin:alerts", "notifier", "notifier", count=1, block_ms=0, claim_idle_ms=0)
    alerts = AlertConsumer(bus, pipeline, heard=lambda: None)
    taken = []

    async def take(entries):
        taken.extend(entries)
        await bus.ack("tocsin:alerts", "notifier", [entry.entry_id for entry in entries])

    monkeypatch.setattr(alerts, "_take", take)
    await alerts.round()
    assert pipeline.times == 0, "new entries stand behind the claimed one"
    await alerts.round()
    assert pipeline.times == 1
    assert [entry.payload for entry in taken] == [b"first", b"second"]
