"""Which workers live, from their heartbeats; no input or output."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.celery.names import host_of

_MISSED = 3
_MOST = 2000


@dataclass
class _Worker:
    seen: float
    every: float
    up: bool = True
    active: int = 0
    processed: int = 0


class Workers:
    """All workers heard of; times are of a monotonic clock, in seconds.

    A worker is down when it says so or when three of its heartbeats are missing; after `forget` seconds of silence its
    series end, so that pods that are gone for good do not stay.
    """

    def __init__(self, *, every: float = 2.0, forget: float = 600.0) -> None:
        self._every, self._forget = every, forget
        self._workers: dict[str, _Worker] = {}

    def apply(self, event: Mapping[str, Any], monotonic: float) -> bool:
        """Take one event and tell whether it shows a worker that was not up before.

        Worker events tell everything, a task event of a known worker that it lives.
        """
        kind, node = str(event.get("type")), str(event.get("hostname") or "")
        worker = self._workers.get(node)
        if kind.startswith("task-"):
            if worker is not None and kind != "task-sent":
                worker.seen = monotonic
            return False
        if not kind.startswith("worker-") or not node:
            return False
        new = worker is None or not worker.up or kind == "worker-online"
        if worker is None:
            if len(self._workers) >= _MOST:
                return False
            worker = self._workers[node] = _Worker(monotonic, self._every)
        worker.seen = monotonic
        worker.up = kind != "worker-offline"
        worker.every = float(event.get("freq") or self._every)
        worker.active = int(event.get("active") or 0)
        worker.processed = int(event.get("processed") or worker.processed)
        return new and worker.up

    def listening_again(self, monotonic: float) -> None:
        """Give every worker new time to show itself: while we did not listen, none could be heard."""
        for worker in self._workers.values():
            worker.seen = monotonic

    def is_up(self, node: str, monotonic: float) -> bool:
        """Tell whether a worker lives."""
        worker = self._workers.get(node)
        return worker is not None and worker.up and monotonic - worker.seen <= _MISSED * worker.every

    def forget(self, monotonic: float) -> list[str]:
        """Forget those that have been silent for long, and return them."""
        silent = [node for node, worker in self._workers.items() if monotonic - worker.seen > self._forget]
        for node in silent:
            del self._workers[node]
        return silent

    def write(self, sheet: Sheet, monotonic: float, events_enabled: Mapping[str, bool] | None = None) -> None:
        """Write each worker; `events_enabled` says by node whether it answered that it sends task events."""
        for node, worker in self._workers.items():
            where = {"hostname": host_of(node), "worker": node}
            up = self.is_up(node, monotonic)
            sheet.gauge("celery_worker_up", "1 while the worker sends heartbeats.", up, **where)
            active = worker.active if up else 0
            sheet.gauge("celery_worker_tasks_active", "Tasks that the worker executes.", active, **where)
            sheet.counter("celery_worker_processed_total", "Tasks that it has finished.", worker.processed, **where)
            if events_enabled is not None:
                text = "1 when the worker answered that it sends task events, 0 when not."
                sheet.gauge("celery_worker_events_enabled", text, events_enabled.get(node, False), **where)

    def write_flower(self, sheet: Sheet, monotonic: float) -> None:
        """Write the worker metrics of flower."""
        for node, worker in self._workers.items():
            up = self.is_up(node, monotonic)
            sheet.gauge("flower_worker_online", "Worker online status", up, worker=node)
            text = "Number of tasks currently executing at a worker"
            active = worker.active if up else 0
            sheet.gauge("flower_worker_number_of_currently_executing_tasks", text, active, worker=node)
