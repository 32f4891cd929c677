"""What one row tells of the whole server: version, start, connections, archiver, its part in replication."""

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session

_QUERY = """
SELECT version() AS version, current_setting('server_version') AS short,
  extract(epoch FROM pg_postmaster_start_time())::float8 AS start,
  txid_snapshot_xmax(txid_current_snapshot()) AS txid,
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
  current_setting('max_connections')::int AS most,
  current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
  pg_is_in_recovery() AS is_replica,
  CASE WHEN NOT pg_is_in_recovery() THEN 0
       WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
       ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END::float8 AS lag,
  coalesce(greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())), 0)::float8 AS last_replay,
  coalesce(CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END, false) AS paused,
  a.archived_count, a.failed_count,
  coalesce(extract(epoch FROM now() - a.last_archived_time), 0)::float8 AS archive_age,
  extract(epoch FROM now() - a.last_failed_time)::float8 AS failed_age,
  coalesce(a.last_failed_time > a.last_archived_time OR a.last_archived_time IS NULL AND a.last_failed_time IS NOT NULL,
    false) AS archiving_fails,
  EXISTS (SELECT FROM pg_stat_replication) AS has_standbys, EXISTS (SELECT FROM pg_replication_slots) AS has_slots,
  EXISTS (SELECT FROM pg_stat_progress_vacuum) AS has_vacuums,
  (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements') AS statements_schema
FROM pg_stat_archiver a
"""
_PRESENT = ("has_standbys", "has_slots", "has_vacuums")
_SSL_COMPRESSION_UNTIL = 140_000


async def _server(session: Session, sheet: Sheet) -> None:
    facts = session.memory.facts
    for name in _PRESENT:
        # Should this statement fail, what the last one said is no answer.
        facts.pop(name, None)
    (row,) = await session.fetch(_QUERY)
    short = row["short"].split()[0]
    short = short if short.count(".") > 1 else f"{short}.0"
    sheet.gauge("pg_static", "Version of the server", 1, short_version=short, version=row["version"])
    sheet.gauge("pg_postmaster_start_time_seconds", "When the server started, seconds since the epoch.", row["start"])
    sheet.gauge("pg_txid_current", "Next transaction id.", row["txid"])
    ratio = row["used"] / max(row["most"] - row["reserved"], 1)
    sheet.gauge("pg_connections_used_ratio", "Client connections over those that users may open.", ratio)
    compressed = 0
    if session.version < _SSL_COMPRESSION_UNTIL:
        (ssl,) = await session.fetch("SELECT count(*) FILTER (WHERE compression) AS compressed FROM pg_stat_ssl")
        compressed = ssl["compressed"]
    sheet.gauge("pg_stat_ssl_compression", "Connections with SSL compression; none can be since 14.", compressed)
    sheet.gauge("pg_replication_is_replica", "Indicates if the server is a replica", row["is_replica"])
    lag = "Replication lag behind master in seconds; 0 also while the link is cut, see pg_wal_receiver_up"
    sheet.gauge("pg_replication_lag_seconds", lag, row["lag"])
    if session.target.compat:
        # The name before postgres_exporter 0.12, which its own mixin still uses.
        sheet.gauge("pg_replication_lag", lag, row["lag"])
    sheet.gauge("pg_replication_last_replay_seconds", "Age of last replay in seconds", row["last_replay"])
    sheet.gauge("pg_replication_replay_paused", "1 while replay is paused by hand.", row["paused"])
    sheet.counter("pg_stat_archiver_archived_count", "WAL files that were archived", row["archived_count"])
    sheet.counter("pg_stat_archiver_failed_count", "Failed attempts to archive WAL files", row["failed_count"])
    sheet.gauge("pg_stat_archiver_last_archive_age", "Seconds since the last WAL file was archived", row["archive_age"])
    failed = row["failed_age"]
    sheet.gauge("pg_stat_archiver_last_failed_age_seconds", "Seconds since archiving last failed", failed)
    sheet.gauge("pg_stat_archiver_failing", "1 while the last attempt to archive failed.", row["archiving_fails"])
    for name in ("is_replica", *_PRESENT):
        facts[name] = float(row[name])
    session.memory.statements_schema = row["statements_schema"]


COLLECTORS = (PostgresCollector("server", _server, ahead=lambda _version: _QUERY),)
