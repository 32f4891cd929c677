import math
import random

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.reasons import Reason
from services.collector.sheet import Sheet
from services.collector.sources.postgres import background, replication
from services.collector.sources.postgres.activity import COLLECTORS as ACTIVITY
from services.collector.sources.postgres.collector import Memory, Session
from services.collector.sources.postgres.estimate import QueryTimes, Totals, quantile, totals
from services.collector.sources.postgres.runner import reason_of_statement
from services.collector.sources.postgres.settings import base_unit
from services.collector.sources.postgres.target import PostgresTarget


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (5, "ms", (0.005, "_seconds")), (2, "min", (120, "_seconds")), (1, "d", (86_400, "_seconds")),
        (4, "8kB", (32_768, "_bytes")), (1, "16MB", (16 * 1024**2, "_bytes")), (7, "B", (7, "_bytes")),
        (-1, "ms", (-1, "_seconds")), (-1, "kB", (-1, "_bytes")), (3, "", (3, "")), (3, "furlong", (3, "")),
    ],
)  # fmt: skip
def test_settings_come_in_base_units(value: float, unit: str, wanted: tuple[float, str]) -> None:
    found, suffix = base_unit(value, unit)
    assert (pytest.approx(found), suffix) == wanted


def test_the_first_interval_and_a_reset_give_nothing() -> None:
    times, one = QueryTimes(), {("q",): totals(10, 0.1, 0)}
    assert times.advance(one, 1.0) is None
    assert times.advance(one, 1.0) == []
    assert times.advance(one, 2.0) is None


def test_only_the_interval_counts() -> None:
    times = QueryTimes()
    times.advance({("old",): totals(1000, 9.0, 1.0)}, None)
    deltas = times.advance({("old",): totals(1000, 9.0, 1.0), ("new",): totals(5, 0.02, 0.0)}, None)
    assert deltas is not None
    assert len(deltas) == 1
    assert quantile(deltas, 0.95) == pytest.approx(0.02, rel=1e-3)


def test_an_evicted_statement_begins_again() -> None:
    times = QueryTimes()
    times.advance({("q",): totals(100, 1.0, 0.0)}, None)
    deltas = times.advance({("q",): totals(3, 0.5, 0.0)}, None)
    assert deltas is not None
    assert deltas[0].calls == 3
    assert quantile([], 0.95) is None


def test_a_mixture_is_nearer_than_its_means() -> None:
    random.seed(7)
    shapes = [(0.001, 0.4, 9000), (0.03, 0.3, 1000)]
    truth, deltas = [], []
    for median, sigma, calls in shapes:
        sample = [random.lognormvariate(math.log(median), sigma) for _ in range(calls)]
        truth += sample
        deltas.append(Totals(calls, sum(sample), sum(value * value for value in sample)))
    truth.sort()
    for q in (0.5, 0.95, 0.99):
        assert quantile(deltas, q) == pytest.approx(truth[int(q * len(truth))], rel=0.15)


PARTS = st.tuples(st.integers(1, 10**6), st.floats(1e-6, 100), st.floats(0, 100))


@given(st.lists(PARTS, min_size=1, max_size=10))
def test_quantiles_rise(parts: list[tuple[int, float, float]]) -> None:
    deltas = [totals(calls, mean, deviation) for calls, mean, deviation in parts]
    values = [quantile(deltas, q) for q in (0.1, 0.5, 0.9, 0.99)]
    assert all(value is not None and value > 0 for value in values)
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (asyncpg.InsufficientPrivilegeError(""), Reason.PERMISSION),
        (asyncpg.QueryCanceledError(""), Reason.TIMEOUT),
        (asyncpg.LockNotAvailableError(""), Reason.TIMEOUT),
        (asyncpg.UndefinedTableError(""), Reason.ERROR),
    ],
)
def test_reasons_of_a_collector(error: Exception, reason: Reason) -> None:
    assert reason_of_statement(error) is reason


def session(*answers: list[dict], version: int = 180_000) -> Session:
    left = list(answers)

    async def fetch(_statement: str, *_args: object) -> list[dict]:
        return left.pop(0)

    target = PostgresTarget(name="db", host="127.0.0.1")
    return Session(fetch=fetch, version=version, memory=Memory(), target=target, database="shop", now=1000.0)


async def test_before_17_the_background_writer_tells_the_checkpointers_part() -> None:
    columns = (
        "checkpoints_timed", "checkpoints_req", "checkpoint_write_time", "checkpoint_sync_time", "buffers_checkpoint",
        "buffers_clean", "maxwritten_clean", "buffers_backend", "buffers_backend_fsync", "buffers_alloc", "reset_at",
    )  # fmt: skip
    row = dict.fromkeys(columns, 5)
    sheet = Sheet()
    await background.COLLECTORS[1].work(session([row], version=150_000), sheet)
    for name in (
        "pg_stat_bgwriter_checkpoints_req_total", "pg_stat_bgwriter_checkpoints_req",
        "pg_stat_checkpointer_num_requested_total", "pg_stat_checkpointer_buffers_written_total",
    ):  # fmt: skip
        assert sheet.value(name) == 5, name


def replica(*answers: list[dict]) -> Session:
    one = session(*answers)
    one.memory.facts["is_replica"] = 1.0
    return one


RECEIVER = {
    "upstream_host": "10.0.0.1", "slot_name": "", "receive_start_lsn": 1.0, "receive_start_tli": 1,
    "flushed_lsn": 2.0, "received_tli": 1, "last_msg_send_time": 5.0, "last_msg_receipt_time": 6.0,
    "latest_end_lsn": 2.0, "latest_end_time": 6.0,
}  # fmt: skip


async def test_a_replica_that_is_cut_off_says_so_and_how_long_it_has_heard_nothing() -> None:
    one, sheet = replica([{**RECEIVER, "status": "streaming", "age": 2.0}], []), Sheet()
    receiver = replication.COLLECTORS[0]
    await receiver.work(one, sheet)
    assert sheet.value("pg_wal_receiver_up") == 1
    assert sheet.value("pg_wal_receiver_last_msg_age_seconds") == 2
    labels = {"upstream_host": "10.0.0.1", "slot_name": "", "status": "streaming"}
    assert sheet.value("pg_stat_wal_receiver_flushed_lsn", **labels) == 2
    one.now, sheet = one.now + 60, Sheet()
    await receiver.work(one, sheet)
    assert sheet.value("pg_wal_receiver_up") == 0
    assert sheet.value("pg_wal_receiver_last_msg_age_seconds") == 62


async def test_a_primary_has_no_receiver() -> None:
    sheet = Sheet()
    await replication.COLLECTORS[0].work(session(), sheet)
    assert sheet.names() == set()


async def test_standbys_of_one_name_are_one_series_with_the_worse_lag() -> None:
    one = {
        "application_name": "walreceiver",
        "client_addr": "10.0.0.1/32",
        "state": "streaming",
        "current": 100.0,
        "slot_name": "",
    }
    rows = [
        {**one, "behind": 5.0, "write": None, "flush": 0.1, "replay": 0.2, "reply": 90.0},
        {**one, "behind": 9.0, "write": 0.3, "flush": None, "replay": 0.1, "reply": 80.0},
    ]
    sheet = Sheet()
    await replication.COLLECTORS[1].work(session(rows), sheet)
    where = {key: one[key] for key in ("application_name", "client_addr", "state", "slot_name")}
    assert sheet.value("pg_stat_replication_pg_wal_lsn_diff", **where) == 9
    assert sheet.value("pg_stat_replication_write_lag_seconds", **where) == 0.3
    assert sheet.value("pg_stat_replication_replay_lag_seconds", **where) == 0.2
    assert sheet.value("pg_stat_replication_reply_time", **where) == 80
    assert len(sheet.families["pg_stat_replication_pg_wal_lsn_diff"].rows) == 1


async def test_slots_have_the_names_of_all_versions() -> None:
    row = {
        "slot_name": "s", "slot_type": "physical", "database": "", "active": False, "wal_status": "extended",
        "behind": 7.0, "current": 9.0, "confirmed": None, "safe_wal_size": None,
    }  # fmt: skip
    sheet = Sheet()
    await replication.COLLECTORS[2].work(session([row]), sheet)
    assert sheet.value("pg_replication_slots_active", slot_name="s", database="") == 0
    assert sheet.value("pg_replication_slot_slot_is_active", slot_name="s", slot_type="physical") == 0
    labels = {"slot_name": "s", "slot_type": "physical", "wal_status": "extended"}
    assert sheet.value("pg_replication_slots_wal_status", **labels) == 1
    assert "pg_replication_slots_safe_wal_size_bytes" not in sheet.names()


async def test_too_many_groups_of_sessions_are_summed() -> None:
    keys = ("usename", "backend_type", "wait_event_type", "wait_event")
    rows = [
        {
            "datname": "d", "state": "idle", "application_name": f"request-{number}", **dict.fromkeys(keys, "x"),
            "count": 1, "max_tx_duration": float(number),
        }
        for number in range(1000)
    ]  # fmt: skip
    sheet = Sheet()
    await ACTIVITY[0].work(session(rows), sheet)
    counts = sheet.families["pg_stat_activity_count"].rows
    assert len(counts) == 301
    assert sum(float(value) for _, _, value in counts) == 1000
    assert any('application_name="other"' in labels and value == "700" for _, labels, value in counts)
