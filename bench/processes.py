"""Starting the sides of a comparison, and their CPU time from /proc."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 10


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Side:
    """One started process, stopped by its id when the stack closes."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name, self.process, self.log = name, process, log

    def cpu_seconds(self) -> float:
        """Return user + system time so far (fields 14 and 15 of /proc/PID/stat)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_bytes(self) -> int:
        """Return the resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

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
    """Start a process in a folder; its output goes to `<name>.log` there."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(argv), cwd=folder, stdout=output, stderr=output, env={**os.environ, **(env or {})}
        )
    side = Side(name, process, log)
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
