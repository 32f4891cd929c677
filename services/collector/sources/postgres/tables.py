"""A database's tables and indexes."""

import asyncpg

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View
from services.collector.sources.postgres.ranked import Ranked

_COUNTED = (
    "seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "n_tup_ins", "n_tup_upd", "n_tup_del", "n_tup_hot_upd",
    "vacuum_count", "autovacuum_count", "analyze_count", "autoanalyze_count",
)  # fmt: skip
_LEVELS = ("n_live_tup", "n_dead_tup", "n_mod_since_analyze")
_SIZES = ("table_size_bytes", "index_size_bytes")
_TIMES = ("last_vacuum", "last_autovacuum", "last_analyze", "last_autoanalyze")
_TABLES = View(
    "pg_stat_user_tables_",
    labels="datname schemaname relname",
    gauges=" ".join((*_LEVELS, *_SIZES, *_TIMES)),
    counters=" ".join(_COUNTED),
)
_BLOCKS = tuple(f"{part}_blks_{kind}" for part in ("heap", "idx", "toast", "tidx") for kind in ("read", "hit"))
_IO = View(
    "pg_statio_user_tables_",
    labels="datname schemaname relname",
    counters=" ".join(f"{name}={name.replace('_blks_', '_blocks_')}" for name in _BLOCKS),
)
_IO_BEFORE = View("pg_statio_user_tables_", labels="datname schemaname relname", counters=" ".join(_BLOCKS))
_WORK = "coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) + n_tup_ins + n_tup_upd + n_tup_del"

# Sizes are asked for with a lock, so that a table that a migration holds, or waits for, would make us wait: of those,
# and of the many in `other`, the pages that the last VACUUM or ANALYZE has counted are taken.
_LOCKED = """
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)"""


def _query() -> str:
    times = ", ".join(f"coalesce(extract(epoch FROM max(s.{name})), 0)::float8 AS {name}" for name in _TIMES)
    sums = ", ".join(f"coalesce(sum(s.{name}), 0)::float8 AS {name}" for name in [*_COUNTED, *_LEVELS])
    blocks = ", ".join(f"coalesce(sum(io.{name}), 0)::float8 AS {name}" for name in _BLOCKS)
    return f"""{_LOCKED}
SELECT one.id, coalesce(one.schemaname, '') AS schemaname, coalesce(one.relname, 'other') AS relname,
  {sums}, {times}, {blocks},
  sum(CASE WHEN one.id IS NOT NULL AND $2 AND s.relid NOT IN (SELECT relation FROM locked)
    AND (c.reltoastrelid = 0 OR c.reltoastrelid NOT IN (SELECT relation FROM locked))
    THEN pg_table_size(s.relid)
    ELSE (c.relpages::bigint + coalesce(t.relpages, 0)) * current_setting('block_size')::int END)::float8
    AS table_size_bytes,
  sum(CASE WHEN one.id IS NOT NULL AND $2 AND s.relid NOT IN (SELECT relation FROM locked)
    AND NOT coalesce(i.held, false)
    THEN pg_indexes_size(s.relid)
    ELSE coalesce(i.pages, 0) * current_setting('block_size')::int END)::float8 AS index_size_bytes
FROM pg_stat_user_tables s
JOIN pg_class c ON c.oid = s.relid
LEFT JOIN LATERAL (SELECT s.relid AS id, s.schemaname, s.relname WHERE s.relid = ANY($1::oid[])) one ON true
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_statio_user_tables io ON io.relid = s.relid
LEFT JOIN (
  SELECT n.indrelid, sum(x.relpages)::bigint AS pages, bool_or(x.oid IN (SELECT relation FROM locked)) AS held
  FROM pg_index n JOIN pg_class x ON x.oid = n.indexrelid GROUP BY 1
) i ON i.indrelid = s.relid
GROUP BY 1, 2, 3
"""  # noqa: S608 - column names above, nothing from outside


TABLES = Ranked(
    "tables",
    order=f"SELECT relid AS id FROM pg_stat_user_tables ORDER BY {_WORK} DESC, relid LIMIT $1",  # noqa: S608 - constants
    query=_query(),
    labels=("schemaname", "relname"),
    counters=(*_COUNTED, *_BLOCKS),
    gauges=(*_LEVELS, *_SIZES),
    times=_TIMES,
)
_INDEX_COUNTED = ("idx_scan", "idx_tup_read", "idx_blks_read", "idx_blks_hit")
INDEXES = Ranked(
    "indexes",
    order="SELECT indexrelid AS id FROM pg_statio_user_indexes ORDER BY idx_blks_read + idx_blks_hit DESC, indexrelid "
    "LIMIT $1",
    query="""
SELECT one.id, coalesce(one.schemaname, '') AS schemaname, coalesce(one.relname, '') AS relname,
  coalesce(one.indexrelname, 'other') AS indexrelname,
  coalesce(sum(pg_stat_get_numscans(s.indexrelid)), 0)::float8 AS idx_scan,
  coalesce(sum(pg_stat_get_tuples_returned(s.indexrelid)), 0)::float8 AS idx_tup_read,
  coalesce(sum(s.idx_blks_read), 0)::float8 AS idx_blks_read, coalesce(sum(s.idx_blks_hit), 0)::float8 AS idx_blks_hit
FROM pg_statio_user_indexes s
LEFT JOIN LATERAL (SELECT s.indexrelid AS id, s.schemaname, s.relname, s.indexrelname
  WHERE s.indexrelid = ANY($1::oid[])) one ON true
GROUP BY 1, 2, 3, 4
""",
    labels=("schemaname", "relname", "indexrelname"),
    counters=_INDEX_COUNTED,
)
_INDEX_LABELS = "datname schemaname relname indexrelname"
_INDEX_IO = View(
    "pg_statio_user_indexes_", labels=_INDEX_LABELS, counters="idx_blks_read idx_blks_hit", suffix="_total"
)
_INDEX_USE = View("pg_stat_user_indexes_", labels=_INDEX_LABELS, counters="idx_scan idx_tup_read", suffix="_total")


async def tables(session: Session, sheet: Sheet) -> None:
    """Write the connected database's tables."""
    most = session.share(session.target.top_tables)
    try:
        rows = await TABLES.read(session, most, True)
    except asyncpg.LockNotAvailableError:
        # A lock was taken between the look at pg_locks and the size.
        rows = await TABLES.read(session, most, False)
    _TABLES.write(sheet, rows, "pg_stat_user_tables; relname other: all that have no series of their own")
    _IO.write(sheet, rows, "pg_statio_user_tables")
    if session.target.compat:
        _IO_BEFORE.write(sheet, rows, "pg_statio_user_tables, by the name before postgres_exporter 0.13")


async def indexes(session: Session, sheet: Sheet) -> None:
    """Write the connected database's indexes."""
    rows = await INDEXES.read(session, session.share(session.target.top_indexes))
    _INDEX_IO.write(sheet, rows, "pg_statio_user_indexes; indexrelname other: all that have no series of their own")
    _INDEX_USE.write(sheet, rows, "pg_stat_user_indexes")


COLLECTORS = (PostgresCollector("stat_user_tables", tables), PostgresCollector("statio_user_indexes", indexes))
