"""No process that a child left behind lives on: they fall to the supervisor, which ends and reaps them."""

import contextlib
import os
import signal

from services.supervisor.launch import prctl
from services.supervisor.procfs import Stat, all_stats

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 10


def become_subreaper() -> None:
    """Have the kernel give us what our descendants leave behind, instead of giving it to init."""
    prctl("becoming the reaper of orphans", _PR_SET_CHILD_SUBREAPER, 1)


class Reaper:
    """Knows the children that are meant to live; each leads a session of its own."""

    def __init__(self) -> None:
        self.living: set[int] = set()

    def sweep(self) -> int:
        """Kill and reap what ended children left behind; return how many were killed.

        Only processes whose parent is this very process can match, so nothing that we did not start is ever touched.
        """
        killed: set[int] = set()
        # What an orphan has started falls to us only when the orphan is gone.
        for _ in range(_ROUNDS):
            orphans = self._orphans()
            if not orphans:
                break
            for stat in orphans:
                if not stat.dead:
                    killed.add(stat.pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(stat.pid, signal.SIGKILL)
                # Those that take longer to die are reaped by a later round or sweep.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(stat.pid, os.WNOHANG)
        return len(killed)

    def _orphans(self) -> list[Stat]:
        own, own_session = os.getpid(), os.getsid(0)
        # What runs in our own session are tools that some of our code runs and awaits itself.
        return [
            stat
            for stat in all_stats()
            if stat.ppid == own and stat.session != own_session and stat.pid not in self.living
        ]
