"""Vacuums that run, and what is in the shared buffers."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_VACUUM = """
SELECT p.*, CASE WHEN p.datname = current_database() THEN p.relid::regclass::text ELSE p.relid::text END AS relname
FROM pg_stat_progress_vacuum p
"""
_VACUUM_VIEW = View(
    "pg_stat_progress_vacuum_",
    labels="datname relname",
    # By the view's own names: since 17 the dead ones are counted in bytes, where the peer still says tuples.
    gauges="heap_blks_total=heap_blks heap_blks_scanned heap_blks_vacuumed index_vacuum_count=index_vacuums "
    "max_dead_tuples num_dead_tuples max_dead_tuple_bytes dead_tuple_bytes num_dead_item_ids=num_dead_tuples "
    "indexes_total indexes_processed delay_time",
)
_BUFFERS = View(
    "pg_buffercache_summary_",
    gauges="buffers_used buffers_unused buffers_dirty buffers_pinned usagecount_avg",
)
_HAS_BUFFERCACHE = """
SELECT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_buffercache'
  AND EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proname = 'pg_buffercache_summary')
"""


async def _vacuum(session: Session, sheet: Sheet) -> None:
    if session.memory.none_of("has_vacuums"):
        return
    merged = {}
    for row in await session.fetch(_VACUUM):
        merged[row["datname"], row["relname"]] = row
    rows = list(merged.values())
    _VACUUM_VIEW.write(sheet, rows, "pg_stat_progress_vacuum")
    for row in rows:
        where = {"datname": row["datname"], "relname": row["relname"], "phase": row["phase"]}
        sheet.gauge("pg_stat_progress_vacuum_phase", "1 for the phase that a vacuum is in.", 1, **where)


async def _buffercache(session: Session, sheet: Sheet) -> None:
    present = await session.fetch(_HAS_BUFFERCACHE)
    if not present:
        return
    schema = '"' + present[0]["schema"].replace('"', '""') + '"'
    rows = await session.fetch(f"SELECT * FROM {schema}.pg_buffercache_summary()")  # noqa: S608 - a quoted name
    _BUFFERS.write(sheet, rows, "pg_buffercache_summary()")


COLLECTORS = (
    PostgresCollector("stat_progress_vacuum", _vacuum),
    # The summary looks at every buffer's header, so at large servers not at each scrape.
    PostgresCollector("buffercache_summary", _buffercache, interval=60.0),
)
