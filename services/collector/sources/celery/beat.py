"""Scheduled tasks: when each last ran, when it is due, and how often it did not run; no input or output."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.collector.sheet import Sheet
from services.collector.sources.celery.timetable import Timetable

_MOST = 200
_MOST_STEPS = 1000
_EARLY = 5.0


@dataclass
class Scheduled:
    """What is known of one scheduled task."""

    table: Timetable
    due: float
    sent: float | None = None
    ran: float | None = None
    succeeded: float | None = None
    missed: int = 0


class Beat:
    """Watches runs by the events of their task; all times are seconds since the epoch, by our own clock.

    A run is missed when the task was not started (by whatever sent it) until `grace` seconds after it was due. While
    nothing is heard (`listening_again` ends that) nothing is missed. What an earlier process knew is `remembered`.
    """

    def __init__(self, grace: float, remembered: Iterable[Scheduled] = ()) -> None:
        self._grace = grace
        self._remembered = {one.table.name: one for one in remembered}
        self._watched: dict[str, Scheduled] = {}
        self._by_task: dict[str, list[Scheduled]] = {}

    def watch(self, tables: Iterable[Timetable], now: float) -> None:
        """Take the timetables in force; what is known of unchanged ones stays."""
        before, self._watched = self._watched, {}
        for table in tables:
            if len(self._watched) >= _MOST:
                break
            old = before.get(table.name) or self._resumed(table.name, now)
            known = old if old is not None and old.table == table else Scheduled(table, table.next_after(now))
            self._watched[table.name] = known
        self._by_task = {}
        for one in self._watched.values():
            self._by_task.setdefault(one.table.task, []).append(one)

    def _resumed(self, name: str, now: float) -> Scheduled | None:
        one = self._remembered.pop(name, None)
        if one is not None:
            _skip_unheard(one, now)
        return one

    def state(self) -> list[Scheduled]:
        """Return what another process may go on with, also of entries that no worker has told again yet."""
        return [*self._watched.values(), *self._remembered.values()][:_MOST]

    def event(self, kind: str, task: str, now: float) -> None:
        """Take one task event."""
        for one in self._by_task.get(task, ()):
            if kind == "task-sent":
                one.sent = now
            elif kind == "task-started":
                self._started(one, now)
            elif kind == "task-succeeded":
                one.succeeded = now

    def _started(self, one: Scheduled, now: float) -> None:
        self._advance(one, now)
        one.ran = now
        # A crontab's task that somebody starts by hand in between does not stand for the run that is due.
        if one.table.every is not None or now >= one.due - _EARLY:
            one.due = one.table.next_after(max(now, one.due) if one.table.every is None else now)

    def listening_again(self, now: float) -> None:
        """Note that nothing was heard up to now: what was due meanwhile may have run."""
        for one in self._watched.values():
            _skip_unheard(one, now)

    def advance(self, now: float) -> None:
        """Count the runs that were due and did not come."""
        for one in self._watched.values():
            self._advance(one, now)

    def _advance(self, one: Scheduled, now: float) -> None:
        for _ in range(_MOST_STEPS):
            if now <= one.due + self._grace:
                return
            one.missed += 1
            one.due = one.table.next_after(one.due)
        one.due = one.table.next_after(now)

    def write(self, sheet: Sheet) -> None:
        """Write all scheduled tasks; a time that is not known yet has no sample."""
        prefix = "celery_scheduled_task_"
        for name, one in self._watched.items():
            where = {"schedule": name, "name": one.table.task}
            for part, text, value in (
                ("last_sent_timestamp_seconds", "When it was last put on a queue.", one.sent),
                ("last_run_timestamp_seconds", "When a worker last started it.", one.ran),
                ("last_success_timestamp_seconds", "When it last succeeded.", one.succeeded),
                ("next_run_timestamp_seconds", "When its next run is due.", one.due),
                ("interval_seconds", "From its next run to the one after.", one.table.next_after(one.due) - one.due),
            ):
                sheet.gauge(prefix + part, text, value, **where)
            text = "Runs that were due and did not start within the grace time."
            sheet.counter(prefix + "missed_runs_total", text, one.missed, **where)


def _skip_unheard(one: Scheduled, now: float) -> None:
    # A run that is still to come stays due: else a collector that is restarted each day would never miss a daily one.
    if one.due <= now:
        one.due = one.table.next_after(now)
