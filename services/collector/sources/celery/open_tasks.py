"""Tasks that have been sent and have not ended: a bounded table, from which waits, runtimes and ages come."""

from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.collector.sources.celery.histogram import Histogram


_MOST_ENDED = 2000


class OpenTask:
    """One task; times are the events' own, in seconds since the epoch."""

    __slots__ = ("due", "name", "queue", "received", "started", "wait")

    def __init__(self, name: str, queue: str) -> None:
        self.name, self.queue = name, queue
        self.due: float | None = None
        """When it was sent, or its eta where that is later."""
        self.received: float | None = None
        self.started: float | None = None
        self.wait: Histogram | None = None
        """Where its wait belongs, when it was started before its sender's event told since when it waited."""


class OpenTasks:
    """At most `most` tasks by id; when there are more, the one that came first is forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: OrderedDict[str, OpenTask] = OrderedDict()
        self._ended: OrderedDict[str, OpenTask] = OrderedDict()
        self._waiting: dict[str, OrderedDict[str, float]] = {}
        self.get = self._tasks.get

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, uuid: str, task: OpenTask) -> OpenTask:
        """Remember a task."""
        self._tasks[uuid] = task
        if len(self._tasks) > self._most:
            oldest, gone = self._tasks.popitem(last=False)
            self._leave(oldest, gone)
        return task

    def sent(self, uuid: str, task: OpenTask, due: float) -> None:
        """Note that a task waits in its queue."""
        task.due = due
        if task.wait is not None and task.started is not None:
            task.wait.observe(max(task.started - due, 0.0))
            task.wait = None
        if task.received is None and task.started is None:
            self._waiting.setdefault(task.queue, OrderedDict())[uuid] = due

    def taken(self, uuid: str, task: OpenTask) -> None:
        """Note that a worker has the task."""
        self._leave(uuid, task)

    def end(self, uuid: str, task: OpenTask) -> None:
        """Forget a task; for a while only its end is remembered, as its sender's event may come later still."""
        self._tasks.pop(uuid, None)
        self._leave(uuid, task)
        if task.due is None:
            self._ended[uuid] = task
            if len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)

    def pop_ended(self, uuid: str) -> OpenTask | None:
        """Return a task that has ended before its sender's event came, once."""
        return self._ended.pop(uuid, None)

    def sent_at(self, uuid: str) -> float | None:
        """Return when a task was sent, None where its event was not seen."""
        task = self._tasks.get(uuid)
        return task.due if task is not None else None

    def oldest_waiting(self, queue: str, length: int) -> float | None:
        """Return when the oldest of a queue's `length` messages was sent, None where that is not known.

        A queue is first in, first out: its messages are the last `length` that were sent. What is older in the table
        has left the queue without an event that told us.
        """
        waiting = self._waiting.get(queue)
        if not waiting or length <= 0:
            return None
        return min(islice(reversed(waiting.values()), length))

    def _leave(self, uuid: str, task: OpenTask) -> None:
        waiting = self._waiting.get(task.queue)
        if waiting is not None:
            waiting.pop(uuid, None)
            if not waiting:
                del self._waiting[task.queue]
