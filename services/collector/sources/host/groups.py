"""Which processes belong to which group, and what those that have ended had used."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from services.collector.sources.host.config import ProcessGroup

_FORGET_AFTER = 60.0
"""Seconds after which all are looked at again: a process may become another program."""

Used = Mapping[str, float]


@dataclass
class Group:
    """Sums of one group; counters hold what ended processes had used when they were last seen."""

    last: dict[tuple[int, float], Used] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def count(self, now: Mapping[tuple[int, float], Used]) -> dict[str, float]:
        """Return the counters' sums; they never go back when a process ends."""
        for key in self.last.keys() - now.keys():
            for name, value in self.last[key].items():
                self.ended[name] = self.ended.get(name, 0.0) + value
        self.last = dict(now)
        sums = dict(self.ended)
        for used in now.values():
            for name, value in used.items():
                sums[name] = sums.get(name, 0.0) + value
        return sums


class Groups:
    """Looks at each process once a minute; others are known by number and start."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, float], tuple[str, str]] = {}
        self._forgotten_at = 0.0
        self.sums: dict[str, Group] = {}

    def processes(self, now: float) -> list[tuple[psutil.Process, str, str]]:
        """Return all processes with name and command line."""
        if abs(now - self._forgotten_at) >= _FORGET_AFTER:
            self._known, self._forgotten_at = {}, now
        found, known = [], {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                key = (process.pid, process.create_time())
                words = self._known.get(key) or (process.name(), " ".join(process.cmdline()))
                known[key] = words
                found.append((process, *words))
        self._known = known
        return found


def members(
    group: ProcessGroup, processes: list[tuple[psutil.Process, str, str]], base: Path
) -> Iterator[psutil.Process]:
    """Yield a group's processes; none while its pid file is missing."""
    pid = None
    if group.pid_file is not None:
        try:
            pid = int((base / group.pid_file).read_text(encoding="utf-8").split()[0])
        except (OSError, ValueError, IndexError):
            return
    pattern = None if group.cmdline is None else re.compile(group.cmdline)
    chosen: set[int] = set()
    for process, name, line in processes:
        if pid is not None and process.pid != pid:
            continue
        if group.comm is not None and name != group.comm:
            continue
        if pattern is not None and not pattern.search(line):
            continue
        chosen.add(process.pid)
    if group.children:
        _add_children(chosen, processes)
    yield from (process for process, _, _ in processes if process.pid in chosen)


def _add_children(chosen: set[int], processes: list[tuple[psutil.Process, str, str]]) -> None:
    parents = {}
    for process, _, _ in processes:
        with suppress(psutil.Error):
            parents[process.pid] = process.ppid()
    while True:
        more = {pid for pid, parent in parents.items() if parent in chosen} - chosen
        if not more:
            return
        chosen |= more
