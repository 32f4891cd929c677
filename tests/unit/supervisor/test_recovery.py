import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from services.common.clock import SystemClock
from services.supervisor.procfs import Identity
from services.supervisor.recovery import MARK, end_leftovers, read_pid_file, write_pid_file

OBEYS = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def start():
    processes = []

    def start(code, *, mark=None):
        env = {**os.environ, **({MARK: str(mark)} if mark else {})}
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, env=env, start_new_session=True
        )
        processes.append(process)
        assert process.stdout.readline() == b"up\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_what_pid_files_name_is_asked_to_end(tmp_path, start):
    process = start(OBEYS)
    write_pid_file(tmp_path, "redis", Identity.of(process.pid), signal.SIGTERM)
    assert await end_leftovers(tmp_path / "data", tmp_path, SystemClock()) == ["redis"]
    assert process.wait(60) == -signal.SIGTERM
    assert list(tmp_path.glob("*.pid")) == []


async def test_what_does_not_listen_is_killed(tmp_path, start):
    process = start(DEAF)
    write_pid_file(tmp_path, "deaf", Identity.of(process.pid), signal.SIGTERM)
    assert await end_leftovers(tmp_path / "data", tmp_path, SystemClock(), patience=0.1) == ["deaf"]
    assert process.wait(60) == -signal.SIGKILL


async def test_a_later_owner_of_the_pid_lives_on(tmp_path, start):
    process = start(OBEYS)
    stale = replace(Identity.of(process.pid), started=1)
    write_pid_file(tmp_path, "redis", stale, signal.SIGTERM)
    assert await end_leftovers(tmp_path / "data", tmp_path, SystemClock()) == []
    assert process.poll() is None
    assert list(tmp_path.glob("*.pid")) == []


async def test_what_bears_the_folders_mark_is_killed_and_anothers_is_not(tmp_path, start):
    ours, others = start(OBEYS, mark=tmp_path / "data"), start(OBEYS, mark=tmp_path / "data2")
    assert await end_leftovers(tmp_path / "data", tmp_path, SystemClock()) == []
    assert ours.wait(60) == -signal.SIGKILL
    assert others.poll() is None


def test_a_process_never_takes_itself_for_a_leftover(tmp_path):
    # As when `tocsin up` is started by something that an earlier one started.
    code = (
        "import asyncio, sys; from pathlib import Path; from services.common.clock import SystemClock\n"
        "from services.supervisor.recovery import end_leftovers\n"
        "print(asyncio.run(end_leftovers(Path(sys.argv[1]), Path(sys.argv[1]), SystemClock())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, MARK: str(tmp_path)}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started": 1, "boot": "", "stop_signal": 15}']
)
async def test_a_half_written_pid_file_is_cleared_away(tmp_path, text):
    path = tmp_path / "api.pid"
    path.write_text(text)
    assert read_pid_file(path) is None
    assert await end_leftovers(tmp_path / "data", tmp_path, SystemClock()) == []
    assert not path.exists()


def test_a_pid_file_reads_back_and_is_private(tmp_path):
    identity = Identity.of(os.getpid())
    path = write_pid_file(tmp_path, "api", identity, signal.SIGINT)
    assert read_pid_file(path) == (identity, signal.SIGINT)
    assert path.stat().st_mode & 0o777 == 0o600
