"""What is known of one broker's workers and tasks; the listening threads write it, a scrape reads it."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.celery.beat import Beat, Scheduled
from services.collector.sources.celery.inspection import Inspection, write_inspection
from services.collector.sources.celery.task_families import write_flower_tasks, write_tasks
from services.collector.sources.celery.tasks import Tasks
from services.collector.sources.celery.timetable import Timetable, read_beat_schedule
from services.collector.sources.celery.workers import Workers
from services.common.clock import Clock


class Watch:
    """Counters under one lock; `new_worker` is called, without the lock, when one shows itself."""

    def __init__(
        self,
        *,
        clock: Clock,
        tasks: Tasks,
        workers: Workers,
        beat: Beat,
        schedule: Sequence[Timetable],
        default_queue: str,
        new_worker: Callable[[], None],
    ) -> None:
        self.tasks, self.inspection = tasks, Inspection()
        self._clock, self._workers, self._beat = clock, workers, beat
        self._schedule, self._default_queue, self._new_worker = tuple(schedule), default_queue, new_worker
        self._lock = threading.Lock()
        beat.watch(self._schedule, clock.now())

    def take(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Count events as they came."""
        now, monotonic, new = self._clock.now(), self._clock.monotonic(), False
        with self._lock:
            for event in events:
                try:
                    new |= self._workers.apply(event, monotonic)
                    task = self.tasks.apply(event)
                except (TypeError, ValueError):
                    # A field of another type than Celery's, from a sender of its own making; the rest still counts.
                    continue
                if task:
                    self._beat.event(event["type"], task, now)
        if new:
            self._new_worker()

    def listening_again(self) -> None:
        """Note that events were lost up to now."""
        with self._lock:
            self._workers.listening_again(self._clock.monotonic())
            self._beat.listening_again(self._clock.now())

    def inspected(self, inspection: Inspection) -> None:
        """Take what the workers answered."""
        with self._lock:
            self.inspection = inspection
            for node, names in inspection.registered.items():
                self.tasks.register(node, inspection.usual_queue(node, self._default_queue), names)
            if inspection.beat is not None:
                own = {table.name for table in self._schedule}
                told = [table for table in read_beat_schedule(inspection.beat) if table.name not in own]
                self._beat.watch([*self._schedule, *told], self._clock.now())

    def scheduled(self) -> list[Scheduled]:
        """Return copies of what is known of the scheduled tasks, for the next process."""
        with self._lock:
            return [replace(one) for one in self._beat.state()]

    def sent_at(self, task_id: str) -> float | None:
        """Return when the task's event said that it was sent."""
        with self._lock:
            return self.tasks.open.sent_at(task_id)

    def oldest_waiting(self, queue: str, length: int) -> float | None:
        """Return when the oldest of a queue's messages was sent, as events said."""
        with self._lock:
            return self.tasks.open.oldest_waiting(queue, length)

    def write_workers(self, sheet: Sheet, *, flower: bool) -> None:
        """Write workers and scheduled tasks; to be called only while events are heard."""
        monotonic = self._clock.monotonic()
        with self._lock:
            for node in self._workers.forget(monotonic):
                self.tasks.forget(node)
            self._beat.advance(self._clock.now())
            self._workers.write(sheet, monotonic, self.inspection.events_enabled)
            if flower:
                self._workers.write_flower(sheet, monotonic)
                for node, count in self.inspection.prefetched.items():
                    text = "Number of tasks of given type prefetched at a worker"
                    sheet.gauge("flower_worker_prefetched_tasks", text, count, worker=node, task="")
        write_inspection(sheet, self.inspection)

    def write_tasks(self, sheet: Sheet, *, flower: bool) -> None:
        """Write all counters, which go on whatever becomes of the broker."""
        with self._lock:
            write_tasks(sheet, self.tasks)
            if flower:
                write_flower_tasks(sheet, self.tasks)
            self._beat.write(sheet)
            sheet.gauge("celery_tasks_under_way", "Tasks that are remembered until they end.", self.tasks.under_way)
