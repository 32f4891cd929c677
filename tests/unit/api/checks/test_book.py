"""The series of checks, and what becomes of reports while Postgres is away."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.api.checks.book import STALE_AFTER, CheckBook
from services.api.checks.store import Report
from services.common.clock import SystemClock
from services.common.storage import StorageUnavailableError
from services.common.testing.clock import ManualClock

ROW = {
    "id": 1,
    "name": "backup",
    "description": "",
    "key_hash": b"k",
    "period_seconds": 3600.0,
    "schedule": None,
    "timezone": "UTC",
    "grace_seconds": 60.0,
    "created_by": "ana",
    "failed": False,
    "last_seconds": None,
    "created_at": 100.0,
    "last_ping_at": None,
    "last_success_at": None,
    "running_since": None,
}


class Shelf:
    """A store whose Postgres goes away at will."""

    def __init__(self, *rows):
        self.table, self.away, self.taken = list(rows), False, []

    async def rows(self, check_id=None):
        self._look()
        return self.table

    async def take(self, report):
        self._look()
        self.taken.append(report)
        return report.key_hash in {row["key_hash"] for row in self.table}

    def _look(self):
        if self.away:
            raise StorageUnavailableError


class Still(SystemClock):
    """A clock that stands, and waits for nobody."""

    def __init__(self):
        self.at = ManualClock().now()

    def now(self):
        return self.at

    async def sleep(self, seconds):
        pass


def series(book):
    registry = CollectorRegistry()
    registry.register(book)
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


async def test_series():
    clock = Still()
    good = ROW | {
        "name": "good",
        "last_success_at": clock.at - 3610,
        "last_ping_at": clock.at - 3610,
        "last_seconds": 2.5,
    }
    down = ROW | {"name": 'a "b"', "failed": True}
    book = CheckBook(Shelf(ROW, good, down), clock)
    await book.round()
    found = series(book)
    assert found["tocsin_check_reports_waiting"] == 0
    assert 'tocsin_check_up{check="backup"}' not in found
    assert found['tocsin_check_up{check="good"}'] == 1
    assert found['tocsin_check_up{check="a \\"b\\""}'] == 0
    assert found['tocsin_check_late_seconds{check="good"}'] == 10
    assert found['tocsin_check_created_timestamp_seconds{check="backup"}'] == 100
    assert 'tocsin_check_last_ping_timestamp_seconds{check="backup"}' not in found
    assert found['tocsin_check_last_success_timestamp_seconds{check="good"}'] == pytest.approx(clock.at - 3610)
    assert found['tocsin_check_last_duration_seconds{check="good"}'] == 2.5


async def test_old_knowledge_is_not_shown():
    clock = Still()
    book = CheckBook(Shelf(ROW | {"failed": True}), clock)
    await book.round()
    clock.at += STALE_AFTER
    assert len(series(book)) > 1
    clock.at += 1
    assert series(book) == {"tocsin_check_reports_waiting": 0}


async def test_reports_wait_in_order_while_postgres_is_away():
    shelf = Shelf(ROW)
    book = CheckBook(shelf, Still())
    start, end, unknown = (
        Report(b"k", 1.0, "start", ""),
        Report(b"k", 2.0, "success", ""),
        Report(b"?", 3.0, "start", ""),
    )
    shelf.away = True
    with pytest.raises(StorageUnavailableError):
        await book.take(start)
    shelf.away = False
    await book.round()
    assert not await book.take(unknown)
    shelf.taken.clear()
    shelf.away = True
    assert await book.take(start)
    with pytest.raises(StorageUnavailableError):
        await book.take(unknown)
    with pytest.raises(StorageUnavailableError):
        await book.round()
    assert series(book)["tocsin_check_reports_waiting"] == 1
    shelf.away = False
    assert await book.take(end)
    assert shelf.taken == [start, end]
    assert series(book)["tocsin_check_reports_waiting"] == 0


async def test_no_more_reports_wait_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr("services.api.checks.book._WAITING", 1)
    shelf = Shelf(ROW)
    book = CheckBook(shelf, Still())
    await book.round()
    shelf.away = True
    assert await book.take(Report(b"k", 1.0, "success", ""))
    with pytest.raises(StorageUnavailableError):
        await book.take(Report(b"k", 2.0, "success", ""))
