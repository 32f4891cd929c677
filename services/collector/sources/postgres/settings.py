"""pg_settings as gauges in base units."""

import re
from collections.abc import Sequence

from services.collector.sheet import Sheet
from services.collector.sources.postgres.collector import PostgresCollector, Session
from services.collector.sources.postgres.columns import Row

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 0, "kB": 1, "MB": 2, "GB": 3, "TB": 4}
_UNIT = re.compile(r"(\d*)(\D+)")
_QUERY = """
SELECT name, setting, coalesce(unit, '') AS unit, short_desc, vartype, pending_restart
FROM pg_settings WHERE name <> 'sync_commit_cancel_wait'
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
    _write(sheet, await session.fetch(_QUERY))


def _write(sheet: Sheet, rows: Sequence[Row]) -> None:
    for row in rows:
        name = "pg_settings_" + row["name"].replace(".", "_").replace("-", "_")
        text = f"Server Parameter: {row['name']}"
        if row["vartype"] == "bool":
            sheet.gauge(name, text, row["setting"] == "on")
        elif row["vartype"] in {"integer", "real"}:
            value, suffix = base_unit(float(row["setting"]), row["unit"])
            sheet.gauge(name + suffix, f"{text} - {row['short_desc']}", value)
    pending = sum(bool(row["pending_restart"]) for row in rows)
    sheet.gauge("pg_settings_pending_restart_count", "Settings that wait for a restart.", pending)


# A third of the page, which changes some times a year: what is a minute old is new enough.
COLLECTORS = (PostgresCollector("settings", _settings, interval=60.0),)
