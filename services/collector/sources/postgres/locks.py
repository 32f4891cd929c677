"""Locks held and awaited, by database and mode."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session

_QUERY = """
SELECT d.datname, lower(m.mode) AS mode,
  count(l.pid) AS count, count(l.pid) FILTER (WHERE NOT l.granted) AS waiting
FROM pg_database d
CROSS JOIN (VALUES ('AccessShareLock'), ('RowShareLock'), ('RowExclusiveLock'), ('ShareUpdateExclusiveLock'),
  ('ShareLock'), ('ShareRowExclusiveLock'), ('ExclusiveLock'), ('AccessExclusiveLock'), ('SIReadLock')) AS m (mode)
LEFT JOIN pg_locks l ON l.database = d.oid AND l.mode = m.mode AND l.pid IS DISTINCT FROM pg_backend_pid()
WHERE d.datallowconn
GROUP BY 1, 2
"""


async def _locks(session: Session, sheet: Sheet) -> None:
    for row in await session.fetch(_QUERY):
        where = {"datname": row["datname"], "mode": row["mode"]}
        sheet.gauge("pg_locks_count", "Number of locks", row["count"], **where)
        sheet.gauge("pg_locks_waiting", "Number of locks that are waited for", row["waiting"], **where)


COLLECTORS = (PostgresCollector("locks", _locks),)
