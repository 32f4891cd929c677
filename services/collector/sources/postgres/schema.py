"""What is wrong in a database's schema, seldom looked for: sequences that end, indexes that are not valid."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session

_MOST = 10
# A sequence ends where it says, or where the column that it fills does.
_SEQUENCES = """
SELECT n.nspname AS schemaname, c.relname AS sequencename, p.last_value IS NULL AND NOT has_sequence_privilege(
    c.oid, 'SELECT, USAGE') AS unreadable,
  CASE WHEN s.seqincrement > 0
    THEN (coalesce(p.last_value, s.seqmin)::float8 - s.seqmin)
      / nullif(least(s.seqmax::float8, coalesce(t.most, s.seqmax::float8)) - s.seqmin, 0)
    ELSE (s.seqmax - coalesce(p.last_value, s.seqmax)::float8) / nullif(s.seqmax::float8 - s.seqmin, 0)
  END AS used
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequences p ON p.schemaname = n.nspname AND p.sequencename = c.relname
LEFT JOIN LATERAL (
  SELECT min(CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END)::float8 AS most
  FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
) t ON true
WHERE NOT s.seqcycle
ORDER BY 4 DESC NULLS LAST
"""
_INVALID = """
SELECT n.nspname AS schemaname, t.relname, x.relname AS indexrelname,
  (x.relpages * current_setting('block_size')::float8) AS bytes
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = x.relnamespace
WHERE NOT i.indisvalid AND x.relkind = 'i'
ORDER BY x.relpages DESC
"""


async def _sequences(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_SEQUENCES)
    database = session.database
    for row in [row for row in rows if not row["unreadable"]][: session.share(_MOST)]:
        labels = {"datname": database, "schemaname": row["schemaname"], "sequencename": row["sequencename"]}
        text = "Used part of a sequence, or of the column that it fills; the fullest ones."
        sheet.gauge("pg_sequence_used_ratio", text, row["used"], **labels)
    unreadable = sum(row["unreadable"] for row in rows)
    if unreadable or session.main:
        text = "Sequences that the role may not read; GRANT SELECT on them shows how full they are."
        sheet.gauge("pg_sequences_unreadable", text, unreadable, datname=database)


async def _invalid(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_INVALID)
    if rows or session.main:
        text = "Indexes that are not valid: being built, or left behind when that failed."
        sheet.gauge("pg_invalid_indexes", text, len(rows), datname=session.database)
    for row in rows[:_MOST]:
        labels = {
            "datname": session.database,
            **{name: row[name] for name in ("schemaname", "relname", "indexrelname")},
        }
        text = "Size of an index that is not valid, from its last count of pages; valid ones are not listed."
        sheet.gauge("pg_general_index_info_pg_relation_size", text, row["bytes"], **labels)


SLOW = (PostgresCollector("sequences", _sequences), PostgresCollector("invalid_indexes", _invalid))
