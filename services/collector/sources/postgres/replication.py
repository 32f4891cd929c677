"""Replication, slots and WAL; the server's own part in it stands in `server.py`."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import View

_LSN = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END"
_STANDBYS = f"""
SELECT application_name, coalesce(client_addr::text, '') AS client_addr, coalesce(state, '') AS state,
  coalesce((SELECT s.slot_name FROM pg_replication_slots s WHERE s.active_pid = r.pid LIMIT 1), '') AS slot_name,
  pg_wal_lsn_diff({_LSN}, '0/0')::float8 AS current, pg_wal_lsn_diff({_LSN}, replay_lsn)::float8 AS behind,
  extract(epoch FROM write_lag)::float8 AS write, extract(epoch FROM flush_lag)::float8 AS flush,
  extract(epoch FROM replay_lag)::float8 AS replay, extract(epoch FROM reply_time)::float8 AS reply
FROM pg_stat_replication r
"""  # noqa: S608 - only a constant above is put in
_SLOTS = f"""
SELECT slot_name, slot_type, coalesce(database, '') AS database, active, wal_status,
  pg_wal_lsn_diff({_LSN}, restart_lsn)::float8 AS behind, pg_wal_lsn_diff({_LSN}, '0/0')::float8 AS current,
  pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::float8 AS confirmed, safe_wal_size
FROM pg_replication_slots
"""  # noqa: S608 - only a constant above is put in
_WAL = "SELECT count(*) AS segments, coalesce(sum(size), 0)::float8 AS bytes FROM pg_ls_waldir()"
_RECEIVER = """
SELECT coalesce(sender_host, '') AS upstream_host, coalesce(slot_name, '') AS slot_name, coalesce(status, '') AS status,
  pg_wal_lsn_diff(receive_start_lsn, '0/0')::float8 AS receive_start_lsn, receive_start_tli,
  pg_wal_lsn_diff(flushed_lsn, '0/0')::float8 AS flushed_lsn, received_tli,
  extract(epoch FROM last_msg_send_time)::float8 AS last_msg_send_time,
  extract(epoch FROM last_msg_receipt_time)::float8 AS last_msg_receipt_time,
  extract(epoch FROM now() - last_msg_receipt_time)::float8 AS age,
  pg_wal_lsn_diff(latest_end_lsn, '0/0')::float8 AS latest_end_lsn,
  extract(epoch FROM latest_end_time)::float8 AS latest_end_time
FROM pg_stat_wal_receiver
"""
_RECEIVER_VIEW = View(
    "pg_stat_wal_receiver_",
    labels="upstream_host slot_name status",
    gauges="receive_start_tli received_tli",
    counters="receive_start_lsn flushed_lsn last_msg_send_time last_msg_receipt_time latest_end_lsn latest_end_time",
)
_SUMS = ("current", "behind", "write", "flush", "replay", "reply")


async def _receiver(session: Session, sheet: Sheet) -> None:
    if not session.memory.facts.get("is_replica"):
        return
    rows = await session.fetch(_RECEIVER)
    streaming = any(row["status"] == "streaming" for row in rows)
    sheet.gauge("pg_wal_receiver_up", "1 while the replica is streaming.", streaming)
    ages = [row["age"] for row in rows if row["age"] is not None]
    if ages:
        session.memory.facts["message_at"] = session.now - min(ages)
    heard = session.memory.facts.get("message_at")
    # A receiver that has ended has no row; what it heard last still grows old.
    age = None if heard is None else max(0.0, session.now - heard)
    sheet.gauge("pg_wal_receiver_last_msg_age_seconds", "Age of the primary's last message.", age)
    _RECEIVER_VIEW.write(sheet, rows, "pg_stat_wal_receiver (positions in bytes)")


async def _standbys(session: Session, sheet: Sheet) -> None:
    merged: dict[tuple[str, ...], dict[str, float | None]] = {}
    if session.memory.none_of("has_standbys"):
        return
    for row in await session.fetch(_STANDBYS):
        # Two standbys may share name, address and state: the worse one stands for both, a series can't come twice.
        key = (row["application_name"], row["client_addr"], row["state"], row["slot_name"])
        found = merged.setdefault(key, {})
        for name in _SUMS:
            worse = min if name == "reply" else max
            found[name] = worse((v for v in (found.get(name), row[name]) if v is not None), default=None)
    for (application, address, state, slot), one in merged.items():
        where = {"application_name": application, "client_addr": address, "state": state, "slot_name": slot}
        current, behind = one["current"], one["behind"]
        sheet.gauge("pg_stat_replication_pg_current_wal_lsn_bytes", "WAL position in bytes", current, **where)
        sheet.gauge("pg_stat_replication_pg_wal_lsn_diff", "Lag in bytes between master and standby", behind, **where)
        text = "When the standby last answered, seconds since the epoch"
        sheet.gauge("pg_stat_replication_reply_time", text, one["reply"], **where)
        for phase in ("write", "flush", "replay"):
            name = f"pg_stat_replication_{phase}_lag_seconds"
            # The server says NULL when all is caught up.
            sheet.gauge(name, f"{phase}_lag of pg_stat_replication", one[phase] or 0, **where)


async def _slots(session: Session, sheet: Sheet) -> None:
    if session.memory.none_of("has_slots"):
        return
    for row in await session.fetch(_SLOTS):
        name = row["slot_name"]
        by_database = {"slot_name": name, "database": row["database"]}
        by_type = {"slot_name": name, "slot_type": row["slot_type"]}
        active, behind = row["active"], row["behind"]
        sheet.gauge("pg_replication_slots_active", "Flag indicating if the slot is active", active, **by_database)
        sheet.gauge("pg_replication_slots_pg_wal_lsn_diff", "Replication lag in bytes", behind, **by_database)
        for prefix in ("pg_replication_slots", "pg_replication_slot")[: 2 if session.target.compat else 1]:
            sheet.gauge(f"{prefix}_slot_is_active", "Whether the slot is active", active, **by_type)
            sheet.gauge(f"{prefix}_slot_current_wal_lsn", "Current WAL position", row["current"], **by_type)
            confirmed = row["confirmed"] or 0
            sheet.gauge(f"{prefix}_slot_confirmed_flush_lsn", "Last confirmed position", confirmed, **by_type)
        safe, status = row["safe_wal_size"], row["wal_status"]
        sheet.gauge("pg_replication_slots_safe_wal_size_bytes", "Bytes until the slot is lost", safe, **by_type)
        if status:
            sheet.gauge("pg_replication_slots_wal_status", "WAL status of the slot", 1, **by_type, wal_status=status)


async def _wal(session: Session, sheet: Sheet) -> None:
    (row,) = await session.fetch(_WAL)
    sheet.gauge("pg_wal_segments", "Number of WAL segments", row["segments"])
    sheet.gauge("pg_wal_size_bytes", "Total size of WAL segments", row["bytes"])
    session.memory.facts["wal_bytes"] = float(row["bytes"])


COLLECTORS = (
    PostgresCollector("stat_wal_receiver", _receiver),
    PostgresCollector("stat_replication", _standbys),
    PostgresCollector("replication_slots", _slots, needs=130_000),
    PostgresCollector("wal", _wal),
)
