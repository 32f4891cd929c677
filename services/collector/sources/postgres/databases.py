"""Databases: statistics, conflicts, size, and how full the disk is."""

import shutil

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_STATISTICS = View(
    "pg_stat_database_",
    labels="datid datname",
    gauges="numbackends",
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
_SIZES = """
SELECT d.datname, d.datconnlimit, age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS mxid_age,
  CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
       THEN pg_database_size(d.oid) END AS size
FROM pg_database d WHERE d.datallowconn
"""
_SIZE = "Disk space used by the database"
_AGE = "Age in transactions (the peer's name says seconds) of the oldest"


async def _statistics(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(
        "SELECT *, extract(epoch FROM stats_reset)::float8 AS reset_at FROM pg_stat_database WHERE datname IS NOT NULL"
    )
    shaped = []
    for row in rows:
        one = dict(row)
        one["stats_reset"] = one["reset_at"] or 0
        if "active_time" in one:
            one["active_time_seconds"] = one["active_time"] / 1000
        shaped.append(one)
    _STATISTICS.write(sheet, shaped, "pg_stat_database")


async def _conflicts(session: Session, sheet: Sheet) -> None:
    _CONFLICTS.write(
        sheet, await session.fetch("SELECT * FROM pg_stat_database_conflicts"), "pg_stat_database_conflicts"
    )


async def _sizes(session: Session, sheet: Sheet) -> None:
    rows = await session.fetch(_SIZES)
    for row in rows:
        where = {"datname": row["datname"]}
        sheet.gauge("pg_database_size_bytes", _SIZE, row["size"], **where)
        sheet.gauge(
            "pg_database_connection_limit", "Connection limit set for the database", row["datconnlimit"], **where
        )
        sheet.gauge("pg_database_xid_age", "Age in transactions of the oldest transaction id.", row["xid_age"], **where)
        sheet.gauge("pg_database_wraparound_age_datfrozenxid_seconds", f"{_AGE} xid", row["xid_age"], **where)
        sheet.gauge("pg_database_wraparound_age_datminmxid_seconds", f"{_AGE} multixact", row["mxid_age"], **where)
    session.facts["databases_bytes"] = float(sum(row["size"] or 0 for row in rows))


async def _disk(session: Session, sheet: Sheet) -> None:
    # SQL shows what the databases take and not what the disk has: either we may look at the file system, or the
    # configuration says how large it is.
    taken = session.facts.get("databases_bytes", 0.0) + session.facts.get("wal_bytes", 0.0)
    text = "Used part of the disk that holds the data."
    if session.disk_path is not None:
        usage = shutil.disk_usage(session.disk_path)
        sheet.gauge("pg_disk_size_bytes", "Size of the disk that holds the data.", usage.total)
        # As df does: what is kept for root counts neither as used nor as available.
        sheet.gauge("pg_disk_used_ratio", text, usage.used / max(usage.used + usage.free, 1))
    elif session.disk_size is not None:
        sheet.gauge("pg_disk_size_bytes", "Size of the disk that holds the data.", session.disk_size)
        sheet.gauge("pg_disk_used_ratio", text, taken / session.disk_size)


COLLECTORS = (
    PostgresCollector("stat_database", _statistics),
    PostgresCollector("stat_database_conflicts", _conflicts),
    PostgresCollector("database", _sizes),
)
LAST = (PostgresCollector("disk", _disk),)
