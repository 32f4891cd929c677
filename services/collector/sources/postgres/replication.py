"""Replication, slots and WAL."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session

_STATE = """
SELECT pg_is_in_recovery() AS is_replica,
  CASE WHEN NOT pg_is_in_recovery() THEN 0
       WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
       ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END::float8 AS lag,
  coalesce(greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())), 0)::float8 AS last_replay,
  (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming') AS streaming,
  (SELECT extract(epoch FROM now() - max(last_msg_receipt_time))::float8 FROM pg_stat_wal_receiver) AS message_age
"""
_LSN = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END"
_STANDBYS = f"""
SELECT application_name, coalesce(client_addr::text, '') AS client_addr, state,
  pg_wal_lsn_diff({_LSN}, '0/0')::float8 AS current, pg_wal_lsn_diff({_LSN}, replay_lsn)::float8 AS behind,
  extract(epoch FROM write_lag)::float8 AS write, extract(epoch FROM flush_lag)::float8 AS flush,
  extract(epoch FROM replay_lag)::float8 AS replay
FROM pg_stat_replication
"""  # noqa: S608 - only a constant above is put in
_SLOTS = f"""
SELECT slot_name, slot_type, coalesce(database, '') AS database, active, wal_status,
  pg_wal_lsn_diff({_LSN}, restart_lsn)::float8 AS behind, pg_wal_lsn_diff({_LSN}, '0/0')::float8 AS current,
  pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::float8 AS confirmed, safe_wal_size
FROM pg_replication_slots
"""  # noqa: S608 - only a constant above is put in
_WAL = "SELECT count(*) AS segments, coalesce(sum(size), 0)::float8 AS bytes FROM pg_ls_waldir()"


async def _state(session: Session, sheet: Sheet) -> None:
    (row,) = await session.fetch(_STATE)
    sheet.gauge("pg_replication_is_replica", "Indicates if the server is a replica", row["is_replica"])
    sheet.gauge("pg_replication_lag_seconds", "Replication lag behind master in seconds", row["lag"])
    # The name before postgres_exporter 0.12, which its own mixin still uses.
    sheet.gauge("pg_replication_lag", "Replication lag behind master in seconds", row["lag"])
    sheet.gauge("pg_replication_last_replay_seconds", "Age of last replay in seconds", row["last_replay"])
    if row["is_replica"]:
        sheet.gauge("pg_wal_receiver_up", "1 while the replica is streaming.", row["streaming"] > 0)
        age = row["message_age"]
        sheet.gauge("pg_wal_receiver_last_msg_age_seconds", "Age of the primary's last message.", age)


async def _standbys(session: Session, sheet: Sheet) -> None:
    merged: dict[tuple[str, str, str], dict[str, float | None]] = {}
    for row in await session.fetch(_STANDBYS):
        # Two standbys may share name, address and state: the worse one stands for both, a series can't come twice.
        found = merged.setdefault((row["application_name"], row["client_addr"], row["state"]), {})
        for key in ("current", "behind", "write", "flush", "replay"):
            found[key] = max((v for v in (found.get(key), row[key]) if v is not None), default=None)
    for (application, address, state), one in merged.items():
        where = {"application_name": application, "client_addr": address, "state": state}
        current, behind = one["current"], one["behind"]
        sheet.gauge("pg_stat_replication_pg_current_wal_lsn_bytes", "WAL position in bytes", current, **where)
        sheet.gauge("pg_stat_replication_pg_wal_lsn_diff", "Lag in bytes between master and standby", behind, **where)
        for phase in ("write", "flush", "replay"):
            name = f"pg_stat_replication_{phase}_lag_seconds"
            sheet.gauge(name, f"{phase}_lag of pg_stat_replication", one[phase] or 0, **where)


async def _slots(session: Session, sheet: Sheet) -> None:
    for row in await session.fetch(_SLOTS):
        name = row["slot_name"]
        by_database = {"slot_name": name, "database": row["database"]}
        by_type = {"slot_name": name, "slot_type": row["slot_type"]}
        active, behind = row["active"], row["behind"]
        sheet.gauge("pg_replication_slots_active", "Flag indicating if the slot is active", active, **by_database)
        sheet.gauge("pg_replication_slots_pg_wal_lsn_diff", "Replication lag in bytes", behind, **by_database)
        for prefix in ("pg_replication_slots", "pg_replication_slot"):
            sheet.gauge(f"{prefix}_slot_is_active", "Whether the slot is active", active, **by_type)
            sheet.gauge(f"{prefix}_slot_current_wal_lsn", "Current WAL position", row["current"], **by_type)
            confirmed = row["confirmed"] or 0
            sheet.gauge(f"{prefix}_slot_confirmed_flush_lsn", "Last confirmed position", confirmed, **by_type)
        safe = row["safe_wal_size"]
        sheet.gauge("pg_replication_slots_safe_wal_size_bytes", "Bytes until the slot is lost", safe, **by_type)
        if row["wal_status"]:
            status = row["wal_status"]
            sheet.gauge("pg_replication_slots_wal_status", "WAL status of the slot", 1, **by_type, wal_status=status)


async def _wal(session: Session, sheet: Sheet) -> None:
    (row,) = await session.fetch(_WAL)
    sheet.gauge("pg_wal_segments", "Number of WAL segments", row["segments"])
    sheet.gauge("pg_wal_size_bytes", "Total size of WAL segments", row["bytes"])
    session.facts["wal_bytes"] = float(row["bytes"])


COLLECTORS = (
    PostgresCollector("replication", _state),
    PostgresCollector("stat_replication", _standbys),
    PostgresCollector("replication_slots", _slots, needs=130_000),
    PostgresCollector("wal", _wal),
)
