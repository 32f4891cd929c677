import shutil

import asyncpg
import pytest

from services.common.storage import Database, MigrationError, StorageUnavailableError, migrate
from services.common.storage.migrate import MIGRATIONS


async def test_migrations_apply_once_and_give_the_tables(postgres_dsn):
    assert await migrate(postgres_dsn) == sorted(int(p.name[:4]) for p in MIGRATIONS.glob("*.sql"))
    assert await migrate(postgres_dsn) == []
    database = Database(postgres_dsn, name="test")
    row = await database.fetchrow("SELECT to_regclass('alert_history') IS NOT NULL AS there")
    assert row["there"]
    await database.close()


async def test_a_changed_or_unknown_migration_is_refused(postgres_dsn, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(MIGRATIONS, folder)
    await migrate(postgres_dsn, folder)
    first = next(folder.glob("0001*"))
    original = first.read_text()
    first.write_text(original + "\n-- changed")
    with pytest.raises(MigrationError, match=r"0001_first.sql was changed"):
        await migrate(postgres_dsn, folder)
    first.write_text(original)
    (folder / "9999_later.sql").write_text("SELECT 1")
    await migrate(postgres_dsn, folder)
    (folder / "9999_later.sql").unlink()
    with pytest.raises(MigrationError, match="newer Tocsin"):
        await migrate(postgres_dsn, folder)


async def test_a_broken_migration_leaves_nothing(postgres_dsn, tmp_path):
    (tmp_path / "0001_bad.sql").write_text("CREATE TABLE half (a int); SELECT nonsense FROM nowhere;")
    with pytest.raises(asyncpg.PostgresError):
        await migrate(postgres_dsn, tmp_path)
    database = Database(postgres_dsn, name="test")
    row = await database.fetchrow("SELECT to_regclass('half') IS NULL AS gone")
    assert row["gone"]
    await database.close()


async def test_postgres_away_is_one_kind_of_error_and_it_comes_back(postgres_dsn):
    away = Database("postgresql://tocsin@127.0.0.1:1/x", name="test", timeout=0.5)
    with pytest.raises(StorageUnavailableError, match="Postgres is away"):
        await away.fetch("SELECT 1")
    await away.close()

    database = Database(postgres_dsn, name="test")
    await database.fetch("SELECT 1")
    killer = await asyncpg.connect(postgres_dsn)
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tocsin-test'"
    )
    await killer.close()
    for _ in range(3):
        try:
            rows = await database.fetch("SELECT 1 AS one")
            break
        except StorageUnavailableError:
            continue
    assert rows[0]["one"] == 1
    await database.close()
