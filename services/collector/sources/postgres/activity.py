"""Sessions: how many, how long, who waits for whom."""

from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import Row

_STATES = (
    "active", "idle", "idle in transaction", "idle in transaction (aborted)", "fastpath function call", "disabled",
)  # fmt: skip
_COUNT = "number of connections in this state"
_DURATION = "max duration in seconds any active transaction has been running"
_MOST_GROUPS = 300
_EMPTY = dict.fromkeys(("usename", "application_name", "backend_type", "wait_event_type", "wait_event"), "")

_SESSIONS = """
SELECT d.datname, a.state, a.usename, a.application_name, a.backend_type, a.wait_event_type, a.wait_event,
       count(*) AS count, coalesce(max(extract(epoch FROM now() - a.xact_start)), 0)::float8 AS max_tx_duration
FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
WHERE a.pid <> pg_backend_pid()
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY count(*) DESC
"""
_TROUBLE = """
SELECT d.datname,
  count(*) FILTER (WHERE a.wait_event_type = 'Lock') AS blocked,
  coalesce(max(extract(epoch FROM clock_timestamp() - a.state_change))
    FILTER (WHERE a.wait_event_type = 'Lock'), 0)::float8 AS lock_wait,
  coalesce(max(extract(epoch FROM clock_timestamp() - a.state_change))
    FILTER (WHERE a.state LIKE 'idle in transaction%'), 0)::float8 AS idle_in_transaction,
  coalesce(max(extract(epoch FROM clock_timestamp() - a.query_start))
    FILTER (WHERE a.state = 'active' AND a.backend_type = 'client backend'), 0)::float8 AS query,
  count(*) FILTER (WHERE a.xact_start < now() - interval '60 seconds') AS long_transactions,
  coalesce(max(extract(epoch FROM now() - a.xact_start))
    FILTER (WHERE a.backend_type = 'client backend'), 0)::float8 AS oldest
FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.pid <> pg_backend_pid()
WHERE d.datallowconn
GROUP BY 1
"""
_USED = """
SELECT count(*) AS used,
  current_setting('max_connections')::int AS most,
  current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


def _others(rows: list[Row]) -> list[Row]:
    # An app that puts a request's id into application_name would make a series of each; the sum must stay right.
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        blank = {**_EMPTY, "application_name": "other", "count": 0, "max_tx_duration": 0.0}
        one = merged.setdefault(
            (row["datname"], row["state"]), {"datname": row["datname"], "state": row["state"], **blank}
        )
        one["count"] += row["count"]
        one["max_tx_duration"] = max(one["max_tx_duration"], row["max_tx_duration"])
    return list(merged.values())


async def _sessions(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_SESSIONS)
    for row in [*rows[:_MOST_GROUPS], *_others(rows[_MOST_GROUPS:])]:
        labels = {key: row[key] for key in ("datname", "state", *_EMPTY)}
        sheet.gauge("pg_stat_activity_count", _COUNT, row["count"], **labels)
        sheet.gauge("pg_stat_activity_max_tx_duration", _DURATION, row["max_tx_duration"], **labels)


async def _trouble(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_TROUBLE)
    for row in rows:
        where = {"datname": row["datname"]}
        # The peer fills each state of each database with a zero, so that a sum by state never misses one.
        for state in _STATES:
            sheet.gauge("pg_stat_activity_count", _COUNT, 0, **where, state=state, **_EMPTY)
            sheet.gauge("pg_stat_activity_max_tx_duration", _DURATION, 0, **where, state=state, **_EMPTY)
        sheet.gauge("pg_blocked_sessions", "Sessions that wait for a lock.", row["blocked"], **where)
        sheet.gauge("pg_lock_wait_max_seconds", "Longest wait for a lock now.", row["lock_wait"], **where)
        idle = row["idle_in_transaction"]
        sheet.gauge("pg_idle_in_transaction_max_seconds", "Longest idle in a transaction now.", idle, **where)
        sheet.gauge("pg_query_max_seconds", "Longest running query now.", row["query"], **where)
    sheet.gauge(
        "pg_long_running_transactions", "Transactions older than 60 s.", sum(row["long_transactions"] for row in rows)
    )
    oldest = max((row["oldest"] for row in rows), default=0.0)
    sheet.gauge("pg_long_running_transactions_oldest_timestamp_seconds", "Age of the oldest transaction.", oldest)


async def _used(session: Session, sheet: Sheet) -> None:
    (row,) = await session.fetch(_USED)
    ratio = row["used"] / max(row["most"] - row["reserved"], 1)
    sheet.gauge("pg_connections_used_ratio", "Client connections over those that users may open.", ratio)


COLLECTORS = (
    PostgresCollector("stat_activity", _sessions),
    PostgresCollector("activity_trouble", _trouble),
    PostgresCollector("connections", _used),
)
