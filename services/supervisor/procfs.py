"""What the kernel says about processes: who lives, since when, and who belongs to whom."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """One process at one moment; `started` is in clock ticks since boot, so (pid, started) names it for a boot."""

    pid: int
    state: str
    ppid: int
    session: int
    started: int

    @property
    def dead(self) -> bool:
        """Tell whether it has ended and only waits to be reaped."""
        return self.state in "ZX"


def read_stat(pid: int) -> Stat | None:
    """Return what /proc/<pid>/stat says, or None when there is no such process."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name stands in brackets and may hold anything; what follows its last bracket is regular.
    fields = text[text.rindex(")") + 2 :].split()
    return Stat(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def all_stats() -> Iterator[Stat]:
    """Yield every process."""
    for entry in os.listdir(PROC):  # noqa: PTH208 - names are all that is needed, a thousand times
        if entry.isdigit() and (stat := read_stat(int(entry))) is not None:
            yield stat


def boot_id() -> str:
    """Return what tells this boot of the machine from others."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True)
class Identity:
    """A process for good: a pid that is used again later has another start."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Return the identity of a process that exists."""
        stat = read_stat(pid)
        return None if stat is None else cls(pid, stat.started, boot_id())

    def alive(self) -> bool:
        """Tell whether that very process still runs."""
        stat = read_stat(self.pid)
        return stat is not None and not stat.dead and stat.started == self.started and boot_id() == self.boot

    def signal(self, number: int) -> bool:
        """Send a signal to that very process and no later owner of its pid; False when it is gone."""
        if self.pid <= 1:
            return False
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True
