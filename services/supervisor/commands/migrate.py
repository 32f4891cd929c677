"""`tocsin migrate`."""

import argparse
import asyncio
import sys

import asyncpg

from services.common.config import ConfigError
from services.common.log import configure_logging
from services.common.storage import MigrationError, migrate
from services.supervisor.commands.dsn import dsn_of


def run(options: argparse.Namespace) -> int:
    """Bring the schema up to date; 1 when that failed."""
    configure_logging("migrate", level="warning")
    try:
        applied = asyncio.run(migrate(dsn_of(options.config)))
    except (ConfigError, MigrationError, asyncpg.PostgresError, OSError, TimeoutError) as error:
        sys.stderr.write(f"the database can't be migrated: {str(error) or type(error).__name__}\n")
        return 1
    sys.stdout.write(f"applied {len(applied)} migration(s): {', '.join(map(str, applied)) or 'it was up to date'}\n")
    return 0
