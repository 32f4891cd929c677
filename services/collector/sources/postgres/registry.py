"""All collectors, in the order in which they run: the cheap and important ones first."""

from services.collector.sources.postgres import (
    activity,
    background,
    bloat,
    databases,
    locks,
    progress,
    replication,
    schema,
    server,
    settings,
    statements,
    tables,
)
from services.collector.sources.postgres.collector import PostgresCollector

COLLECTORS: tuple[PostgresCollector, ...] = (
    *server.COLLECTORS,
    *activity.COLLECTORS,
    *databases.COLLECTORS,
    *settings.COLLECTORS,
    *locks.COLLECTORS,
    *statements.COLLECTORS,
    *replication.COLLECTORS,
    *background.COLLECTORS,
    *progress.COLLECTORS,
    *tables.COLLECTORS,
    *databases.LAST,
)
ELSEWHERE: tuple[PostgresCollector, ...] = tables.COLLECTORS
"""Run in the other databases as well, on the tour through them."""
SLOW: tuple[PostgresCollector, ...] = (*schema.SLOW, *bloat.SLOW)
"""Run on the tour, in all databases."""
TOUR = "databases"
"""The tour itself, as a collector that can be switched off."""
NAMES = frozenset({one.name for one in (*COLLECTORS, *SLOW)} | {TOUR})
