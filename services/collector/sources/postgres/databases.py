"""Databases: statistics, conflicts, size, age, and how full the disk is."""

import shutil

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_STATISTICS = View(
    "pg_stat_database_",
    labels="datid datname",
    gauges="numbackends checksum_last_failure",
    counters="xact_commit xact_rollback blks_read blks_hit tup_returned tup_fetched tup_inserted tup_updated "
    "tup_deleted conflicts temp_files temp_bytes deadlocks checksum_failures blk_read_time blk_write_time stats_reset "
    "active_time_seconds=active_time_seconds_total sessions sessions_abandoned sessions_fatal sessions_killed "
    "session_time active_time idle_in_transaction_time",
)
_CONFLICTS = View(
    "pg_stat_database_conflicts_",
    labels="datid datname",
    counters="confl_tablespace confl_lock confl_snapshot confl_bufferpin confl_deadlock confl_active_logicalslot",
)
_QUERY = """
SELECT s.*, extract(epoch FROM s.stats_reset)::float8 AS reset_at,
  extract(epoch FROM s.checksum_last_failure)::float8 AS checksum_failed_at, pg_is_in_recovery() AS is_replica
FROM pg_stat_database s WHERE s.datname <> 'template0'
"""
_SIZES = """
SELECT d.datname, d.datconnlimit, age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS mxid_age,
  current_setting('autovacuum_freeze_max_age')::float8 AS freeze_at,
  CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
       THEN pg_database_size(d.oid) END AS size
FROM pg_database d WHERE d.datallowconn
"""
_DATABASES = View("pg_database_", labels="datname", gauges="""
    size=size_bytes datconnlimit=connection_limit xid_age
    xid_age=wraparound_age_datfrozenxid_seconds mxid_age=wraparound_age_datminmxid_seconds
""")  # fmt: skip
_DATABASES_TEXT = "pg_database (ages are in transactions, also where the name says seconds, as the peer's does)"
_LAST_XID = 2**31 - 3_000_000
"""At this age of its oldest row the server takes no more writes."""


async def _statistics(session: Session, sheet: Sheet) -> None:
    shaped = []
    for row in await session.fetch(_QUERY):
        one = dict(row)
        one["stats_reset"] = one["reset_at"] or 0
        one["checksum_last_failure"] = one["checksum_failed_at"]
        if "active_time" in one:
            one["active_time_seconds"] = one["active_time"] / 1000
        shaped.append(one)
    _STATISTICS.write(sheet, shaped, "pg_stat_database (times without a unit are milliseconds)")
    if any(row["is_replica"] for row in shaped):
        # Only a replica's queries can be in the way of its replay.
        rows = await session.fetch("SELECT * FROM pg_stat_database_conflicts")
        _CONFLICTS.write(sheet, rows, "pg_stat_database_conflicts")


async def _sizes(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_SIZES)
    _DATABASES.write(sheet, rows, _DATABASES_TEXT)
    oldest = max((max(row["xid_age"], row["mxid_age"]) for row in rows), default=0)
    text = "Age of the oldest transaction over the age at which the server stops to take writes, in percent."
    sheet.gauge("pg_wraparound_percent", text, 100 * oldest / _LAST_XID)
    text = "Age of the oldest transaction over autovacuum_freeze_max_age; above 1 autovacuum is behind."
    freeze = max((row["freeze_at"] for row in rows), default=0.0)
    if freeze:
        sheet.gauge("pg_freeze_age_ratio", text, max(row["xid_age"] for row in rows) / freeze)
    session.memory.facts["databases_bytes"] = float(sum(row["size"] or 0 for row in rows))


async def _disk(session: Session, sheet: Sheet) -> None:
    # SQL shows what the databases take and not what the disk has: either we may look at the file system, or the
    # configuration says how large it is.
    facts, size = session.memory.facts, session.target.disk_size
    text = "Used part of the disk that holds the data."
    if session.disk_path is not None:
        usage = shutil.disk_usage(session.disk_path)
        sheet.gauge("pg_disk_size_bytes", "Size of the disk that holds the data.", usage.total)
        # As df does: what is kept for root counts neither as used nor as available.
        sheet.gauge("pg_disk_used_ratio", text, usage.used / max(usage.used + usage.free, 1))
    elif size is not None:
        taken = facts.get("databases_bytes", 0.0) + facts.get("wal_bytes", 0.0)
        sheet.gauge("pg_disk_size_bytes", "Size of the disk that holds the data.", size)
        sheet.gauge("pg_disk_used_ratio", text, taken / size)


async def _roles(session: Session, sheet: Sheet) -> None:
    # The server's own roles can't log in; the peer gives them all.
    for row in await session.fetch("SELECT rolname, rolconnlimit FROM pg_roles WHERE rolcanlogin OR rolconnlimit >= 0"):
        text, limit = "Connection limit set for the role", row["rolconnlimit"]
        sheet.gauge("pg_roles_connection_limit", text, limit, rolname=row["rolname"])


COLLECTORS = (
    PostgresCollector("stat_database", _statistics, ahead=lambda _version: _QUERY),
    # The server looks at each file of each database.
    PostgresCollector("database", _sizes, interval=60.0),
    PostgresCollector("roles", _roles, interval=60.0),
)
LAST = (PostgresCollector("disk", _disk),)
