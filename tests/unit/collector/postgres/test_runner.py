"""Switches, kept results, and the truth about failures."""

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.collector.sheet import Sheet
from services.collector.sources.base import CollectorSwitch
from services.collector.sources.postgres.collector import Memory, PostgresCollector, Session
from services.collector.sources.postgres.runner import Runner
from services.collector.sources.postgres.target import PostgresTarget
from services.common.clock import Clock
from services.common.testing.clock import ManualClock


def session() -> Session:
    async def fetch(_statement: str, *_args: object) -> list[dict]:
        raise AssertionError("no statement is wanted")

    return Session(fetch=fetch, version=150_000, memory=Memory(), target=PostgresTarget(name="db", host="h"))


class Counting:
    """A collector that counts its runs and fails as it is told."""

    def __init__(self, name: str = "one", error: BaseException | None = None, **settings: object) -> None:
        self.runs, self.error = 0, error
        self.collector = PostgresCollector(name, self.work, **settings)

    async def work(self, _session: Session, sheet: Sheet) -> None:
        self.runs += 1
        sheet.gauge("pg_runs", "Runs.", self.runs)
        if self.error is not None:
            raise self.error


async def run(clock: Clock, *ones: Counting, **switches: CollectorSwitch) -> tuple[Runner, Sheet, bool]:
    runner, sheet = Runner(switches, clock), Sheet()
    well = await runner.run([one.collector for one in ones], session(), sheet)
    return runner, sheet, well


async def test_a_failure_is_told_with_its_reason_and_what_was_found_is_kept() -> None:
    one = Counting(error=asyncpg.InsufficientPrivilegeError("permission denied for function pg_ls_waldir"))
    _, sheet, well = await run(ManualClock(), one, Counting("two"))
    assert not well
    assert sheet.value("pg_scrape_collector_success", collector="one") == 0
    assert sheet.value("pg_scrape_collector_error", collector="one", reason="permission") == 1
    assert sheet.value("pg_scrape_collector_success", collector="two") == 1
    assert len(sheet.families["pg_runs"].rows) == 2


@pytest.mark.parametrize("error", [asyncpg.ConnectionDoesNotExistError(""), TimeoutError(), asyncpg.InterfaceError("")])
async def test_a_connection_that_is_gone_ends_the_scrape(error: BaseException) -> None:
    one, two = Counting(error=error), Counting("two")
    runner, sheet = Runner({}, ManualClock()), Sheet()
    with pytest.raises(type(error)):
        await runner.run([one.collector, two.collector], session(), sheet)
    assert two.runs == 0
    assert sheet.value("pg_scrape_collector_success", collector="one") == 0


async def test_a_result_is_kept_for_its_interval_also_a_failure() -> None:
    clock, one = ManualClock(), Counting(interval=60.0, error=ValueError("no"))
    runner, _, _ = await run(clock, one)
    for seconds, runs in ((59.0, 1), (1.0, 2)):
        await clock.advance(seconds)
        sheet = Sheet()
        assert not await runner.run([one.collector], session(), sheet)
        assert one.runs == runs
        assert sheet.value("pg_runs") == runs
        assert sheet.value("pg_scrape_collector_error", collector="one", reason="error") == 1


async def test_a_kept_result_is_not_changed_by_what_comes_after_it_on_the_page() -> None:
    clock, one, two = ManualClock(), Counting(interval=60.0), Counting("two")
    runner, _, _ = await run(clock, one, two)
    for _ in range(3):
        sheet = Sheet()
        await runner.run([one.collector, two.collector], session(), sheet)
        assert len(sheet.families["pg_runs"].rows) == 2


async def test_switches_win_over_the_collectors_own_defaults() -> None:
    off, on, slow = Counting("off"), Counting("on", enabled=False), Counting("slow", interval=60.0)
    switches = {
        "off": CollectorSwitch(enabled=False), "on": CollectorSwitch(enabled=True),
        "slow": CollectorSwitch(min_interval=0),
    }  # fmt: skip
    runner, sheet, _ = await run(ManualClock(), off, on, slow, **switches)
    await runner.run([slow.collector], session(), Sheet())
    assert (off.runs, on.runs, slow.runs) == (0, 1, 2)
    assert sheet.value("pg_scrape_collector_success", collector="off") is None


async def test_a_collector_of_a_newer_server_is_left_out() -> None:
    _, sheet, well = await run(ManualClock(), Counting(needs=160_000))
    assert well
    assert sheet.names() == set()


@pytest.mark.parametrize(("by", "share"), [(1, 15), (2, 8), (5, 3), (15, 2), (40, 2)])
def test_databases_share_a_lists_length(by: int, share: int) -> None:
    one = session()
    one.shared_by = by
    assert one.share(15) == share
    assert one.share(0) == 0


ASKED = "SELECT {name} AS name FROM places"


class Asking:
    """A server that answers each statement with its name, and a collector for each name."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.asked: list[str] = []
        self.error = error

    async def fetch(self, statement: str, *_args: object) -> list[dict]:
        self.asked.append(statement)
        if "json_agg" in statement:
            if self.error is not None:
                raise self.error
            return [{"part_0": '[{"name": "a", "n": 1}, {"name": "b", "n": 2.5}]', "part_1": None}]
        return [{"name": "alone", "n": 7}]

    def collector(self, name: str) -> PostgresCollector:
        statement = ASKED.format(name=name)

        async def work(session: Session, sheet: Sheet) -> None:
            for row in await session.fetch(statement):
                sheet.gauge("pg_places", "Places.", row["n"], of=name, name=row["name"])

        return PostgresCollector(name, work, ahead=lambda _version: statement)

    async def scrape(self, runner: Runner, *names: str) -> tuple[Sheet, bool]:
        sheet, ours = Sheet(), session()
        ours.fetch = self.fetch
        return sheet, await runner.run([self.collector(name) for name in names], ours, sheet)


async def test_what_collectors_ask_first_is_asked_together() -> None:
    server = Asking()
    sheet, well = await server.scrape(Runner({}, ManualClock()), "one", "two")
    assert well
    assert server.asked == [
        (
            "SELECT (SELECT json_agg(q) FROM (SELECT one AS name FROM places\n) q)::text AS part_0, "
            "(SELECT json_agg(q) FROM (SELECT two AS name FROM places\n) q)::text AS part_1"
        )
    ]
    assert sheet.value("pg_places", of="one", name="b") == 2.5
    assert len(sheet.families["pg_places"].rows) == 2, "the second has no rows"


async def test_what_is_asked_alone_is_not_packed() -> None:
    server = Asking()
    sheet, _ = await server.scrape(Runner({"two": CollectorSwitch(enabled=False)}, ManualClock()), "one", "two")
    assert server.asked == [ASKED.format(name="one")]
    assert sheet.value("pg_places", of="one", name="alone") == 7


async def test_what_fails_together_is_asked_one_by_one_for_five_minutes() -> None:
    server, clock = Asking(asyncpg.InsufficientPrivilegeError("no")), ManualClock()
    runner = Runner({}, clock)
    with capture_logs() as said:
        for _ in range(2):
            sheet, well = await server.scrape(runner, "one", "two")
            assert well
            assert sheet.value("pg_places", of="two", name="alone") == 7
    assert [one["event"] for one in said] == ["statements_asked_alone"]
    assert ["json_agg" in one for one in server.asked] == [True, False, False, False, False]
    await clock.advance(301)
    server.error = None
    await server.scrape(runner, "one", "two")
    assert "json_agg" in server.asked[-1]


async def test_a_lost_connection_is_not_asked_again() -> None:
    server = Asking(asyncpg.ConnectionDoesNotExistError("gone"))
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await server.scrape(Runner({}, ManualClock()), "one", "two")
    assert len(server.asked) == 1
