"""One child process kept running: started, watched, started again, ended."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from services.common.clock import Clock
from services.supervisor import launch
from services.supervisor.console import Console
from services.supervisor.datadir import DataDir
from services.supervisor.logs import LogFile
from services.supervisor.orphans import Reaper
from services.supervisor.process import Process
from services.supervisor.procfs import Identity
from services.supervisor.recovery import MARK, write_pid_file

FIRST_PAUSE = 0.2
MAX_PAUSE = 30.0
POLL_SECONDS = 0.05
STEADY_SECONDS = 30.0
"""A child that ran this long starts its row of restarts anew."""
_READ = 65_536
_DRAIN_SECONDS = 0.5
_LAST_LINES = 3


class Child:
    """Keeps one process running until `stop`."""

    def __init__(self, process: Process, data: DataDir, clock: Clock, console: Console, reaper: Reaper) -> None:
        self.process = process
        self.restarts = 0
        self.quiet = False
        """No notices any more: when all ends in order, each sees the others go."""
        self._data, self._clock, self._console, self._reaper = data, clock, console, reaper
        self._log = LogFile(data.log / f"{process.name}.log")
        self._popen: subprocess.Popen[bytes] | None = None
        self.stopping = False
        self._ended = asyncio.Event()
        self._last_lines: list[str] = []

    @property
    def pid(self) -> int | None:
        """The pid while the process runs."""
        return self._popen.pid if self._popen is not None else None

    async def run(self) -> None:
        """Start the process, and again whenever it ends, with growing pauses; returns after `stop`."""
        pause = FIRST_PAUSE
        try:
            while not self.stopping:
                started = self._clock.monotonic()
                status = await self._run_once()
                if self.stopping:
                    break
                if self._clock.monotonic() - started >= STEADY_SECONDS:
                    pause = FIRST_PAUSE
                self._tell_end(status, pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE)
                self.restarts += 1
        finally:
            self._log.close()
            self._ended.set()

    async def stop(self) -> None:
        """Ask the process to end, kill it when it takes too long, and wait for both."""
        self.stopping = True
        self.send(self.process.stop_signal)
        deadline = self._clock.monotonic() + self.process.stop_timeout
        while self._popen is not None and self._clock.monotonic() < deadline:
            await self._clock.sleep(0.02)
        if self._popen is not None:
            self._console.event(self.process.name, "warning", "does not end; killed")
            self.send(signal.SIGKILL)
        while self._popen is not None:
            await self._clock.sleep(0.02)

    def send(self, number: int) -> None:
        """Send the process a signal, where it runs."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                self._popen.send_signal(number)

    async def _run_once(self) -> int:
        """Run the process to its end; returns Popen's return code (negative: a signal)."""
        name = self.process.name
        self._last_lines.clear()
        try:
            popen = _spawn(self.process, {MARK: str(self._data.root)})
        except OSError as error:
            self._last_lines.append(f"can't be started: {error.strerror}")
            return 126
        self._popen = popen
        self._reaper.living.add(popen.pid)
        pid_file: Path | None = None
        try:
            identity = Identity.of(popen.pid)
            if identity is not None:
                pid_file = self._note_pid(identity)
            return await self._watch(popen)
        finally:
            self._popen = None
            self._reaper.living.discard(popen.pid)
            left = self._reaper.sweep()
            if left and not self.stopping:
                self._console.event(name, "warning", f"left {left} process(es) behind; killed")
            if pid_file is not None:
                pid_file.unlink(missing_ok=True)

    def _note_pid(self, identity: Identity) -> Path | None:
        try:
            return write_pid_file(self._data.run, self.process.name, identity, self.process.stop_signal)
        except OSError as error:
            # A full disk: the process is tied to us by the kernel as well, so it may run without its pid file.
            self._console.event(self.process.name, "warning", f"its pid file can't be written: {error.strerror}")
            return None

    async def _watch(self, popen: "subprocess.Popen[bytes]") -> int:
        loop = asyncio.get_running_loop()
        descriptor = os.pidfd_open(popen.pid)
        ended = asyncio.Event()
        loop.add_reader(descriptor, ended.set)
        reader = asyncio.create_task(self._read_output(popen))
        back = asyncio.create_task(self._tell_back())
        try:
            await ended.wait()
            # Grandchildren may hold the pipe open for long; what the child itself wrote is there already.
            await asyncio.wait({reader}, timeout=_DRAIN_SECONDS)
            return popen.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            for task in (reader, back):
                task.cancel()
            await asyncio.gather(reader, back, return_exceptions=True)

    async def _read_output(self, popen: "subprocess.Popen[bytes]") -> None:
        if popen.stdout is None:
            raise AssertionError("stdout is a pipe")
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), popen.stdout
        )
        rest = b""
        try:
            while chunk := await stream.read(_READ):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._take_line(line.decode(errors="replace"))
                if len(rest) > _READ:
                    self._take_line(rest.decode(errors="replace"))
                    rest = b""
        finally:
            if rest:
                self._take_line(rest.decode(errors="replace"))
            transport.close()

    def _take_line(self, line: str) -> None:
        self._log.write(line)
        if line.strip():
            self._last_lines = [*self._last_lines, line.strip()][-_LAST_LINES:]
        if self.quiet or self.stopping or self.process.notices is None:
            return
        notice = self.process.notices(line)
        if notice is not None:
            self._console.notice(self.process.name, notice)

    async def _tell_back(self) -> None:
        """After a restart, say when the child can do its job again."""
        if not self.restarts or self.process.probe is None:
            return
        began = self._clock.monotonic()
        while await self.process.probe():
            await self._clock.sleep(POLL_SECONDS)
        took = self._clock.monotonic() - began
        self._console.event(self.process.name, "ok", f"ready again after {took:.1f} s")

    def _tell_end(self, status: int, pause: float) -> None:
        name = self.process.name
        self._console.event(name, "error", f"ended ({describe(status)}); starts again in {pause:g} s")
        if status > 0:
            for line in self._last_lines:
                self._console.line(f"           {line[:200]}")


def describe(status: int) -> str:
    """Say how a process ended, from Popen's return code."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def _spawn(process: Process, mark: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    # Not asyncio's own subprocesses: they give the pid only after the loop ran, and till then an orphan's sweep could
    # take the newborn for an orphan.
    return subprocess.Popen(  # noqa: S603 - the arguments are ours
        _command(process),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=process.cwd, env={**os.environ, **process.env, **mark}, start_new_session=True,
    )  # fmt: skip


def _command(process: Process) -> list[str]:
    options = ["--parent", str(os.getpid()), "--death-signal", str(int(process.stop_signal))]
    if process.user is not None:
        options += ["--uid", str(process.user.uid), "--gid", str(process.user.gid)]
        if process.user.pass_closed_folders:
            options.append("--pass-closed-folders")
    return [sys.executable, "-I", "-S", launch.__file__, *options, "--", *process.argv]
