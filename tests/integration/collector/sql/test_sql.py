"""Own SQL metrics on a real server."""

import shutil
import time
from pathlib import Path

import asyncpg
import pytest

from services.common.config import ConfigError
from tests.fixtures.waiting import in_time, until
from tests.integration.collector.conftest import OwnServer, Start

EXAMPLE = Path(__file__).parents[4] / "deploy" / "config" / "sql" / "payments.yml"


@pytest.fixture
async def database(postgres_dsn: str):
    connection = await asyncpg.connect(postgres_dsn)
    yield connection
    await connection.close()


def metrics(folder: Path, *queries: str, **extra: object) -> dict:
    lines = ["metrics:"]
    for number, query in enumerate(queries):
        lines += [f"  - metric_name: own_{number}", "    type: gauge", "    help: Own.", "    values: [n]"]
        lines += [f"    query: {query!r}"]
        lines += [f"    {key}: {value}" for key, value in extra.items()]
    (folder / "own.yml").write_text("\n".join(lines) + "\n")
    return {"name": "own", "metrics_files": ["own.yml"]}


async def test_the_payments_example_counts_by_outcome(start: Start, postgres_dsn: str, database, tmp_path) -> None:
    await database.execute("CREATE TABLE payments (provider text, status text, created_at timestamptz DEFAULT now())")
    for status, count in (("paid", 6), ("settled", 2), ("declined", 10), ("timeout", 1), ("error", 1), ("pending", 3)):
        await database.execute("INSERT INTO payments SELECT 'acme', $1 FROM generate_series(1, $2)", status, count)
    shutil.copy(EXAMPLE, tmp_path / "payments.yml")
    running = await start({"sql": [{"name": "shop", "dsn": postgres_dsn, "metrics_files": ["payments.yml"]}]})
    found = await running.samples("/metrics/sql")
    counted = {
        outcome: found[f'payments_total{{target="shop",provider="acme",outcome="{outcome}"}}']
        for outcome in ("succeeded", "declined", "timeout", "failed")
    }
    assert counted == {"succeeded": 8, "declined": 10, "timeout": 1, "failed": 1}
    assert found['payments_success_ratio_5m{target="shop",provider="acme"}'] == pytest.approx(0.8)
    assert found['payments_failure_ratio_5m{target="shop",provider="acme"}'] == pytest.approx(0.1)
    stamp = found['payment_last_success_timestamp_seconds{target="shop",provider="acme"}']
    assert stamp == pytest.approx(time.time(), abs=60)
    assert found['sql_up{target="shop"}'] == 1
    assert found['sql_last_scrape_error{target="shop"}'] == 0


async def test_a_bad_query_fails_alone_and_says_why(start: Start, postgres_dsn: str, database, tmp_path) -> None:
    await database.execute("CREATE TABLE held (n int); CREATE TABLE secret (n int)")
    queries = (
        "SELECT 1 AS n", "SELECT no_such_column AS n", "SELECT generate_series(1, 2000) AS n",
        "SELECT pg_sleep(5)::text, 1 AS n", "SELECT n FROM held", "SELECT 'x' AS n",
        "WITH gone AS (DELETE FROM secret RETURNING n) SELECT count(*) AS n FROM gone",
    )  # fmt: skip
    target = {**metrics(tmp_path, *queries), "dsn": postgres_dsn, "statement_timeout": "300ms"}
    running = await start({"sql": [target]})
    async with database.transaction():
        await database.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        found = await running.samples("/metrics/sql")
    assert found['own_0{target="own"}'] == 1
    assert found['sql_metric_success{target="own",metric="own_0"}'] == 1
    reasons = {
        number: next(name for name in found if name.startswith("sql_metric_error") and f'"own_{number}"' in name)
        .rpartition('reason="')[2].rstrip('"}')
        for number in range(1, 7)
    }  # fmt: skip
    assert reasons == {1: "error", 2: "too_large", 3: "timeout", 4: "timeout", 5: "body", 6: "error"}
    assert found['sql_last_scrape_error{target="own"}'] == 1
    assert found['sql_up{target="own"}'] == 1
    again = await running.samples("/metrics/sql")
    assert again['sql_metric_success{target="own",metric="own_0"}'] == 1
    assert again['sql_metric_success{target="own",metric="own_4"}'] == 1, "the lock is gone"


async def test_a_query_can_not_make_its_session_write(start: Start, postgres_dsn: str, database, tmp_path) -> None:
    await database.execute("CREATE SEQUENCE s")
    queries = (
        "SELECT set_config('default_transaction_read_only', 'off', false)::bool::int AS n",
        "SELECT set_config('transaction_read_only', 'off', false)::bool::int AS n",
        "SELECT nextval('s') AS n",
    )
    running = await start({"sql": [{**metrics(tmp_path, *queries), "dsn": postgres_dsn}]})
    for _ in range(2):
        found = await running.samples("/metrics/sql")
        assert found['sql_metric_success{target="own",metric="own_2"}'] == 0
    assert await database.fetchval("SELECT is_called FROM s") is False


async def test_a_query_keeps_its_pace_and_its_database(start: Start, postgres_dsn: str, database, tmp_path) -> None:
    await database.execute("CREATE TABLE orders (n int)")
    running = await start({
        "sql": [{**metrics(tmp_path, "SELECT count(*) AS n FROM orders", min_interval="1h"), "dsn": postgres_dsn}]
    })  # fmt: skip
    assert (await running.samples("/metrics/sql"))['own_0{target="own"}'] == 0
    await database.execute("INSERT INTO orders VALUES (1)")
    assert (await running.samples("/metrics/sql"))['own_0{target="own"}'] == 0
    metrics(tmp_path, "SELECT (current_database() = 'postgres')::int AS n", database="postgres")
    await running.collector.reload()
    assert (await running.samples("/metrics/sql"))['own_0{target="own"}'] == 1
    metrics(tmp_path, "SELECT 1 AS n", database="gone")
    await running.collector.reload()
    found = await running.samples("/metrics/sql")
    assert found['sql_up{target="own"}'] == 1
    assert found['sql_metric_success{target="own",metric="own_0"}'] == 0


async def test_refused_and_a_file_with_a_mistake(start: Start, tmp_path) -> None:
    target = {**metrics(tmp_path, "SELECT 1 AS n"), "host": "127.0.0.1", "port": 1, "user": "a"}
    running = await start({"sql": [target]})
    found = await running.samples("/metrics/sql")
    assert found['sql_up{target="own"}'] == 0
    assert found['tocsin_target_error{target="own",kind="sql",reason="refused"}'] == 1
    (tmp_path / "own.yml").write_text("metrics: []\n")
    with pytest.raises(ConfigError, match=r"own\.yml:1"):
        await start({"sql": [target]})


async def test_a_hung_server_is_down_in_time_and_comes_back(start: Start, own_postgres: OwnServer, tmp_path) -> None:
    dsn = f"postgresql://tocsin:right@127.0.0.1:{own_postgres.port}/postgres"
    running = await start({"sql": [{**metrics(tmp_path, "SELECT 1 AS n"), "dsn": dsn}]})

    async def answers() -> bool:
        return (await running.samples("/metrics/sql"))['sql_up{target="own"}'] == 1

    await until(answers)
    own_postgres.hang()
    for _ in range(2):
        with in_time(1.5):
            found = await running.samples("/metrics/sql", scrape=1.5)
        assert found['sql_up{target="own"}'] == 0
        assert found['tocsin_target_error{target="own",kind="sql",reason="timeout"}'] == 1
        assert 'own_0{target="own"}' not in found, "an old value is not given for a new one"
    own_postgres.resume()
    found = await running.samples("/metrics/sql")
    assert found['sql_up{target="own"}'] == 1
    assert found['own_0{target="own"}'] == 1


async def test_the_connection_is_made_again(start: Start, postgres_dsn: str, database, tmp_path) -> None:
    running = await start({"sql": [{**metrics(tmp_path, "SELECT 1 AS n"), "dsn": postgres_dsn}]})
    assert (await running.samples("/metrics/sql"))['own_0{target="own"}'] == 1
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tocsin-collector' AND datname = current_database()"
    )
    assert (await running.samples("/metrics/sql"))['own_0{target="own"}'] == 1
