"""The backlog on disk: order, bound, damage, and one folder for each process."""

import os
from contextlib import AsyncExitStack, ExitStack

import pytest

from services.common.config import ConfigError, Shared
from services.common.telemetry import Telemetry
from services.common.testing.clock import ManualClock
from services.evaluator.history import spool as spool_module
from services.evaluator.history.chunk import Chunk
from services.evaluator.history.config import HistoryConfig
from services.evaluator.history.open import open_history
from services.evaluator.history.spool import Spool, SpoolError, own_folder


def _chunk(t_ms, rows=2):
    return Chunk(tuple(("key", t_ms + index, float(index)) for index in range(rows)))


def _drain(spool):
    found = []
    while (one := spool.oldest()) is not None:
        path, chunk = one
        found.append(chunk.rows[0][1])
        spool.done(path)
    return found


def test_chunks_come_back_oldest_first_also_after_a_restart(tmp_path, dropped):
    first = Spool(tmp_path, 10_000, dropped.hear)
    for t_ms in (100, 200):
        first.add(_chunk(t_ms))
    (tmp_path / "000000000009-1-1.chunk.part").write_bytes(b"half")
    second = Spool(tmp_path, 10_000, dropped.hear)
    assert list(tmp_path.glob("*.part")) == []
    second.add(_chunk(300))
    assert len(second) == 3
    assert second.size == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert _drain(second) == [100, 200, 300]
    assert (len(second), second.size, list(tmp_path.iterdir())) == (0, 0, [])
    assert dropped == {}


def test_the_oldest_go_beyond_the_bound_and_are_counted(tmp_path, dropped):
    size = len(_chunk(100).encode())
    spool = Spool(tmp_path, 3 * size, dropped.hear)
    for t_ms in (100, 200, 300, 400, 500):
        spool.add(_chunk(t_ms))
    assert spool.size <= 3 * size
    assert dropped == {"backlog_full": 4}
    assert _drain(spool) == [300, 400, 500]


def test_one_chunk_stays_however_small_the_bound(tmp_path, dropped):
    spool = Spool(tmp_path, 1, dropped.hear)
    spool.add(_chunk(100))
    assert _drain(spool) == [100]


def test_damage_costs_one_chunk_and_is_counted(tmp_path, dropped):
    spool = Spool(tmp_path, 10_000, dropped.hear)
    for t_ms in (100, 200, 300):
        spool.add(_chunk(t_ms, rows=5))
    files = sorted(tmp_path.iterdir())
    files[0].write_bytes(files[0].read_bytes()[:10])
    files[1].unlink()
    assert _drain(spool) == [300]
    assert dropped == {"unreadable": 10}


def test_what_somebody_else_has_written_goes(tmp_path, dropped):
    spool = Spool(tmp_path, 10_000, dropped.hear)
    for t_ms in (100, 200, 300):
        spool.add(_chunk(t_ms))
    spool.drop_before(250)
    assert _drain(spool) == [300]
    assert dropped == {}


def test_each_process_has_a_folder_and_the_next_one_finds_it(tmp_path):
    with ExitStack() as one, ExitStack() as two:
        assert own_folder(one, tmp_path).name == "0"
        assert own_folder(two, tmp_path).name == "1"
    with ExitStack() as three:
        assert own_folder(three, tmp_path).name == "0"


def test_a_folder_that_can_not_be_had_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with ExitStack() as stack, pytest.raises(SpoolError, match="set data_dir"):
        own_folder(stack, tmp_path / "file")
    monkeypatch.setattr(spool_module, "_MOST_COPIES", 1)
    with ExitStack() as stack:
        own_folder(stack, tmp_path)
        with pytest.raises(SpoolError, match="all 1 folders are in use"):
            own_folder(stack, tmp_path)


def test_a_full_disk_is_the_callers_to_know(tmp_path, dropped, monkeypatch):
    spool = Spool(tmp_path, 10_000, dropped.hear)

    def full(_number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.add(_chunk(100))
    assert len(spool) == 0


async def test_the_history_is_off_without_postgres_and_says_which_folder_it_needs(tmp_path):
    clock, telemetry = ManualClock(), Telemetry("evaluator")
    async with AsyncExitStack() as stack:
        shared = Shared(data_dir=tmp_path)
        assert open_history(stack, HistoryConfig(), shared, clock=clock, telemetry=telemetry) is None
        (tmp_path / "evaluator").write_text("a file")
        shared = Shared.model_validate({"data_dir": tmp_path, "postgres": {"dsn": "postgresql://nobody@127.0.0.1:1/x"}})
        off = HistoryConfig(enabled=False)
        assert open_history(stack, off, shared, clock=clock, telemetry=telemetry) is None
        with pytest.raises(ConfigError, match="history of metrics needs a folder"):
            open_history(stack, HistoryConfig(), shared, clock=clock, telemetry=telemetry)
