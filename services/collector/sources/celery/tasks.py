"""Task events counted; no input or output, and nothing kept of a task once it has ended."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.collector.sources.celery.histogram import Histogram
from services.collector.sources.celery.names import OTHER, UNKNOWN, bounded, eta_seconds, exception_class
from services.collector.sources.celery.open_tasks import OpenTask, OpenTasks

RUNTIME_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
WAIT_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
DURATION_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
EVENT_TYPES = (
    "task-sent", "task-received", "task-started", "task-succeeded",
    "task-failed", "task-rejected", "task-revoked", "task-retried",
)  # fmt: skip
_INDEX = {kind: index for index, kind in enumerate(EVENT_TYPES)}
SENT, RECEIVED, STARTED, SUCCEEDED, FAILED, _REJECTED, _REVOKED, RETRIED = range(len(EVENT_TYPES))
_OUTCOMES = {SUCCEEDED: "succeeded", FAILED: "failed", RETRIED: "retried"}
_ENDS = frozenset({SUCCEEDED, FAILED, _REJECTED, _REVOKED})

Key = tuple[str, str, str]
"""Task name, node, queue."""


class Row:
    """What is counted of one task name on one node and queue."""

    __slots__ = ("counts", "failures", "on_worker", "prefetch", "runtime", "wait")

    def __init__(self) -> None:
        self.counts = [0] * len(EVENT_TYPES)
        self.failures: dict[str, int] = {}
        """By exception class."""
        self.runtime: Histogram | None = None
        self.wait: Histogram | None = None
        self.prefetch = 0.0
        """Seconds that the last started task had lain with its worker."""
        self.on_worker = False
        """Whether the node is one that executes: its counters start at 0; a sender has but what it sent."""


class Tasks:
    """Rows by (name, node, queue); at most `max_names` task names, `max_nodes` nodes and `max_open` tasks under way.

    From the limit on a new name is "other"; a new node takes the place of the one that has been silent the longest,
    as nodes of a cluster come and go.
    """

    def __init__(
        self, default_queue: str, *, max_names: int = 500, max_open: int = 20_000, max_nodes: int = 500
    ) -> None:
        self._default_queue, self._max_names, self._max_nodes = default_queue, max_names, max_nodes
        self._names: set[str] = set()
        self._classes: set[str] = set()
        self._queues: set[str] = set()
        self._rows: dict[Key, Row] = {}
        self._nodes: OrderedDict[str, set[Key]] = OrderedDict()
        self.durations: dict[tuple[str, str, str], Histogram] = {}
        """Time by (name, queue, outcome)."""
        self.open = OpenTasks(max_open)

    @property
    def under_way(self) -> int:
        """How many tasks are remembered."""
        return len(self.open)

    def rows(self) -> Iterator[tuple[Key, Row]]:
        """Go over all rows."""
        return iter(self._rows.items())

    def apply(self, event: Mapping[str, Any]) -> str:
        """Count one event as Celery sends it and return the task's name; events of unknown types change nothing."""
        kind = _INDEX.get(event.get("type"))  # type: ignore[arg-type]  # a dictionary answers any key
        if kind is None:
            return ""
        uuid = str(event.get("uuid"))
        task = self._find(uuid, event, kind)
        row = self._row((task.name, str(event.get("hostname") or UNKNOWN), task.queue))
        row.counts[kind] += 1
        at = float(event.get("timestamp") or 0.0)
        if kind == SENT:
            self.open.sent(uuid, task, max(at, eta_seconds(event.get("eta"))))
            return task.name
        row.on_worker = True
        if kind == RECEIVED:
            task.received = at
            self.open.taken(uuid, task)
        elif kind == STARTED:
            self._started(row, uuid, task, at)
        else:
            self._ended(kind, row, task, event, at)
            if kind in _ENDS:
                self.open.end(uuid, task)
        return task.name

    def register(self, node: str, queue: str, names: Iterable[str]) -> None:
        """Begin the counters of tasks that a worker knows at 0, so that the first failure is a rise."""
        for name in names:
            self._row((bounded(name, self._names, self._max_names), node, queue)).on_worker = True

    def forget(self, node: str) -> None:
        """Drop all rows of a node that is gone for good."""
        for key in self._nodes.pop(node, ()):
            del self._rows[key]

    def _row(self, key: Key) -> Row:
        row = self._rows.get(key)
        if row is not None:
            self._nodes.move_to_end(key[1])
            return row
        keys = self._nodes.get(key[1])
        if keys is None:
            if len(self._nodes) >= self._max_nodes:
                self.forget(next(iter(self._nodes)))
            keys = self._nodes[key[1]] = set()
        keys.add(key)
        row = self._rows[key] = Row()
        return row

    def _find(self, uuid: str, event: Mapping[str, Any], kind: int) -> OpenTask:
        task = self.open.get(uuid)
        queue = event.get("queue")
        if task is None and kind == SENT:
            task = self.open.pop_ended(uuid)
        if task is None:
            name = bounded(str(event.get("name") or UNKNOWN), self._names, self._max_names)
            return self.open.add(uuid, OpenTask(name, self._queue(queue)))
        if queue:
            # A worker may be faster than the sender's own event, which alone names the queue.
            task.queue = self._queue(queue)
        return task

    def _queue(self, queue: object) -> str:
        return bounded(str(queue), self._queues, self._max_names) if queue else self._default_queue

    def _started(self, row: Row, uuid: str, task: OpenTask, at: float) -> None:
        self.open.taken(uuid, task)
        task.started = at
        if task.received is not None:
            row.prefetch = max(at - task.received, 0.0)
        if row.wait is None:
            row.wait = Histogram(WAIT_BOUNDS)
        if task.due is None:
            task.wait = row.wait
        else:
            row.wait.observe(max(at - task.due, 0.0))

    def _ended(self, kind: int, row: Row, task: OpenTask, event: Mapping[str, Any], at: float) -> None:
        if kind == FAILED:
            name = bounded(exception_class(event.get("exception")), self._classes, self._max_names)
            row.failures[name] = row.failures.get(name, 0) + 1
        outcome = _OUTCOMES.get(kind)
        if outcome is None:
            return
        runtime = event.get("runtime")
        if kind == SUCCEEDED and runtime is not None:
            if row.runtime is None:
                row.runtime = Histogram(RUNTIME_BOUNDS)
            row.runtime.observe(float(runtime))
        # Celery gives a runtime to tasks that succeed; the others are timed by their events.
        took = float(runtime) if runtime is not None else (at - task.started if task.started is not None else None)
        if took is not None:
            where = (task.name, task.queue, outcome)
            duration = self.durations.get(where)
            if duration is None:
                duration = self.durations[where] = Histogram(DURATION_BOUNDS)
            duration.observe(max(took, 0.0))


__all__ = ["EVENT_TYPES", "OTHER", "Key", "Row", "Tasks"]
