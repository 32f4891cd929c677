"""Sessions: how many, how long, who waits for whom."""

from collections.abc import Sequence
from typing import Any

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import Row, View

_STATES = (
    "active", "idle", "idle in transaction", "idle in transaction (aborted)", "fastpath function call", "disabled",
)  # fmt: skip
_MOST_GROUPS = 300
_FILLED_DATABASES = 10
_EMPTY = dict.fromkeys(("usename", "application_name", "backend_type", "wait_event_type", "wait_event"), "")
_GROUPS = View(
    "pg_stat_activity_", labels=f"datname state {' '.join(_EMPTY)}", gauges="count max_tx_duration"
)  # fmt: skip
_TEXT = "pg_stat_activity: connections in this state, and seconds that the oldest transaction among them is open"

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
    FILTER (WHERE a.backend_type = 'client backend'), 0)::float8 AS oldest,
  extract(epoch FROM min(a.xact_start) FILTER (WHERE a.backend_type = 'autovacuum worker'))::float8 AS autovacuum,
  count(a.pid) AS sessions
FROM pg_database d LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND a.pid <> pg_backend_pid()
WHERE d.datallowconn
GROUP BY 1
"""
_TROUBLES = View("pg_", labels="datname", gauges="""
    blocked=blocked_sessions lock_wait=lock_wait_max_seconds idle_in_transaction=idle_in_transaction_max_seconds
    query=query_max_seconds
""")  # fmt: skip
_BLOCKERS = """
SELECT d.datname, count(DISTINCT b.pid) AS blocking, count(DISTINCT b.pid) FILTER (WHERE
    NOT EXISTS (SELECT FROM pg_stat_activity w WHERE w.pid = b.pid AND w.wait_event_type = 'Lock')) AS first
FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b (pid)
WHERE a.wait_event_type = 'Lock'
GROUP BY 1
"""
_IDLE = """
SELECT coalesce(state, '') AS state, application_name,
  extract(epoch FROM clock_timestamp() - state_change)::float8 AS seconds
FROM pg_stat_activity WHERE state IS NOT NULL AND state <> 'active' AND pid <> pg_backend_pid()
LIMIT 5000
"""
_IDLE_BOUNDS = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 300.0)


def _others(rows: Sequence[Row]) -> list[Row]:
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
    _GROUPS.write(sheet, [*rows[:_MOST_GROUPS], *_others(rows[_MOST_GROUPS:])], _TEXT)


async def _trouble(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_TROUBLE)
    # The peer fills each state of each database with a zero, so that a sum by state never misses one. Where there are
    # many databases, most are asleep, and the zeros would be most of the page.
    few = len(rows) <= _FILLED_DATABASES
    awake = [row for row in rows if few or row["sessions"]]
    zeros = [
        {"datname": row["datname"], "state": state, **_EMPTY, "count": 0, "max_tx_duration": 0}
        for row in awake
        for state in _STATES
    ]
    _GROUPS.write(sheet, zeros, _TEXT)
    _TROUBLES.write(sheet, awake, "the sessions now: how many wait for a lock, and for how long at most (seconds)")
    sheet.gauge(
        "pg_long_running_transactions", "Transactions older than 60 s.", sum(row["long_transactions"] for row in rows)
    )
    oldest = max((row["oldest"] for row in rows), default=0.0)
    sheet.gauge("pg_long_running_transactions_oldest_timestamp_seconds", "Age of the oldest transaction.", oldest)
    for row in rows:
        begin, where = row["autovacuum"], {"datname": row["datname"]}
        name = "pg_stat_activity_autovacuum_timestamp_seconds"
        sheet.gauge(name, "When the oldest autovacuum that runs began, seconds since the epoch.", begin, **where)
    if any(row["blocked"] for row in rows):
        # pg_blocking_pids stops all locking for a moment, so it is asked only about those that wait.
        for row in await session.fetch(_BLOCKERS):
            sheet.gauge(
                "pg_blocking_sessions", "Sessions that others wait for.", row["blocking"], datname=row["datname"]
            )
            text = "Sessions that others wait for and that wait for none: the heads of the queues."
            sheet.gauge("pg_blocking_sessions_first", text, row["first"], datname=row["datname"])


async def _idle(session: Session, sheet: Sheet) -> None:
    groups: dict[tuple[str, str], list[float]] = {}
    for row in await session.fetch(_IDLE):
        groups.setdefault((row["state"], row["application_name"]), []).append(row["seconds"] or 0.0)
    for (state, application), seconds in groups.items():
        counts = [0] * (len(_IDLE_BOUNDS) + 1)
        for value in seconds:
            counts[sum(value > bound for bound in _IDLE_BOUNDS)] += 1
        labels = {"state": state, "application_name": application}
        sheet.histogram(
            "pg_process_idle_seconds", "Idle time of server processes", _IDLE_BOUNDS, counts, sum(seconds), labels
        )


COLLECTORS = (
    PostgresCollector("stat_activity", _sessions, ahead=lambda _version: _SESSIONS),
    PostgresCollector("activity_trouble", _trouble, ahead=lambda _version: _TROUBLE),
    PostgresCollector("process_idle", _idle, enabled=False),
)
