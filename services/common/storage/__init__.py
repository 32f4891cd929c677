"""The lasting record in Postgres: pool, migrations, named queries."""

from services.common.storage.database import Database, StorageUnavailableError
from services.common.storage.migrate import MigrationError, migrate
from services.common.storage.queries import Queries

__all__ = ["Database", "MigrationError", "Queries", "StorageUnavailableError", "migrate"]
