"""pg_settings as gauges in base units, version and start time."""

import re

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 0, "kB": 1, "MB": 2, "GB": 3, "TB": 4}
_UNIT = re.compile(r"(\d*)(\D+)")
_QUERY = """
SELECT name, setting, coalesce(unit, '') AS unit, short_desc, vartype
FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real') AND name <> 'sync_commit_cancel_wait'
"""
_ABOUT = """
SELECT version() AS version, current_setting('server_version') AS short,
  extract(epoch FROM pg_postmaster_start_time())::float8 AS start,
  txid_snapshot_xmax(txid_current_snapshot()) AS txid,
  (SELECT count(*) FROM pg_settings WHERE pending_restart) AS pending
"""


def base_unit(value: float, unit: str) -> tuple[float, str]:
    """Return a setting in its base unit and the suffix that says so; -1 ("off") stays -1."""
    match = _UNIT.fullmatch(unit)
    if match is None:
        return value, ""
    count, name = int(match[1] or 1), match[2]
    if name in _SECONDS:
        return (value if value == -1 else value * count * _SECONDS[name]), "_seconds"
    if name in _BYTES:
        return (value if value == -1 else value * count * 1024 ** _BYTES[name]), "_bytes"
    return value, ""


async def _settings(session: Session, sheet: Sheet) -> None:
    for row in await session.fetch(_QUERY):
        name = "pg_settings_" + row["name"].replace(".", "_").replace("-", "_")
        text = f"Server Parameter: {row['name']}"
        if row["vartype"] == "bool":
            sheet.gauge(name, text, row["setting"] == "on")
            continue
        value, suffix = base_unit(float(row["setting"]), row["unit"])
        sheet.gauge(name + suffix, f"{text} - {row['short_desc']}", value)


async def _about(session: Session, sheet: Sheet) -> None:
    (row,) = await session.fetch(_ABOUT)
    short = row["short"].split()[0]
    short = short if short.count(".") > 1 else f"{short}.0"
    sheet.gauge("pg_static", "Version of the server", 1, short_version=short, version=row["version"])
    sheet.gauge("pg_postmaster_start_time_seconds", "When the server started, seconds since the epoch.", row["start"])
    sheet.gauge("pg_txid_current", "Next transaction id.", row["txid"])
    sheet.gauge("pg_settings_pending_restart_count", "Settings that wait for a restart.", row["pending"])


COLLECTORS = (PostgresCollector("settings", _settings), PostgresCollector("about", _about))
