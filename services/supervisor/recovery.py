"""Leftovers of a supervisor that was killed: found by pid file and mark, ended before anything new starts."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from services.common.clock import Clock
from services.supervisor.datadir import write_private
from services.supervisor.procfs import PROC, Identity, all_stats, boot_id, read_stat

MARK = "TOCSIN_SUPERVISED_BY"
"""Environment variable of every child: the data folder that it belongs to."""
_POLL = 0.05


def write_pid_file(folder: Path, name: str, identity: Identity, stop_signal: int) -> Path:
    """Note which process runs under that name and how it is asked to end."""
    text = json.dumps({**asdict(identity), "stop_signal": int(stop_signal)})
    return write_private(folder / f"{name}.pid", text + "\n")


def read_pid_file(path: Path) -> tuple[Identity, int] | None:
    """Return the process and its stop signal; None for a file that a full disk or a crash left half written."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Identity(int(data["pid"]), int(data["started"]), str(data["boot"])), int(data["stop_signal"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def end_leftovers(root: Path, run: Path, clock: Clock, *, patience: float = 10.0) -> list[str]:
    """End what an earlier supervisor of the data folder `root` left running; return the names of those.

    Those named by pid files are asked first, each by its own signal, and killed after `patience` seconds; then
    whatever bears the folder's mark is killed. The caller holds the folder's lock, so no living supervisor owns them.
    """
    records = _read_all(run)
    running = {name: record for name, record in records.items() if record[0].alive()}
    for identity, stop_signal in running.values():
        identity.signal(stop_signal)
    deadline = clock.monotonic() + patience
    while any(identity.alive() for identity, _ in running.values()) and clock.monotonic() < deadline:
        await clock.sleep(_POLL)
    rest = [identity for identity, _ in running.values()] + list(_marked(root))
    for identity in rest:
        identity.signal(signal.SIGKILL)
    while any(identity.alive() for identity in rest):
        await clock.sleep(_POLL)
    _remove_all(run)
    return sorted(running)


def _marked(root: Path) -> Iterator[Identity]:
    """Yield the processes that bear the folder's mark, but for ourselves and those above us."""
    mark = f"{MARK}={root}".encode()
    spared, boot = _line_of_parents(), boot_id()
    for stat in all_stats():
        if stat.pid in spared or stat.dead:
            continue
        try:
            environ = (PROC / str(stat.pid) / "environ").read_bytes()
        except OSError:
            # Another user's process, or one that ended meanwhile: not ours to end.
            continue
        if mark in environ.split(b"\0"):
            yield Identity(stat.pid, stat.started, boot)


def _line_of_parents() -> set[int]:
    line, pid = set(), os.getpid()
    while pid > 0 and pid not in line:
        line.add(pid)
        stat = read_stat(pid)
        pid = stat.ppid if stat is not None else 0
    return line


def _read_all(folder: Path) -> dict[str, tuple[Identity, int]]:
    records = {path.stem: read_pid_file(path) for path in sorted(folder.glob("*.pid"))}
    return {name: record for name, record in records.items() if record is not None}


def _remove_all(folder: Path) -> None:
    for path in folder.glob("*.pid"):
        path.unlink(missing_ok=True)
