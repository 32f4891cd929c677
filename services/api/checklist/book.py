"""The checklist as it is known now, for `/metrics`; and the noting of what jobs have done."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.api.checklist.cadence import Plan, State, judge
from services.api.checklist.model import Reason, Task, TaskDetail, Tasks
from services.api.checklist.store import ChecklistStore
from services.api.checklist.usual import USUAL
from services.api.evaluator import EvaluatorClient, EvaluatorError
from services.common.clock import Clock

REFRESH = 10.0
# As with checks: what can't be read is not told as if it stood still.
STALE_AFTER = 60.0
BEAT = "tocsin:scheduled_task_last_success_timestamp_seconds"


class ChecklistBook(Collector):
    """Reads all tasks every 10 seconds; what is told about them is judged at the time of the question."""

    def __init__(self, store: ChecklistStore, evaluator: EvaluatorClient, clock: Clock) -> None:
        self.store, self._evaluator, self._clock = store, evaluator, clock
        self._rows: Sequence[Mapping[str, Any]] = ()
        self._read_at = float("-inf")
        self._beat_known = True

    async def round(self) -> None:
        """Note what jobs have done since, read all tasks, then wait; raises StorageUnavailableError."""
        await self.refresh()
        await self._clock.sleep(REFRESH)

    async def refresh(self) -> None:
        """Do the work of one round; raises StorageUnavailableError."""
        rows = await self.store.rows()
        done = await self.store.done_by_checks() | await self._done_by_beat(rows)
        if done:
            await self.store.note_jobs(done)
            rows = await self.store.rows()
        self._rows, self._read_at = rows, self._clock.now()

    async def _done_by_beat(self, rows: Sequence[Mapping[str, Any]]) -> dict[int, float]:
        waiting = [row for row in rows if row["source"] == "beat"]
        if not waiting:
            return {}
        try:
            found = await self._evaluator.instant(BEAT, self._clock.now())
        except EvaluatorError:
            # The poller tells of an evaluator that is away; here its tasks are unknown until it answers.
            self._beat_known = False
            return {}
        self._beat_known = True
        last = {sample.metric.get("schedule", ""): float(sample.value[1]) for sample in found.result}
        return {
            row["id"]: last[row["beat_task"]]
            for row in waiting
            if last.get(row["beat_task"], 0.0) > (row["last_done_at"] or 0.0)
        }

    async def all(self) -> Tasks:
        """Return all tasks as they stand; raises StorageUnavailableError."""
        tasks = [self._describe(row) for row in await self.store.rows()]
        names = {task.name for task in tasks}
        return Tasks(tasks=tasks, usual=[body.name for body in USUAL if body.name not in names])

    async def one(self, task_id: int) -> TaskDetail | None:
        """Return a task with its history, None when there is none; raises StorageUnavailableError."""
        rows = await self.store.rows(task_id)
        if not rows:
            return None
        return TaskDetail(**dict(self._describe(rows[0])), ticks=await self.store.ticks(task_id))

    def known(self) -> list[Task] | None:
        """Return all tasks as they were read last and stand now; None when that is too old to be told."""
        if self._clock.now() - self._read_at > STALE_AFTER:
            return None
        return [self._describe(row) for row in self._rows]

    def collect(self) -> Iterator[Metric]:
        """Return the series of the tasks whose state is known now."""
        overdue = GaugeMetricFamily(
            "tocsin_maintenance_task_overdue", "1 when the task was not done by its time and grace.", labels=["task"]
        )
        due = GaugeMetricFamily(
            "tocsin_maintenance_task_due_timestamp_seconds", "By when the task should be done next.", labels=["task"]
        )
        for task in self.known() or ():
            if task.state != "unknown":
                overdue.add_metric([task.name], float(task.state == "overdue"))
                due.add_metric([task.name], task.due_at)
        yield overdue
        yield due

    def _describe(self, row: Mapping[str, Any]) -> Task:
        return describe(row, self._clock.now(), beat_known=self._beat_known)


def describe(row: Mapping[str, Any], now: float, *, beat_known: bool = True) -> Task:
    """Return a row of the table as it stands; `beat_known=False`: nobody can tell what beat has run."""
    plan = Plan(row["cadence"], row["schedule"] or "", row["timezone"])
    turn = judge(plan, row["grace_seconds"], row["last_done_at"], row["created_at"], now)
    state: State = turn.state
    reason: Reason = ""
    if row["source"] == "check" and row["check_id"] is None:
        reason = "check_gone"
    elif row["source"] == "beat" and not beat_known and state != "waiting":
        state, reason = "unknown", "evaluator_away"
    known = {name: row[name] for name in Task.model_fields if name in row}
    return Task(**known, state=state, reason=reason, opens_at=turn.opens_at, due_at=turn.due_at)
