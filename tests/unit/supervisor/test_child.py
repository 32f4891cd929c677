import asyncio
import contextlib
import json
import os
import re
import signal
import sys

import pytest

from services.common.clock import SystemClock
from services.common.testing.clock import ManualClock
from services.supervisor import child as child_module
from services.supervisor.child import FIRST_PAUSE, MAX_PAUSE, STEADY_SECONDS, Child, describe
from services.supervisor.logs import service_notice
from services.supervisor.orphans import Reaper
from services.supervisor.process import Process
from services.supervisor.procfs import Identity
from services.supervisor.recovery import MARK
from tests.fixtures.waiting import until

LIVES = "import time; print('up', flush=True); time.sleep(60)"


def python(code, **how):
    return Process("part", (sys.executable, "-c", code), **how)


@pytest.fixture
async def start(data, console):
    running = []

    def start(process, clock=None):
        child = Child(process, data, clock or SystemClock(), console, Reaper())
        task = asyncio.create_task(child.run())
        running.append((child, task))
        return child

    yield start
    for child, task in running:
        child.process.__dict__["stop_timeout"] = 0.2
        await child.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def log_of(data):
    path = data.log / "part.log"
    return path.read_text() if path.exists() else ""


async def test_runs_with_its_environment_mark_and_pid_file(data, start):
    child = start(
        python(f"import os; print(os.environ['A'], os.environ['{MARK}'], flush=True);" + LIVES, env={"A": "b"})
    )
    await until(lambda: "up" in log_of(data))
    assert log_of(data).splitlines()[0] == f"b {data.root}"
    assert json.loads((data.run / "part.pid").read_text())["pid"] == child.pid
    assert os.getsid(child.pid) == child.pid


async def test_a_killed_child_comes_back_soon_and_says_so(data, start, screen):
    async def ready():
        return ""

    child = start(python(LIVES, probe=ready))
    await until(lambda: "up" in log_of(data))
    first = child.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: log_of(data).count("up") == 2)
    assert child.pid != first
    assert child.restarts == 1
    assert "ended (signal SIGKILL); starts again in 0.2 s" in screen.getvalue()
    await until(lambda: "ready again" in screen.getvalue())


async def test_stopping_is_no_failure_and_leaves_no_pid_file(data, start, screen):
    child = start(python(LIVES))
    await until(lambda: "up" in log_of(data))
    await child.stop()
    assert child.pid is None
    assert screen.getvalue() == ""
    assert not (data.run / "part.pid").exists()


async def test_a_child_that_does_not_end_is_killed(data, start, screen):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + LIVES
    child = start(python(deaf, stop_timeout=0.2))
    await until(lambda: "up" in log_of(data))
    await child.stop()
    assert child.pid is None
    assert "does not end; killed" in screen.getvalue()


async def test_its_own_stop_signal_is_used(data, start):
    code = "import signal, sys\nsignal.signal(signal.SIGINT, lambda *_: (print('asked', flush=True), sys.exit()))\n"
    child = start(python(code + LIVES, stop_signal=signal.SIGINT))
    await until(lambda: "up" in log_of(data))
    await child.stop()
    assert "asked" in log_of(data)


async def test_a_failing_child_is_tried_with_growing_pauses_and_its_last_words_are_shown(start, screen, monkeypatch):
    async def ends_at_once(self):
        self._last_lines = ["tocsin.yml:3:5: wrong"]
        return 2

    monkeypatch.setattr(Child, "_run_once", ends_at_once)
    clock = ManualClock()
    child = start(python(""), clock)
    expected, pauses = FIRST_PAUSE, []
    while expected < MAX_PAUSE:
        await clock.wait_for_sleepers()
        pauses.append(expected)
        await clock.advance(expected)
        expected = min(expected * 2, MAX_PAUSE)
    assert child.restarts == len(pauses)
    text = screen.getvalue()
    assert "ended (exit code 2); starts again in 0.2 s" in text
    assert f"starts again in {MAX_PAUSE:g} s" in text
    assert "           tocsin.yml:3:5: wrong" in text


async def test_a_child_that_ran_steadily_starts_its_pauses_anew(start, screen, monkeypatch):
    clock = ManualClock()
    lives = iter([0, 0, STEADY_SECONDS])

    async def runs_for_a_while(self):
        await clock.sleep(next(lives, 1e9))
        return -9

    monkeypatch.setattr(Child, "_run_once", runs_for_a_while)
    start(python(""), clock)
    for seconds in (FIRST_PAUSE, FIRST_PAUSE * 2, STEADY_SECONDS):
        await clock.wait_for_sleepers()
        await clock.advance(seconds)
    await clock.wait_for_sleepers()
    pauses = [line.rpartition("in ")[2] for line in screen.getvalue().splitlines()]
    assert pauses == ["0.2 s", "0.4 s", "0.2 s"]


async def test_a_program_that_is_not_there_is_named(start, screen):
    start(Process("part", ("/nowhere/program",)))
    await until(lambda: "can't be started" in screen.getvalue())
    assert "/nowhere/program can't be started: No such file or directory" in screen.getvalue()


async def test_a_folder_that_is_not_there_is_named(start, screen, tmp_path):
    start(python(LIVES, cwd=tmp_path / "none"))
    await until(lambda: "can't be started: No such file" in screen.getvalue())


async def test_warnings_of_the_child_reach_the_console(data, start, screen):
    entry = json.dumps({"level": "warning", "event": "redis_away", "reason": "refused"})
    child = start(python(f"print({entry!r}, flush=True);" + LIVES, notices=service_notice))
    await until(lambda: "redis_away reason=refused" in screen.getvalue())
    child.quiet = True
    child._take_line(json.dumps({"level": "error", "event": "at_the_end"}))
    assert "at_the_end" not in screen.getvalue()
    assert "at_the_end" in log_of(data)


async def test_output_is_taken_whole_however_it_comes(data, start):
    code = (
        "import os, time\ndef w(data): os.write(1, data)\n"
        "w(b'half '); time.sleep(0.05); w(b'and half\\nx\\xffy\\n'); w(b'L' * 200000); w(b'\\nlast without end')"
    )
    start(python(code))
    await until(lambda: "last without end" in log_of(data))
    lines = log_of(data).splitlines()
    assert lines[:2] == ["half and half", "x\ufffdy"]
    assert sum(line.count("L") for line in lines) == 200_000


async def test_a_grandchild_that_holds_the_pipe_does_not_delay_the_restart(data, start, monkeypatch):
    monkeypatch.setattr(child_module, "_DRAIN_SECONDS", 0.1)
    grandchild = "import time; time.sleep(60)"
    code = (
        f"import subprocess, sys; holder = subprocess.Popen([sys.executable, '-c', {grandchild!r}]); "
        "print('up', holder.pid, flush=True)"
    )
    start(python(code))
    try:
        await until(lambda: log_of(data).count("up") >= 2)
        holder = Identity.of(int(re.search(r"up (\d+)", log_of(data))[1]))
        assert holder.alive(), "it still holds the pipe"
    finally:
        for pid in re.findall(r"up (\d+)", log_of(data)):
            os.kill(int(pid), signal.SIGKILL)


async def test_a_full_disk_takes_no_pid_file_but_the_child_runs(data, start, screen, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(child_module, "write_pid_file", full)
    start(python(LIVES))
    await until(lambda: "up" in log_of(data))
    assert "its pid file can't be written: No space left on device" in screen.getvalue()


@pytest.mark.parametrize(
    ("status", "text"),
    [(0, "exit code 0"), (3, "exit code 3"), (-9, "signal SIGKILL"), (-64, "signal SIGRTMAX"), (-99, "signal 99")],
)
def test_an_end_in_words(status, text):
    assert describe(status) == text


async def test_signals_to_a_child_that_is_gone_are_no_error(data, console):
    child = Child(python(""), data, SystemClock(), console, Reaper())
    child.send(signal.SIGTERM)
    with contextlib.suppress(asyncio.CancelledError):
        await child.stop()
    assert child.pid is None
