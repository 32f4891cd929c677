"""All collectors, in the order in which they run: the cheap and important ones first."""

from services.collector.sources.postgres import (
    activity,
    background,
    databases,
    locks,
    replication,
    settings,
    statements,
    tables,
)
from services.collector.sources.postgres.collector import PostgresCollector

COLLECTORS: tuple[PostgresCollector, ...] = (
    *activity.COLLECTORS,
    *databases.COLLECTORS,
    *settings.COLLECTORS,
    *locks.COLLECTORS,
    *statements.COLLECTORS,
    *replication.COLLECTORS,
    *background.COLLECTORS,
    *tables.COLLECTORS,
    *databases.LAST,
)
