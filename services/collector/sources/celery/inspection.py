"""What workers answer when asked, as facts; no input or output."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.celery.names import host_of

_BUILT_IN = "celery."
_MOST_TASKS = 500


@dataclass(frozen=True)
class Inspection:
    """The last round of questions; empty until the first one."""

    events_enabled: Mapping[str, bool] = field(default_factory=dict)
    """By node; a node that was heard of and did not answer is not in it."""
    prefetched: Mapping[str, int] = field(default_factory=dict)
    queues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    processes: Mapping[str, int] = field(default_factory=dict)
    registered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beat: Mapping[str, Any] | None = None
    """`beat_schedule`, `timezone` and `enable_utc` of the workers' app; None where it was not asked for."""

    def queue_names(self) -> set[str]:
        """Return the queues that workers listen to."""
        return {queue for queues in self.queues.values() for queue in queues}

    def usual_queue(self, node: str, default: str) -> str:
        """Return the queue under which a node's tasks begin: the default one if it listens there, else its first."""
        queues = self.queues.get(node, ())
        return default if default in queues or not queues else queues[0]


def read_answers(
    enabled: Mapping[str, Any],
    queues: Mapping[str, Any],
    statistics: Mapping[str, Any],
    registered: Mapping[str, Any],
    reserved: Mapping[str, Any],
    conf: Mapping[str, Any] | None,
) -> Inspection:
    """Return the facts in the workers' answers, each by node; what has not the expected form is left out."""
    return Inspection(
        events_enabled={node: _is_ok(answer) for node, answer in enabled.items()},
        prefetched={node: len(tasks) for node, tasks in reserved.items() if isinstance(tasks, list)},
        queues={node: _queue_names(answer) for node, answer in queues.items() if isinstance(answer, list)},
        processes={node: _pool_size(answer) for node, answer in statistics.items()},
        registered={node: _task_names(names) for node, names in registered.items() if isinstance(names, list)},
        beat=next((one for one in conf.values() if isinstance(one, dict)), None) if conf is not None else None,
    )


def _is_ok(answer: Any) -> bool:
    return isinstance(answer, dict) and "ok" in answer


def _queue_names(answer: list[Any]) -> tuple[str, ...]:
    return tuple(str(queue["name"]) for queue in answer if isinstance(queue, dict) and queue.get("name"))


def _pool_size(answer: Any) -> int:
    pool = answer.get("pool") if isinstance(answer, dict) else None
    if not isinstance(pool, dict):
        return 0
    processes = pool.get("processes")
    # A pool of threads or greenlets has no processes and tells how many tasks it runs at a time.
    return len(processes) if isinstance(processes, list) else int(pool.get("max-concurrency") or 0)


def _task_names(names: list[Any]) -> tuple[str, ...]:
    # "shop.add [rate_limit=…]" carries settings behind the name.
    found = (str(name).partition(" ")[0] for name in names)
    return tuple(name for name in found if not name.startswith(_BUILT_IN))[:_MOST_TASKS]


def write_inspection(sheet: Sheet, inspection: Inspection) -> None:
    """Write workers and processes by queue, and what each worker holds."""
    workers: dict[str, int] = {}
    processes: dict[str, int] = {}
    for node, queues in inspection.queues.items():
        for queue in queues:
            workers[queue] = workers.get(queue, 0) + 1
            processes[queue] = processes.get(queue, 0) + inspection.processes.get(node, 0)
    for queue, count in workers.items():
        sheet.gauge("celery_active_worker_count", "Workers that listen to the queue.", count, queue_name=queue)
    for queue, count in processes.items():
        sheet.gauge("celery_active_process_count", "Processes that listen to the queue.", count, queue_name=queue)
    for node, count in inspection.prefetched.items():
        text = "Tasks that the worker has taken from the queue and not begun."
        sheet.gauge("celery_worker_prefetched", text, count, hostname=host_of(node), worker=node)
