import asyncpg
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.integration.client.conftest import until_true
from tocsin_client import watch_asyncpg, watch_sqlalchemy


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def value(
    registry: CollectorRegistry, system: str, operation: str, error: str = "", part: str = "count"
) -> float | None:
    labels = {"db_system_name": system, "db_operation_name": operation, "error_type": error}
    return registry.get_sample_value(f"db_client_operation_duration_seconds_{part}", labels)


def test_sqlalchemy_on_sqlite(registry) -> None:
    engine = create_engine("sqlite://")
    watch_sqlalchemy(engine, registry=registry)
    watch_sqlalchemy(engine, registry=registry)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id int)"))
        for number in range(3):
            connection.execute(text("INSERT INTO orders VALUES (:id)"), {"id": number})
        connection.execute(text("INSERT INTO orders VALUES (:id)"), [{"id": 5}, {"id": 6}])
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar() == 5
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("SELECT * FROM nowhere"))
    assert value(registry, "sqlite", "CREATE") == 1
    assert value(registry, "sqlite", "INSERT") == 4, "many rows in one call are one call"
    assert value(registry, "sqlite", "SELECT") == 1
    assert value(registry, "sqlite", "SELECT", "OperationalError") == 1
    engine.dispose()


def test_a_database_that_is_away_is_no_statement(registry) -> None:
    engine = create_engine("sqlite:////nowhere/at/all.db")
    watch_sqlalchemy(engine, registry=registry)
    with pytest.raises(OperationalError), engine.connect():
        pass
    assert value(registry, "sqlite", "OTHER", "OperationalError") is None


async def test_sqlalchemys_async_engine_times_what_postgres_takes(registry, postgres_dsn: str) -> None:
    engine = create_async_engine(postgres_dsn.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    watch_sqlalchemy(engine, registry=registry)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT pg_sleep(0.2)"))
        with pytest.raises(ProgrammingError):
            await connection.execute(text("DELETE FROM nowhere"))
    await engine.dispose()
    assert 0.2 <= (value(registry, "postgresql", "SELECT", part="sum") or 0) < 5
    labels = {"db_system_name": "postgresql", "db_operation_name": "DELETE"}
    errors = [
        sample for family in registry.collect() for sample in family.samples
        if labels.items() <= sample.labels.items() and sample.name.endswith("_count")
    ]  # fmt: skip
    assert [bool(sample.labels["error_type"]) for sample in errors] == [True]


async def test_asyncpgs_pool(registry, postgres_dsn: str) -> None:
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1, init=watch_asyncpg(registry=registry)) as pool:
        for _ in range(3):
            assert await pool.fetchval("SELECT $1::int", 1) == 1
        await pool.execute("SELECT pg_sleep(0.2)")
        with pytest.raises(asyncpg.UndefinedTableError):
            await pool.execute("DELETE FROM nowhere")
    await until_true(lambda: value(registry, "postgresql", "DELETE", "UndefinedTableError") == 1)
    assert value(registry, "postgresql", "SELECT") == 4, "the pool's own statements are not the app's"
    assert 0.2 <= (value(registry, "postgresql", "SELECT", part="sum") or 0) < 5
