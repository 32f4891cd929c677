"""What survives a restart, and what happens to a state that can't be read or written."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.collector.sources.logs.position import Position
from services.collector.sources.logs.state import Counts, Saved, StateFile
from tests.unit.collector.logs.conftest import Driven

Make = Callable[..., Driven]


def saved(count: int = 1) -> Saved:
    return Saved(5.0, ["a"], [Position("a", 1, 2, "x")], Counts(levels={"error": count}), [], {"error": 3})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "new" / "folder", "app")
    assert state.acquire()
    assert state.read() is None
    state.write(saved())
    assert state.read() == saved()
    assert state.path.stat().st_mode & 0o077 == 0
    state.release()


def test_one_collector_at_a_time(tmp_path: Path) -> None:
    one, other = StateFile(tmp_path, "app"), StateFile(tmp_path, "app")
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', "\x00\x01"])
def test_a_broken_file_is_moved_aside(tmp_path: Path, content: str) -> None:
    state = StateFile(tmp_path, "app")
    state.path.write_text(content)
    assert state.read() is None
    assert (tmp_path / "app.broken").read_text() == content
    assert not state.path.exists()


def test_a_newer_versions_file_is_moved_aside(tmp_path: Path) -> None:
    state = StateFile(tmp_path, "app")
    state.write(saved())
    data = json.loads(state.path.read_text())
    state.path.write_text(json.dumps({**data, "version": 9}))
    assert state.read() is None
    assert (tmp_path / "app.broken").exists()


def test_a_write_that_fails_leaves_the_former_content(tmp_path: Path) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    StateFile(tmp_path, "app").write(saved(1))
    state = StateFile(tmp_path, "app", sync=full)
    with pytest.raises(OSError, match="No space"):
        state.write(saved(2))
    assert state.read() == saved(1)


def test_a_state_that_can_not_be_written_is_told_until_it_can(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    app = make()
    app.info(1)
    app.read()
    blocker = app.folder / "state" / "app.new"
    blocker.mkdir()
    app.info(1)
    app.read()
    app.read()
    assert "would count again" in app.tail.state_error
    assert capsys.readouterr().out.count("log_state_not_written") == 1
    blocker.rmdir()
    app.read()
    assert app.tail.state_error == ""
    app.crash()
    assert app.read().counted == 2


def test_an_idle_log_costs_no_writing(make: Make) -> None:
    app = make()
    app.info(1)
    app.read()
    # A clock that ticks coarsely gives two writes the same time, so the file gets an old one.
    os.utime(app.tail._state.path, ns=(1, 1))
    app.read()
    assert app.tail._state.path.stat().st_mtime_ns == 1
    app.info(1)
    app.read()
    assert app.tail._state.path.stat().st_mtime_ns != 1


def test_groups_survive(make: Make) -> None:
    app = make(max_fingerprints=1)
    app.write('{"level":"error","event":"x 1"}', '{"level":"error","event":"y"}')
    app.read()
    app.crash()
    app.write('{"level":"error","event":"x 2"}', '{"level":"error","event":"y"}')
    app.read()
    assert app.errors == {"x <n>": 2}
    assert app.tail.tally.groups.other == {"error": 2}
    assert app.tail.tally.counts.levels["error"] == 4
