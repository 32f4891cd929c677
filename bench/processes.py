"""Starting the sides of a comparison, and their CPU time from /proc."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from services.supervisor import launch as launcher

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 10
Launch = Callable[[], "subprocess.Popen[bytes]"]


def own_host(pid: int) -> str:
    """Return a loopback address for the servers of one process: no other can take a port of it in between."""
    return f"127.{100 + pid // 62_500 % 100}.{pid // 250 % 250}.{1 + pid % 250}"


HOST = own_host(os.getpid())


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port of a loopback address that nobody listens on now; take HOST where other programs take ports too."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Side:
    """One started process, stopped by its id when the stack closes; `launch` starts it once more after a kill."""

    def __init__(
        self, name: str, process: "subprocess.Popen[bytes]", log: Path, launch: "Launch | None" = None
    ) -> None:
        self.name, self.process, self.log, self._launch = name, process, log, launch

    def cpu_seconds(self) -> float:
        """Return user + system time so far (fields 14 and 15 of /proc/PID/stat)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_bytes(self) -> int:
        """Return the resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def peak_bytes(self) -> int:
        """Return the most memory that was resident so far (VmHWM)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))

    def kill(self) -> None:
        """End the process as a crash does."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start the process again as it was started first."""
        if self._launch is None:
            raise RuntimeError(f"{self.name} can't be started again")
        self.process = self._launch()

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    stack: AsyncExitStack, name: str, argv: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
) -> Side:
    """Start a process in a folder; its output goes to `<name>.log` there. It ends with us, however we end."""
    log = folder / f"{name}.log"
    tied = ["--parent", str(os.getpid()), "--death-signal", str(int(signal.SIGKILL))]
    command = [sys.executable, "-I", "-S", launcher.__file__, *tied, "--", shutil.which(argv[0]) or argv[0], *argv[1:]]

    def launch() -> "subprocess.Popen[bytes]":
        with log.open("ab") as output:
            return subprocess.Popen(
                command, cwd=folder, stdout=output, stderr=output, env={**os.environ, **(env or {})}
            )

    side = Side(name, launch(), log, launch)
    stack.callback(side.stop)
    return side


async def wait_ready(side: Side, url: str, seconds: float = 30) -> None:
    """Wait until the URL answers 200; raises RuntimeError with the end of the log when that fails."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    async with aiohttp.ClientSession() as session:
        while loop.time() < deadline and side.process.poll() is None:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"{side.name} did not get ready:\n{side.log.read_text(errors='replace')[-2000:]}")
