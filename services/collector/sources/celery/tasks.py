"""Task events counted; no input or output, and nothing kept of a task once it has ended."""

import re
from bisect import bisect_left
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.collector.sheet import Sheet

RUNTIME_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
WAIT_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
DURATION_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
OTHER, UNKNOWN = "other", "unknown"
_OUTCOMES = {"task-succeeded": "succeeded", "task-failed": "failed", "task-retried": "retried"}
_HELP = {
    "task-sent": "Task messages that were published.",
    "task-received": "Tasks that a worker has received.",
    "task-started": "Tasks whose execution began.",
    "task-succeeded": "Tasks that succeeded.",
    "task-failed": "Tasks that failed, by exception.",
    "task-rejected": "Tasks that a worker rejected.",
    "task-revoked": "Tasks that were revoked.",
    "task-retried": "Tasks that failed and will be tried again.",
}
_ENDS = frozenset({"task-succeeded", "task-failed", "task-rejected", "task-revoked"})
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w{0,99})")


def host_of(node: str) -> str:
    """Return the host part of a node name: `w1@vm` gives `vm`, as the peer's `hostname` label."""
    return node.rpartition("@")[2]


def exception_class(text: object) -> str:
    """Return the class from an exception's repr."""
    match = _EXCEPTION.match(str(text or ""))
    return match[1] if match else UNKNOWN


@dataclass
class Histogram:
    """Counts by bound, not cumulated, and the sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class _Open:
    name: str
    queue: str
    due: float | None = None
    started: float | None = None


class Tasks:
    """Counters by (name, hostname, queue_name); at most `max_names` task names and `max_open` tasks under way."""

    def __init__(self, default_queue: str, *, max_names: int = 500, max_open: int = 20_000) -> None:
        self._default_queue, self._max_names, self._max_open = default_queue, max_names, max_open
        self._names: set[str] = set()
        self._classes: set[str] = set()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._counts: dict[str, Counter[tuple[str, ...]]] = {kind: Counter() for kind in _HELP}
        self._known: set[tuple[str, str, str]] = set()
        self._runtime: dict[tuple[str, str, str], Histogram] = {}
        self._wait: dict[tuple[str, str, str], Histogram] = {}
        self._duration: dict[tuple[str, str, str], Histogram] = {}

    @property
    def under_way(self) -> int:
        """How many tasks are remembered."""
        return len(self._open)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Count one event as Celery sends it; events of unknown types change nothing."""
        kind, uuid = str(event.get("type")), str(event.get("uuid"))
        if kind not in _HELP:
            return
        task = self._find(uuid, event)
        at = float(event.get("timestamp") or 0.0)
        key = (task.name, host_of(str(event.get("hostname") or UNKNOWN)), task.queue)
        if kind == "task-sent":
            task.due = max(at, _eta(event.get("eta")))
        else:
            self._fill(key)
        if kind == "task-failed":
            self._counts[kind][*key, self._bounded_class(exception_class(event.get("exception")))] += 1
        else:
            self._counts[kind][key] += 1
        if kind == "task-started":
            task.started = at
            if task.due is not None:
                self._wait.setdefault(key, Histogram(WAIT_BOUNDS)).observe(max(at - task.due, 0.0))
        elif kind in _OUTCOMES:
            self._took(kind, key, task, event, at)
        if kind in _ENDS:
            self._open.pop(uuid, None)

    def _find(self, uuid: str, event: Mapping[str, Any]) -> _Open:
        task = self._open.get(uuid)
        if task is None:
            name = str(event.get("name") or UNKNOWN)
            task = self._open[uuid] = _Open(self._bounded_name(name), str(event.get("queue") or self._default_queue))
            if len(self._open) > self._max_open:
                self._open.popitem(last=False)
        elif event.get("queue"):
            # A worker may be faster than the sender's own event, which alone names the queue.
            task.queue = str(event["queue"])
        return task

    def _took(self, kind: str, key: tuple[str, str, str], task: _Open, event: Mapping[str, Any], at: float) -> None:
        runtime = event.get("runtime")
        if kind == "task-succeeded" and runtime is not None:
            self._runtime.setdefault(key, Histogram(RUNTIME_BOUNDS)).observe(float(runtime))
        # Celery gives a runtime to tasks that succeed; the others are timed by their events.
        took = float(runtime) if runtime is not None else (at - task.started if task.started is not None else None)
        if took is not None:
            where = (key[0], key[2], _OUTCOMES[kind])
            self._duration.setdefault(where, Histogram(DURATION_BOUNDS)).observe(max(took, 0.0))

    def _fill(self, key: tuple[str, str, str]) -> None:
        # A counter that appears with its first failure has no rise; with zeros beforehand it has.
        if key not in self._known:
            self._known.add(key)
            for kind, counter in self._counts.items():
                if kind != "task-sent":
                    counter[(*key, "") if kind == "task-failed" else key] += 0

    def _bounded_name(self, name: str) -> str:
        return _bounded(name, self._names, self._max_names)

    def _bounded_class(self, name: str) -> str:
        return _bounded(name, self._classes, self._max_names)

    def write(self, sheet: Sheet) -> None:
        """Write all counters and histograms."""
        for kind, counter in self._counts.items():
            metric = f"celery_{kind.replace('-', '_')}_total"
            for key, value in counter.items():
                labels = dict(zip(("name", "hostname", "queue_name", "exception"), key, strict=False))
                sheet.counter(metric, _HELP[kind], value, **labels)
        for name, text, table, names in (
            ("celery_task_runtime", "Runtime of succeeded tasks.", self._runtime, ("name", "hostname", "queue_name")),
            (
                "celery_task_queue_wait_time",
                "From sent (or due) to started.",
                self._wait,
                ("name", "hostname", "queue_name"),
            ),
            ("celery_task_duration_seconds", "Time by outcome.", self._duration, ("name", "queue_name", "outcome")),
        ):
            for key, one in table.items():
                sheet.histogram(name, text, one.bounds, one.counts, one.total, dict(zip(names, key, strict=True)))


def _bounded(name: str, known: set[str], most: int) -> str:
    if name in known:
        return name
    if len(known) >= most:
        return OTHER
    known.add(name)
    return name


def _eta(value: object) -> float:
    if not isinstance(value, str):
        return 0.0
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return 0.0
