"""The tour through the databases: who is visited, when again, and what a failure leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from services.collector.reasons import Reason, ScrapeError
from services.collector.sheet import Sheet
from services.collector.sources.base import CollectorSwitch, Context
from services.collector.sources.postgres import tour as module
from services.collector.sources.postgres.collector import Memory, PostgresCollector, Session
from services.collector.sources.postgres.runner import Runner
from services.collector.sources.postgres.target import PostgresTarget
from services.collector.sources.postgres.tour import Tour
from services.common.clock import SystemClock
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock


class Server:
    """Databases by name; a value of an exception refuses the connection."""

    def __init__(self, *names: str) -> None:
        self.databases: dict[str, BaseException | None] = dict.fromkeys(names)
        self.visits: list[str] = []
        self.open = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def connect(self, *_args: Any, database: str | None = None, **_settings: Any) -> Any:
        await self.answers.wait()
        refusal = self.databases[database or next(iter(self.databases))]
        if refusal is not None:
            raise refusal
        self.open += 1
        return SimpleNamespace(
            fetch=self.fetch, terminate=self.terminate,
            get_server_version=lambda: SimpleNamespace(major=18, minor=6),
        )  # fmt: skip

    async def fetch(self, statement: str, *_args: object, timeout: float) -> list[dict[str, str]]:  # noqa: ASYNC109 - the driver's own word
        assert timeout > 0
        return [{"datname": name} for name in self.databases] if "FROM pg_database" in statement else []

    def terminate(self) -> None:
        self.open -= 1


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    one = Server("postgres", "shop", "stock")

    async def visit(session: Session, sheet: Sheet) -> None:
        one.visits.append(session.database)
        sheet.gauge("pg_visit", "Visits.", len(one.visits), datname=session.database)

    async def slow(session: Session, sheet: Sheet) -> None:
        one.visits.append(f"bloat {session.database}")
        sheet.gauge("pg_slow", "Slow.", 1, datname=session.database)

    monkeypatch.setattr(module, "connect", one.connect)
    monkeypatch.setattr(module, "ELSEWHERE", (PostgresCollector("stat_user_tables", visit),))
    monkeypatch.setattr(module, "SLOW", (PostgresCollector("bloat", slow),))
    yield one
    assert one.open == 0, "every connection is closed"


def tour(clock: ManualClock, **settings: Any) -> Tour:
    target = PostgresTarget(name="db", host="h", **settings)
    context_type: Any = Context
    fields = {"clock": clock, "telemetry": Telemetry("collector"), "base": Path(), "stack": AsyncExitStack()}
    names = context_type.__dataclass_fields__
    context = context_type(**{name: fields.get(name, Path()) for name in names})
    return Tour(target, context, Runner(target.collectors, clock), Memory())


async def go(one: Tour) -> Sheet:
    one.start_if_due()
    if one._task is not None:
        await one._task
    sheet = Sheet()
    one.write(sheet)
    return sheet


async def test_the_first_is_the_targets_own_and_its_tables_are_the_scrapes(server: Server) -> None:
    sheet = await go(tour(ManualClock()))
    assert server.visits == ["bloat postgres", "shop", "bloat shop", "stock", "bloat stock"]
    assert sheet.value("pg_visit", datname="shop") == 2
    assert sheet.value("pg_scrape_collector_success", collector="databases") == 1
    assert sheet.value("pg_scrape_collector_success", collector="bloat") == 1
    assert sheet.value("pg_scrape_databases_left_out") == 0


async def test_it_goes_again_after_its_interval_and_looks_for_bloat_less_often(server: Server) -> None:
    clock = ManualClock()
    one = tour(clock, databases_interval=300, bloat_interval=600)
    await go(one)
    await clock.advance(299)
    await go(one)
    assert len(server.visits) == 5
    await clock.advance(1)
    await go(one)
    assert server.visits[5:] == ["shop", "stock"]
    await clock.advance(300)
    await go(one)
    assert server.visits[7:] == ["bloat postgres", "shop", "bloat shop", "stock", "bloat stock"]


async def test_a_database_that_refuses_keeps_what_was_found_and_how_old_it_is(server: Server) -> None:
    clock = ManualClock()
    one = tour(clock)
    first = await go(one)
    server.databases["shop"] = ScrapeError(Reason.AUTH, "no entry in pg_hba.conf")
    await clock.advance(300)
    second = await go(one)
    name = "pg_scrape_database_timestamp_seconds"
    assert second.value(name, datname="shop") == first.value(name, datname="shop")
    assert second.value(name, datname="stock") == clock.now()
    assert second.value("pg_scrape_database_success", datname="shop") == 0
    assert second.value("pg_visit", datname="shop") == first.value("pg_visit", datname="shop")
    assert second.value("pg_scrape_collector_error", collector="databases", reason="auth") == 1
    assert not one.write(Sheet())


async def test_a_database_that_was_never_read_has_no_time(server: Server) -> None:
    server.databases["shop"] = asyncpg.InvalidCatalogNameError("gone")
    sheet = await go(tour(ManualClock()))
    assert sheet.value("pg_scrape_database_timestamp_seconds", datname="shop") is None
    assert sheet.value("pg_scrape_database_success", datname="shop") == 0


async def test_a_database_that_is_dropped_leaves_the_page(server: Server) -> None:
    clock = ManualClock()
    one = tour(clock)
    await go(one)
    del server.databases["stock"]
    await clock.advance(300)
    sheet = await go(one)
    assert sheet.value("pg_visit", datname="stock") is None
    assert sheet.value("pg_scrape_database_success", datname="stock") is None


async def test_when_no_connection_can_be_made_the_tour_has_failed(server: Server) -> None:
    server.databases["postgres"] = ConnectionRefusedError()
    sheet = await go(tour(ManualClock()))
    assert sheet.value("pg_scrape_collector_error", collector="databases", reason="refused") == 1
    assert server.visits == []


@pytest.mark.parametrize(
    ("settings", "visited", "left_out"),
    [
        ({"databases": ["s*"]}, {"shop", "stock"}, 0),
        ({"exclude_databases": ["st*"]}, {"shop"}, 0),
        ({"databases": []}, set(), 0),
        ({"max_databases": 2}, {"shop"}, 1),
    ],
)
async def test_who_is_visited(server: Server, settings: dict, visited: set[str], left_out: int) -> None:
    sheet = await go(tour(ManualClock(), **settings))
    assert {name for name in server.visits if not name.startswith("bloat")} == visited
    assert "bloat postgres" in server.visits
    assert sheet.value("pg_scrape_databases_left_out") == left_out


async def test_switched_off_it_never_goes(server: Server) -> None:
    one = tour(ManualClock(), collectors={"databases": CollectorSwitch(enabled=False)})
    sheet = await go(one)
    assert (server.visits, sheet.names()) == ([], set())
    one = tour(ManualClock(), collectors={"bloat": CollectorSwitch(enabled=False)})
    await go(one)
    assert server.visits == ["shop", "stock"]


async def test_only_one_is_under_way_and_a_stop_ends_it(server: Server) -> None:
    clock = ManualClock()
    one = tour(clock)
    server.answers.clear()
    one.start_if_due()
    first = one._task
    await clock.advance(1000)
    one.start_if_due()
    assert one._task is first
    await one.stop()
    assert first is not None
    assert first.cancelled()
    await one.stop()


async def test_a_hung_database_is_given_up_and_the_next_one_is_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DATABASE_SECONDS", 0.05)
    hung = asyncio.Event()
    plain = server.connect

    async def connect(*args: Any, database: str | None = None, **settings: Any) -> Any:
        if database == "shop":
            await hung.wait()
        return await plain(*args, database=database, **settings)

    monkeypatch.setattr(module, "connect", connect)
    clock: Any = SystemClock()
    sheet = await go(tour(clock))
    assert sheet.value("pg_scrape_collector_error", collector="databases", reason="timeout") == 1
    assert sheet.value("pg_scrape_database_success", datname="stock") == 1
