"""Estimates of bloat, from what ANALYZE has found; no table is read.

The pages that the rows would fill, by their number and mean width, against the pages that there are: the method of
check_postgres and of ioguix/pgsql-bloat-estimation. It needs the widths in pg_stats, which shows only what the role may
read; tables whose columns all have a fixed width are estimated in any case, the others are counted as unknown. It is
about 20 % wrong at best, and more where widths vary much: look with pgstattuple before a rebuild.
"""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_LEAST_PAGES = 128
_MOST = 20
_BLOCK = "current_setting('block_size')::float8"

# Without a look into pg_stats a column's width is known where its type has one.
_WIDTHS = """
  SELECT a.attrelid, a.attnum, coalesce(s.null_frac, 0) AS null_frac,
    coalesce(s.avg_width, CASE WHEN a.attlen > 0 THEN a.attlen END) AS width
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
    AND NOT s.inherited
  WHERE a.attnum > 0 AND NOT a.attisdropped
"""
_OPTION = """
  coalesce((SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o
    WHERE o.option_name = 'fillfactor'), {default})
"""
_TABLES = f"""
WITH widths AS ({_WIDTHS} AND c.relkind IN ('r', 'm') AND c.relpages >= {_LEAST_PAGES}
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')),
rows AS (
  SELECT attrelid, bool_or(width IS NULL) AS unknown, sum((1 - null_frac) * width) AS data,
    23 + CASE WHEN max(null_frac) > 0 THEN (7 + count(*)) / 8 ELSE 0 END AS header
  FROM widths GROUP BY 1
),
pages AS (
  SELECT c.oid, c.relname, n.nspname, c.relpages, r.unknown,
    ceil(c.reltuples * (4 + 8 * ceil(r.header / 8.0) + 8 * ceil(r.data / 8.0))
      / (({_BLOCK} - 24) * {_OPTION.format(default=100)} / 100))
      + ceil(coalesce(t.reltuples, 0) / 4) AS needed, coalesce(t.relpages, 0) AS toast
  FROM rows r JOIN pg_class c ON c.oid = r.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
  WHERE c.reltuples >= 0
)
SELECT nspname AS schemaname, relname, unknown, ((relpages + toast) * {_BLOCK})::float8 AS real_size,
  greatest(0, 100 * (relpages + toast - needed) / (relpages + toast))::float8 AS bloat_pct
FROM pages ORDER BY unknown, (relpages + toast - needed) DESC
"""  # noqa: S608 - constants above
_INDEXES = f"""
WITH widths AS ({_WIDTHS} AND c.relkind IN ('r', 'm')),
columns AS (
  SELECT i.indexrelid, i.indrelid, u.attnum
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
  JOIN pg_namespace n ON n.oid = x.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  CROSS JOIN LATERAL unnest(i.indkey) AS u (attnum)
  WHERE x.relpages >= {_LEAST_PAGES} AND x.reltuples > 0
),
tuples AS (
  SELECT k.indexrelid, k.indrelid, bool_or(w.width IS NULL) AS unknown, sum((1 - w.null_frac) * w.width) AS data,
    CASE WHEN max(w.null_frac) > 0 THEN 16 ELSE 8 END AS header
  FROM columns k LEFT JOIN widths w ON w.attrelid = k.indrelid AND w.attnum = k.attnum
  GROUP BY 1, 2
),
pages AS (
  SELECT n.nspname, t.relname, c.relname AS idxname, c.relpages, u.unknown,
    1 + ceil(c.reltuples / greatest(1, floor(({_BLOCK} - 40) * {_OPTION.format(default=90)}
      / (100 * (4 + u.header + 8 * ceil(u.data / 8.0)))))) AS needed
  FROM tuples u JOIN pg_class c ON c.oid = u.indexrelid JOIN pg_class t ON t.oid = u.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT nspname AS schemaname, relname, idxname, unknown, (relpages * {_BLOCK})::float8 AS real_size,
  greatest(0, 100 * (relpages - needed) / relpages)::float8 AS bloat_pct
FROM pages ORDER BY unknown, (relpages - needed) DESC
"""  # noqa: S608 - constants above
_TABLE_VIEW = View("pg_bloat_table_", labels="datname schemaname relname", gauges="bloat_pct real_size")
_INDEX_VIEW = View("pg_bloat_btree_", labels="datname schemaname relname idxname", gauges="bloat_pct real_size")
_ABOUT = (
    "an ESTIMATE of bloat (percent and bytes) from ANALYZE's figures, for the relations of 1 MiB and more that waste"
)


async def _write(session: Session, sheet: Sheet, query: str, view: View, kind: str) -> None:
    rows = await session.fetch(query)
    known = [{**dict(row), "datname": session.database} for row in rows if not row["unknown"]]
    view.write(sheet, known[: session.share(_MOST)], f"{_ABOUT} the most")
    unknown = len(rows) - len(known)
    if unknown or session.main:
        text = "Relations of 1 MiB and more whose bloat can't be estimated: the role may not read their statistics."
        sheet.gauge("pg_bloat_unknown", text, unknown, datname=session.database, kind=kind)


async def _bloat(session: Session, sheet: Sheet) -> None:
    await _write(session, sheet, _TABLES, _TABLE_VIEW, "table")
    await _write(session, sheet, _INDEXES, _INDEX_VIEW, "index")


SLOW = (PostgresCollector("bloat", _bloat),)
