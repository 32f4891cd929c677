"""The connected database's tables: the busiest by name, the others together."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_COUNTED = (
    "seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "n_tup_ins", "n_tup_upd", "n_tup_del", "n_tup_hot_upd",
    "vacuum_count", "autovacuum_count", "analyze_count", "autoanalyze_count",
)  # fmt: skip
_SUMMED = ("n_live_tup", "n_dead_tup", "n_mod_since_analyze", "table_size_bytes", "index_size_bytes")
_TIMES = ("last_vacuum", "last_autovacuum", "last_analyze", "last_autoanalyze")
_TABLES = View(
    "pg_stat_user_tables_",
    labels="datname schemaname relname",
    gauges=" ".join((*_SUMMED, *_TIMES)),
    counters=" ".join(_COUNTED),
)
_IO_COLUMNS = [f"{part}_blks_{kind}" for part in ("heap", "idx", "toast", "tidx") for kind in ("read", "hit")]
_IO = View(
    "pg_statio_user_tables_",
    labels="datname schemaname relname",
    counters=" ".join(_IO_COLUMNS + [f"{name}={name.replace('_blks_', '_blocks_')}" for name in _IO_COLUMNS]),
)


def _query() -> str:
    # pg_table_size takes a lock, which a migration that holds the table would make us wait for; relpages does not.
    # It is as old as the last VACUUM or ANALYZE; a table that has never had one counts as empty.
    times = ", ".join(f"coalesce(extract(epoch FROM max(s.{name})), 0)::float8 AS {name}" for name in _TIMES)
    sums = ", ".join(f"coalesce(sum(s.{name}), 0)::float8 AS {name}" for name in [*_COUNTED, *_SUMMED[:3]])
    blocks = ", ".join(f"coalesce(sum(io.{name}), 0)::float8 AS {name}" for name in _IO_COLUMNS)
    return f"""
WITH ranked AS (
  SELECT relid, row_number() OVER (ORDER BY coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) + n_tup_ins
    + n_tup_upd + n_tup_del DESC, relid) <= $1 AS shown
  FROM pg_stat_user_tables
)
SELECT current_database() AS datname,
  CASE WHEN r.shown THEN s.schemaname ELSE '' END AS schemaname,
  CASE WHEN r.shown THEN s.relname ELSE 'other' END AS relname,
  {sums}, {times}, {blocks},
  sum(c.relpages::float8 + coalesce(t.relpages, 0)) * current_setting('block_size')::int AS table_size_bytes,
  coalesce(sum(i.pages), 0) * current_setting('block_size')::int AS index_size_bytes
FROM pg_stat_user_tables s
JOIN ranked r USING (relid)
JOIN pg_class c ON c.oid = s.relid
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_statio_user_tables io USING (relid)
LEFT JOIN LATERAL (
  SELECT sum(x.relpages)::float8 AS pages
  FROM pg_index n JOIN pg_class x ON x.oid = n.indexrelid WHERE n.indrelid = s.relid
) i ON true
GROUP BY 1, 2, 3
"""  # noqa: S608 - column names above, nothing from outside


_QUERY = _query()


async def _tables(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_QUERY, session.top_tables)
    _TABLES.write(sheet, rows, "pg_stat_user_tables")
    _IO.write(sheet, rows, "pg_statio_user_tables")


COLLECTORS = (PostgresCollector("stat_user_tables", _tables),)
