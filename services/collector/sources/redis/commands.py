"""Command statistics: those that take the most time by name, all others added up, so that the cost stays flat."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from services.collector.sheet import Sheet, escape

_STATS = re.compile(
    r"cmdstat_([^:]+):calls=(\d+),usec=(\d+),usec_per_call=[^,]*(?:,rejected_calls=(\d+),failed_calls=(\d+))?"
)
_OTHER = "other"
_SWAP = 2
"""A command takes another's place when it has taken twice its time: places that change often make series that end."""
_MOST_ERRORS = 64
_ERRORS = re.compile(r"^errorstat_([^:]*):count=(\d+)", re.MULTILINE)

_FAMILIES = (
    ("redis_commands_total", "Calls by command."),
    ("redis_commands_duration_seconds_total", "Time spent by command, in seconds."),
    ("redis_commands_rejected_calls_total", "Calls by command that were refused before they ran."),
    ("redis_commands_failed_calls_total", "Calls by command that failed."),
)

Stats: TypeAlias = tuple[int, int, int, int]
"""Calls, microseconds, rejected and failed calls."""
_NONE: Stats = (0, 0, 0, 0)


@dataclass(frozen=True)
class Shown:
    """What is given by name, and the sum of the rest (None where there is no rest)."""

    named: Mapping[str, Stats]
    other: Stats | None


class StatsReader:
    """Reads INFO's Commandstats; a line that is as it was gives the very same tuple again, without being read."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[str, Stats] | None] = {}

    def read(self, text: str) -> dict[str, Stats]:
        """Return the statistics by command; before Redis 6.2 there are no rejected and failed calls: 0."""
        before = self._lines
        self._lines = {line: before[line] if line in before else _read_line(line) for line in text.splitlines()}
        return dict(found for found in self._lines.values() if found is not None)


def _read_line(line: str) -> tuple[str, Stats] | None:
    match = _STATS.match(line)
    if match is None:
        return None
    cmd, calls, usec, rejected, failed = match.groups()
    return cmd, (int(calls), int(usec), int(rejected or 0), int(failed or 0))


class CommandStats:
    """Chooses the commands; remembers the others' last values, as their sum may never go back but at a restart.

    A command that leaves the rest takes its past out of a plain sum, which would look like a restart to whoever takes
    the rate. So the sum grows by what each command of the rest did since the last scrape.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._shown: set[str] = set()
        self._last: dict[str, Stats] = {}
        self._other = _NONE
        self.reader = StatsReader()
        self._any_other = False

    @property
    def known(self) -> bool:
        """Whether a scrape has been seen."""
        return bool(self._shown)

    def busiest(self, count: int) -> list[str]:
        """Return the shown commands that took the most time, by name."""
        ranked = sorted(self._shown, key=lambda cmd: self._last[cmd][1], reverse=True)
        return sorted(ranked[:count])

    def take(self, stats: Mapping[str, Stats]) -> Shown:
        """Return what is to be written for a scrape's statistics."""
        self._choose(stats)
        rest = [cmd for cmd in stats if cmd not in self._shown]
        if rest:
            self._any_other = True
            for cmd in rest:
                self._count(stats[cmd], self._last.get(cmd, _NONE))
        self._last = dict(stats)
        named = {cmd: stats[cmd] for cmd in sorted(self._shown)}
        return Shown(named, self._other if self._any_other else None)

    def _count(self, now: Stats, before: Stats) -> None:
        if now is before:
            return
        if now[0] < before[0]:
            # The server has started anew, or CONFIG RESETSTAT was given.
            before = _NONE
        calls, usec, rejected, failed = (
            sum_ + new - old for sum_, new, old in zip(self._other, now, before, strict=True)
        )
        self._other = (calls, usec, rejected, failed)

    def _choose(self, stats: Mapping[str, Stats]) -> None:
        self._shown.intersection_update(stats)
        waiting = [cmd for cmd in stats if cmd not in self._shown]
        free = self._most - len(self._shown)
        if waiting and free > 0:
            waiting.sort(key=lambda cmd: stats[cmd][1], reverse=True)
            self._shown.update(waiting[:free])
            waiting = waiting[free:]
        # Only one that was called since the last time can have overtaken another.
        waiting = [cmd for cmd in waiting if stats[cmd] is not self._last.get(cmd)]
        while waiting:
            busiest = max(waiting, key=lambda cmd: stats[cmd][1])
            least = min(self._shown, key=lambda cmd: stats[cmd][1])
            if stats[busiest][1] <= _SWAP * stats[least][1]:
                break
            self._shown.remove(least)
            self._shown.add(busiest)
            waiting.remove(busiest)


def write_commands(sheet: Sheet, shown: Shown) -> None:
    """Write the statistics under redis_exporter's names."""
    calls, seconds, rejected, failed = (sheet.family(name, "counter", text).rows for name, text in _FAMILIES)
    (calls_name, _), (seconds_name, _), (rejected_name, _), (failed_name, _) = _FAMILIES
    items: Iterable[tuple[str, Stats]] = shown.named.items()
    if shown.other is not None:
        items = (*items, (_OTHER, shown.other))
    for cmd, stats in items:
        label = f'cmd="{escape(cmd)}"'
        calls.append((calls_name, label, str(stats[0])))
        seconds.append((seconds_name, label, repr(stats[1] / 1e6)))
        rejected.append((rejected_name, label, str(stats[2])))
        failed.append((failed_name, label, str(stats[3])))


def write_errors(sheet: Sheet, text: str) -> None:
    """Write the error replies by kind, the most frequent ones: scripts may make up kinds without end."""
    found = sorted(_ERRORS.findall(text), key=lambda pair: int(pair[1]), reverse=True)
    for err, count in found[:_MOST_ERRORS]:
        sheet.counter("redis_errors_total", "Error replies by kind.", int(count), err=err)
