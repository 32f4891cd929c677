"""Tables, indexes and statements: the busiest by name, `other`, and what a lock changes."""

from typing import Any

import asyncpg

from services.collector.sources.postgres.tables import INDEXES, TABLES
from tests.unit.collector.postgres.fakes import Server, collect

TIMES = ("last_vacuum", "last_autovacuum", "last_analyze", "last_autoanalyze")


def table(key: int | None, name: str = "other", **values: float) -> dict[str, Any]:
    columns = (*TABLES.counters, *TABLES.gauges, *TABLES.times)
    schema = "" if key is None else "public"
    return {"id": key, "schemaname": schema, "relname": name, **dict.fromkeys(columns, 0.0), **values}


def order(*keys: int) -> list[dict[str, int]]:
    return [{"id": key} for key in keys]


async def test_the_rest_is_summed_and_its_newest_vacuum_counts() -> None:
    server = Server(**{
        "LIMIT $1": order(1),
        "GROUP BY 1, 2, 3": [
            table(1, "busy", seq_scan=7.0), table(None, n_live_tup=9.0, seq_scan=3.0, last_vacuum=5.0),
        ],
    })  # fmt: skip
    sheet = await collect("stat_user_tables", server.session(top_tables=1))
    busy = {"datname": "shop", "schemaname": "public", "relname": "busy"}
    other = {"datname": "shop", "schemaname": "", "relname": "other"}
    assert sheet.value("pg_stat_user_tables_seq_scan", **busy) == 7
    assert sheet.value("pg_stat_user_tables_seq_scan", **other) == 3
    assert sheet.value("pg_stat_user_tables_n_live_tup", **other) == 9
    assert sheet.value("pg_stat_user_tables_last_vacuum", **other) == 5
    assert sheet.value("pg_statio_user_tables_heap_blks_hit", **busy) == 0
    assert sheet.value("pg_statio_user_tables_heap_blocks_hit", **busy) == 0


async def test_a_lock_that_comes_between_the_look_and_the_size_costs_the_exact_size_only() -> None:
    server = Server(**{"LIMIT $1": order(1)})
    answers = iter([asyncpg.LockNotAvailableError("canceling statement due to lock timeout"), [table(1, "held")]])

    async def fetch(statement: str, *args: object) -> list[Any]:
        if "GROUP BY" not in statement:
            return await server.fetch(statement, *args)
        server.asked.append((statement, args))
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    session = server.session()
    session.fetch = fetch
    sheet = await collect("stat_user_tables", session)
    exact = [args[1] for statement, args in server.asked if "GROUP BY" in statement]
    assert exact == [True, False]
    labels = {"datname": "shop", "schemaname": "public", "relname": "held"}
    assert sheet.value("pg_stat_user_tables_seq_scan", **labels) == 0


async def test_who_is_shown_is_asked_for_again_only_after_five_minutes() -> None:
    server = Server(**{"LIMIT $1": order(1), "GROUP BY 1, 2, 3": [table(1, "one"), table(None)]})
    session = server.session(top_tables=1)
    for now, asked in ((0.0, 1), (15.0, 1), (299.0, 1), (300.0, 2)):
        session.now = now
        await collect("stat_user_tables", session)
        assert sum("LIMIT $1" in statement for statement, _ in server.asked) == asked


async def test_without_tables_there_is_nothing_not_even_other() -> None:
    server = Server(**{"LIMIT $1": [], "GROUP BY": []})
    sheet = await collect("stat_user_tables", server.session())
    assert sheet.names() == set()


async def test_a_name_that_moves_up_does_not_make_other_fall() -> None:
    server = Server(
        **{"LIMIT $1": order(1), "GROUP BY 1, 2, 3": [table(1, "a", seq_scan=9.0), table(None, seq_scan=50.0)]}
    )
    session = server.session(top_tables=1)
    other = {"datname": "shop", "schemaname": "", "relname": "other"}
    await collect("stat_user_tables", session)
    session.now = 2000.0
    server.answers = {
        "LIMIT $1": order(2),
        "GROUP BY 1, 2, 3": [table(1, "a", seq_scan=9.0), table(2, "b", seq_scan=40.0), table(None, seq_scan=10.0)],
    }
    sheet = await collect("stat_user_tables", session)
    assert server.asked[-1][1][0] == [1, 2], "both are read one by one while they change places"
    assert sheet.value("pg_stat_user_tables_seq_scan", **other) == 50
    assert sheet.value("pg_stat_user_tables_seq_scan", datname="shop", schemaname="public", relname="b") == 40


async def test_indexes_have_their_table_and_other_has_none() -> None:
    zeros = dict.fromkeys(INDEXES.counters, 1.0)
    server = Server(**{
        "LIMIT $1": order(7),
        "GROUP BY 1, 2, 3, 4": [
            {"id": 7, "schemaname": "public", "relname": "t", "indexrelname": "t_pkey", **zeros},
            {"id": None, "schemaname": "", "relname": "", "indexrelname": "other", **zeros},
        ],
    })  # fmt: skip
    sheet = await collect("statio_user_indexes", server.session())
    labels = {"datname": "shop", "schemaname": "public", "relname": "t", "indexrelname": "t_pkey"}
    assert sheet.value("pg_statio_user_indexes_idx_blks_hit_total", **labels) == 1
    assert sheet.value("pg_stat_user_indexes_idx_scan_total", **labels) == 1
    other = {"datname": "shop", "schemaname": "", "relname": "", "indexrelname": "other"}
    assert sheet.value("pg_stat_user_indexes_idx_scan_total", **other) == 1


def statement(queryid: int, total: float, *, toplevel: bool = True, **values: Any) -> dict[str, Any]:
    return {
        "userid": 10, "dbid": 5, "queryid": queryid, "toplevel": toplevel, "rolname": "app", "datname": "shop",
        "calls": 1.0, "mean": total, "deviation": 0.0, "total": total, "rows": 2.0, "read_time": 1.0,
        "write_time": 0.0, **values,
    }  # fmt: skip


STATEMENTS = {"pg_stat_statements_info": [{"at": 5.0, "dealloc": 3}], "LIKE $1": [{"queryid": 99}]}


async def test_one_statement_called_in_two_ways_is_one_series() -> None:
    server = Server(**STATEMENTS, **{
        "LIMIT $1": [statement(1, 900.0), statement(1, 100.0, toplevel=False), statement(2, 500.0), statement(3, 5.0)],
    })  # fmt: skip
    session = server.session(top_statements=2)
    session.memory.statements_schema = 'sta"ts'
    sheet = await collect("stat_statements", session)
    one = {"user": "app", "datname": "shop", "queryid": "1"}
    assert sheet.value("pg_stat_statements_seconds_total", **one) == 1.0
    assert sheet.value("pg_stat_statements_calls_total", **one) == 2
    other = {"user": "", "datname": "", "queryid": "other"}
    assert sheet.value("pg_stat_statements_seconds_total", **other) == 0.005
    assert sheet.value("pg_stat_statements_block_read_seconds_total", **other) == 0.001
    assert sheet.value("pg_stat_statements_deallocations_total") == 3
    assert all('"sta""ts".pg_stat_statements' in text for text, _ in server.asked)
    assert sheet.value("pg_query_duration_estimate_seconds", quantile="0.95") is None, "there is no interval yet"


async def test_a_statement_of_a_role_that_is_gone_has_an_empty_name() -> None:
    server = Server(**STATEMENTS, **{"LIMIT $1": [statement(1, 1.0, rolname=None, datname=None)]})
    session = server.session()
    session.memory.statements_schema = "public"
    sheet = await collect("stat_statements", session)
    assert sheet.value("pg_stat_statements_rows_total", user="", datname="", queryid="1") == 2


async def test_times_are_read_by_the_versions_own_columns() -> None:
    for version, column, info in (
        (130_000, "s.blk_read_time AS read_time", False), (160_000, "s.blk_read_time AS read_time", True),
        (170_000, "s.shared_blk_read_time + s.local_blk_read_time AS read_time", True),
    ):  # fmt: skip
        server = Server(**STATEMENTS, **{"LIMIT $1": [statement(1, 1.0)]})
        session = server.session(version)
        session.memory.statements_schema = "public"
        await collect("stat_statements", session)
        assert column in server.asked[0][0]
        assert ("s.toplevel AS toplevel" in server.asked[0][0]) == info
        assert any("pg_stat_statements_info" in text for text, _ in server.asked) == info


async def test_texts_are_read_once_shortened_and_forgotten_with_their_statement() -> None:
    long = "SELECT " + "x, " * 100
    server = Server(queryid=[{"queryid": 1, "query": f"{long}\n  FROM t"}])
    session = server.session()
    session.memory.statements_schema, session.memory.shown_statements = "public", ["1", "2"]
    for _ in range(2):
        sheet = await collect("stat_statements_texts", session)
    texts = [labels for _, labels, _ in sheet.families["pg_stat_statements_query_id"].rows]
    assert len(texts) == 2
    assert len(texts[0]) < 160
    assert texts[1] == 'queryid="2",query=""'
    assert [args for _, args in server.asked] == [([1, 2],), ([2],)]
    session.memory.shown_statements = ["2"]
    await collect("stat_statements_texts", session)
    assert 1 not in session.memory.texts


async def test_without_the_extension_it_is_said_and_nothing_is_asked() -> None:
    server = Server()
    sheet = await collect("stat_statements", server.session())
    assert sheet.value("pg_stat_statements_available") == 0
    assert server.asked == []


async def test_our_own_statements_are_learnt_again_after_a_tour() -> None:
    server = Server(**STATEMENTS, **{"LIMIT $1": [statement(1, 1.0)]})
    session = server.session()
    session.memory.statements_schema, session.memory.scrapes = "public", 10
    for new, asked in ((False, 0), (True, 1), (False, 1)):
        session.memory.new_statements = session.memory.new_statements or new
        await collect("stat_statements", session)
        assert sum("LIKE $1" in text for text, _ in server.asked) == asked
    assert session.memory.own_statements == {99}
