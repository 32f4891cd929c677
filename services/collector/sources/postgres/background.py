"""Checkpoints, background writer and archiver; the names of before and after PostgreSQL 17 together."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import Row, View

_CHECKPOINTER_SINCE = 170_000
_OLD = (
    "checkpoints_timed checkpoints_req checkpoint_write_time checkpoint_sync_time buffers_checkpoint buffers_clean "
    "maxwritten_clean buffers_backend buffers_backend_fsync buffers_alloc"
)
_BGWRITER = View("pg_stat_bgwriter_", counters=f"{_OLD} reset_at=stats_reset", suffix="_total")
# Without `_total`: what dashboards from before postgres_exporter 0.12 ask for.
_BGWRITER_BARE = View("pg_stat_bgwriter_", counters=_OLD)
_CHECKPOINTER = View(
    "pg_stat_checkpointer_",
    counters="num_timed num_requested restartpoints_timed restartpoints_req restartpoints_done write_time sync_time "
    "buffers_written reset_at=stats_reset",
    suffix="_total",
)
_PAIRS = (
    ("checkpoints_timed", "num_timed"), ("checkpoints_req", "num_requested"), ("checkpoint_write_time", "write_time"),
    ("checkpoint_sync_time", "sync_time"), ("buffers_checkpoint", "buffers_written"),
)  # fmt: skip
_RESET = "coalesce(extract(epoch FROM stats_reset), 0)::float8 AS reset_at"
_IO = """
SELECT coalesce(sum(writes + extends), 0)::float8 AS buffers_backend,
  coalesce(sum(fsyncs), 0)::float8 AS buffers_backend_fsync
FROM pg_stat_io WHERE backend_type = 'client backend' AND object = 'relation'
"""
_ARCHIVER = """
SELECT archived_count, failed_count,
  coalesce(extract(epoch FROM now() - last_archived_time), 0)::float8 AS age,
  extract(epoch FROM now() - last_failed_time)::float8 AS failed_age
FROM pg_stat_archiver
"""


async def _writers(session: Session, sheet: Sheet) -> None:
    (background,) = await session.fetch(f"SELECT *, {_RESET} FROM pg_stat_bgwriter")  # noqa: S608 - constants only
    checkpointer: Row
    if session.version >= _CHECKPOINTER_SINCE:
        (checkpointer,) = await session.fetch(f"SELECT *, {_RESET} FROM pg_stat_checkpointer")  # noqa: S608 - as above
        (backends,) = await session.fetch(_IO)
        background = {**background, **backends, **{old: checkpointer[new] for old, new in _PAIRS}}
    else:
        checkpointer = {**{new: background[old] for old, new in _PAIRS}, "reset_at": background["reset_at"]}
    _BGWRITER.write(sheet, [background], "pg_stat_bgwriter")
    _BGWRITER_BARE.write(sheet, [background], "pg_stat_bgwriter")
    _CHECKPOINTER.write(sheet, [checkpointer], "pg_stat_checkpointer")


async def _archiver(session: Session, sheet: Sheet) -> None:
    (row,) = await session.fetch(_ARCHIVER)
    sheet.counter("pg_stat_archiver_archived_count", "WAL files that were archived", row["archived_count"])
    sheet.counter("pg_stat_archiver_failed_count", "Failed attempts to archive WAL files", row["failed_count"])
    sheet.gauge("pg_stat_archiver_last_archive_age", "Seconds since the last WAL file was archived", row["age"])
    failed = row["failed_age"]
    sheet.gauge("pg_stat_archiver_last_failed_age_seconds", "Seconds since archiving last failed", failed)


COLLECTORS = (PostgresCollector("stat_bgwriter", _writers), PostgresCollector("stat_archiver", _archiver))
