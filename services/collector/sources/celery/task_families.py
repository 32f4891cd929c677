"""Task counters under celery-exporter's names, and under flower's where asked for."""

from collections.abc import Iterable, Mapping

from services.collector.sheet import Sheet, label_text
from services.collector.sources.celery.histogram import Histogram, summed
from services.collector.sources.celery.names import host_of
from services.collector.sources.celery.tasks import EVENT_TYPES, FAILED, SENT, Key, Row, Tasks

_HELP = (
    "Task messages that were published.",
    "Tasks that a worker has received.",
    "Tasks whose execution began.",
    "Tasks that succeeded.",
    "Tasks that failed, by exception.",
    "Tasks that a worker rejected.",
    "Tasks that were revoked.",
    "Tasks that failed and will be tried again.",
)
_NAMES = ("name", "hostname", "queue_name")


def write_tasks(sheet: Sheet, tasks: Tasks) -> None:
    """Write all counters and histograms; nodes of one host are summed, as the peer's `hostname` is the host part."""
    groups: dict[Key, list[Row]] = {}
    for (name, node, queue), row in tasks.rows():
        groups.setdefault((name, host_of(node), queue), []).append(row)
    for key, rows in groups.items():
        _write_counts(sheet, dict(zip(_NAMES, key, strict=True)), rows)
    _write_histograms(sheet, "celery_task_runtime", "Runtime of succeeded tasks.", groups, "runtime")
    _write_histograms(sheet, "celery_task_queue_wait_time", "From sent (or due) to started.", groups, "wait")
    for (name, queue, outcome), one in tasks.durations.items():
        labels = {"name": name, "queue_name": queue, "outcome": outcome}
        sheet.histogram("celery_task_duration_seconds", "Time by outcome.", one.bounds, one.counts, one.total, labels)


def _write_counts(sheet: Sheet, labels: Mapping[str, str], rows: Iterable[Row]) -> None:
    text = label_text(labels)
    counts = [sum(column) for column in zip(*(row.counts for row in rows), strict=True)]
    on_worker = any(row.on_worker for row in rows)
    for index, kind in enumerate(EVENT_TYPES):
        if index == FAILED or not (counts[index] or (on_worker and index != SENT)):
            continue
        metric = f"celery_{kind.replace('-', '_')}_total"
        sheet.family(metric, "counter", _HELP[index]).rows.append((metric, text, str(counts[index])))
    if on_worker:
        failures: dict[str, int] = {"": 0}
        for row in rows:
            for name, count in row.failures.items():
                failures[name] = failures.get(name, 0) + count
        for name, count in failures.items():
            sheet.counter("celery_task_failed_total", _HELP[FAILED], count, **labels, exception=name)


def _write_histograms(sheet: Sheet, metric: str, text: str, groups: Mapping[Key, list[Row]], part: str) -> None:
    for key, rows in groups.items():
        found: list[Histogram] = [one for row in rows if (one := getattr(row, part)) is not None]
        if found:
            one = summed(found)
            sheet.histogram(metric, text, one.bounds, one.counts, one.total, dict(zip(_NAMES, key, strict=True)))


def write_flower_tasks(sheet: Sheet, tasks: Tasks) -> None:
    """Write the task metrics of flower, which dashboards and Datadog's integration read."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for (name, node, _), row in tasks.rows():
        groups.setdefault((node, name), []).append(row)
    for (node, name), rows in groups.items():
        where = {"worker": node, "task": name}
        for index, kind in enumerate(EVENT_TYPES):
            count = sum(row.counts[index] for row in rows)
            if count:
                sheet.counter("flower_events_total", "Number of events", count, **where, type=kind)
        runtimes = [row.runtime for row in rows if row.runtime is not None]
        if runtimes:
            one = summed(runtimes)
            sheet.histogram(
                "flower_task_runtime_seconds", "Task runtime", one.bounds, one.counts, one.total, where
            )  # fmt: skip
        if any(row.on_worker for row in rows):
            text = "The time the task spent waiting at the celery worker to be executed."
            sheet.gauge("flower_task_prefetch_time_seconds", text, max(row.prefetch for row in rows), **where)
