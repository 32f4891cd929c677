"""What becomes of a run when its end can't be stored, or something falls."""

import os
import signal
import sys
from pathlib import Path

import pytest

from services.api.quality.model import AuditRun
from services.api.quality.run import OUTPUT_BYTES, AuditRunner, NoCommandError
from services.api.quality.settings import QualitySettings
from services.common.clock import SystemClock
from services.common.storage import StorageUnavailableError
from tests.fixtures.waiting import until

FILLS = """
import os, pathlib
folder = pathlib.Path(os.environ["TOCSIN_AUDIT_DIR"])
(folder / "audit.json").write_text('{"commit": "a", "branch": "main", "lines_of_code": 1}')
(folder / "ruff.json").write_text("[]")
"""


class Shelf:
    """A store that fails as a test wants it."""

    def __init__(self, *, create=None, end=None):
        self._create, self._end, self.ended = create, end, []

    async def start_run(self, by, command, longest):
        return AuditRun(
            id=1, started_at=1.0, started_by=by, finished_at=None, result="running", exit_code=None, detail="",
            output="", audit_id=None,
        )  # fmt: skip

    async def create(self, body, by):
        raise self._create

    async def end_run(self, run):
        self.ended.append(run)
        if self._end is not None:
            raise self._end


async def run(shelf, tmp_path, command=FILLS, **more):
    settings = QualitySettings(audit_command=(sys.executable, "-c", command), **more)
    runner = AuditRunner(shelf, settings, tmp_path, SystemClock())
    await runner.start("ada")
    await runner.wait()
    (ended,) = shelf.ended
    assert ended.finished_at is not None
    return ended


@pytest.mark.parametrize(
    ("error", "result", "detail"),
    [
        (StorageUnavailableError("gone"), "bad_report", "The reports could not be stored: gone."),
        (ZeroDivisionError(), "lost", "It failed: ZeroDivisionError."),
    ],
)
async def test_a_run_ends_whatever_falls(tmp_path, error, result, detail):
    ended = await run(Shelf(create=error), tmp_path)
    assert (ended.result, ended.detail) == (result, detail)


async def test_an_end_that_cannot_be_stored_harms_nothing(tmp_path):
    gone = StorageUnavailableError("gone")
    assert (await run(Shelf(create=gone, end=gone), tmp_path)).result == "bad_report"


# A child that would outlive the command; its pid goes to a file of the test.
CHILD = """
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pid").write_text(str(child.pid))
"""
STUBBORN = (
    CHILD
    + """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
)


def _gone(folder):
    # A container without a reaper of orphans keeps a dead child as a zombie.
    try:
        return (Path("/proc") / (folder / "pid").read_text() / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_what_a_command_leaves_behind_is_ended(tmp_path):
    ended = await run(Shelf(), tmp_path, CHILD + "sys.exit(4)")
    assert (ended.result, ended.exit_code) == ("failed", 4)
    await until(lambda: _gone(tmp_path), seconds=60)


async def test_what_left_the_group_holds_up_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("services.api.quality.run._GRACE", 0.2)
    command = (
        CHILD.replace('time.sleep(600)"])', 'time.sleep(600)"], start_new_session=True)') + "print('left'); sys.exit(4)"
    )
    assert "start_new_session" in command
    ended = await run(Shelf(), tmp_path, command)
    try:
        assert (ended.exit_code, ended.output) == (4, "left\n")
        assert not _gone(tmp_path)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_a_command_that_does_not_listen_is_ended_too(tmp_path, monkeypatch):
    monkeypatch.setattr("services.api.quality.run._GRACE", 0.2)
    settings = QualitySettings(audit_command=(sys.executable, "-c", STUBBORN))
    shelf = Shelf()
    runner = AuditRunner(shelf, settings, tmp_path, SystemClock())
    await runner.start("ada")
    await until((tmp_path / "pid").exists, seconds=60)
    await runner.stop()
    assert [one.result for one in shelf.ended] == ["lost"]
    await until(lambda: _gone(tmp_path), seconds=60)


async def test_a_command_runs_in_the_configurations_folder_with_its_own_environment_only(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_API", "hidden")
    command = "import os, sys; print(os.getcwd(), *os.environ.items()); sys.exit(1)"
    ended = await run(Shelf(), tmp_path, command, audit_environment={"PATH": "/opt/bin", "MORE": "1"})
    assert ended.output.startswith(f"{tmp_path} ")
    assert "('PATH', '/opt/bin')" in ended.output
    assert "('MORE', '1')" in ended.output
    assert "SECRET_OF_THE_API" not in ended.output


async def test_the_end_of_the_output_is_kept_whatever_its_bytes(tmp_path):
    command = (
        "import sys; sys.stdout.buffer.write(b'a' * 200_000 + b'\\xff\\x00 end'); sys.stderr.write('!'); sys.exit(1)"
    )
    ended = await run(Shelf(), tmp_path, command)
    assert ended.output.startswith("aaa")
    assert set(ended.output[-10:]) <= set("a\ufffd end!")
    assert OUTPUT_BYTES - 4 <= len(ended.output) <= OUTPUT_BYTES


async def test_nothing_is_started_without_a_command(tmp_path):
    runner = AuditRunner(Shelf(), QualitySettings(), tmp_path, SystemClock())
    with pytest.raises(NoCommandError):
        await runner.start("ada")


async def test_without_a_run_there_is_nothing_to_stop(tmp_path):
    runner = AuditRunner(Shelf(), QualitySettings(), tmp_path, SystemClock())
    await runner.wait()
    await runner.stop()
