"""Migrations: numbered SQL files, each applied once, in order, by one process at a time."""

import hashlib
import re
from pathlib import Path

import asyncpg
import structlog

MIGRATIONS = Path(__file__).parent / "migrations"
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x7463_736E  # any fixed number: the key of the advisory lock that lets one process migrate at a time
log = structlog.get_logger(__name__)


class MigrationError(RuntimeError):
    """The database's schema and the migration files don't fit; the message says what to do."""


async def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[int]:
    """Bring the schema up to date and return the numbers that were applied now.

    Each file runs in a transaction of its own. Raises MigrationError when an applied file was changed since, or when
    the database was migrated by a newer version.
    """
    files = _files(folder)
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=300)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (number int PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = {row["number"]: row["digest"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
        return await _apply(connection, files, applied)
    finally:
        await connection.close()


def _files(folder: Path) -> dict[int, Path]:
    return {int(match[1]): path for path in sorted(folder.iterdir()) if (match := _FILE.fullmatch(path.name))}


async def _apply(
    connection: "asyncpg.Connection[asyncpg.Record]", files: dict[int, Path], applied: dict[int, str]
) -> list[int]:
    if unknown := applied.keys() - files.keys():
        raise MigrationError(f"the database has migration {max(unknown)} of a newer Tocsin; run that version")
    done = []
    for number, path in files.items():
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if number in applied:
            if applied[number] != digest:
                raise MigrationError(f"{path.name} was changed after it was applied; restore it and add a new file")
            continue
        async with connection.transaction():
            await connection.execute(text)
            await connection.execute("INSERT INTO schema_migrations (number, digest) VALUES ($1, $2)", number, digest)
        log.info("migrated", number=number, file=path.name)
        done.append(number)
    return done
