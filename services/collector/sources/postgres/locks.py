"""Locks held and awaited, by database and mode."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_QUERY = """
SELECT d.datname, lower(l.mode) AS mode, count(*) AS count, count(*) FILTER (WHERE NOT l.granted) AS waiting
FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.pid IS DISTINCT FROM pg_backend_pid()
GROUP BY 1, 2
UNION ALL
SELECT datname, '', 0, 0 FROM pg_database WHERE datallowconn
"""
_MODES = (
    "accesssharelock", "rowsharelock", "rowexclusivelock", "shareupdateexclusivelock", "sharelock",
    "sharerowexclusivelock", "exclusivelock", "accessexclusivelock", "sireadlock",
)  # fmt: skip
_FILLED_DATABASES = 10
_LOCKS = View("pg_locks_", labels="datname mode", gauges="count waiting")


async def _locks(session: Session, sheet: Sheet) -> None:
    held: dict[str, dict[str, tuple[int, int]]] = {}
    for row in await session.fetch(_QUERY):
        modes = held.setdefault(row["datname"], {})
        if row["mode"]:
            modes[row["mode"]] = (row["count"], row["waiting"])
    few = len(held) <= _FILLED_DATABASES
    rows = []
    for database, modes in held.items():
        # As with sessions: zeros for all, unless there are many databases and this one sleeps.
        if few or modes:
            for mode in dict.fromkeys([*_MODES, *modes]):
                count, waiting = modes.get(mode, (0, 0))
                rows.append({"datname": database, "mode": mode, "count": count, "waiting": waiting})
    _LOCKS.write(sheet, rows, "pg_locks: how many there are, and how many of them are waited for")


COLLECTORS = (PostgresCollector("locks", _locks, ahead=lambda _version: _QUERY),)
