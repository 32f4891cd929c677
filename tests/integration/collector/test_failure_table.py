"""Every kind of trouble that a target can be in has a test on a real server; here are those for several at once."""

import asyncio
import gc
import re
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiohttp import web

from tests.integration.collector.apps import feed, huge, ok, serving
from tests.integration.collector.certs import DAY, make
from tests.integration.collector.conftest import Start

HERE = Path(__file__).parent
TABLE = {
    "connection refused": {
        "postgres/test_source.py": "test_refused", "redis/test_server.py": "test_refused",
        "celery/test_redis_broker.py": "test_refused_then_there", "celery/test_rabbitmq_broker.py": "test_refused",
        "test_probe_failures.py": "test_http_in_trouble", "test_probes.py": "test_http_refused_and_unknown_host",
    },
    "wrong password": {
        "postgres/test_source.py": "test_wrong_password_then_the_right_one_in_the_file",
        "redis/test_server.py": "test_wrong_password_is_named_and_a_new_one_in_the_file_is_taken",
        "celery/test_redis_broker.py": "test_wrong_password", "celery/test_rabbitmq_broker.py": "test_wrong_password",
    },
    "hung server (SIGSTOP)": {
        "postgres/test_source.py": "test_a_hung_server_is_down_in_time_and_delays_nobody",
        "redis/test_server.py": "test_a_hung_server_is_down_in_time_and_delays_nobody",
        "redis/test_fleets.py": "test_a_node_that_hangs_is_down_in_time_and_the_others_are_well",
        "test_probes.py": "test_silent_http_server_answers_in_time",
    },
    "locked table": {
        "postgres/test_source.py": "test_a_locked_table_blinds_nothing",
        "postgres/test_many.py": "test_a_locked_index_and_a_migration_that_waits_blind_nothing",
    },
    "505 tables and 24 databases": {"postgres/test_many.py": "test_505_tables_in_24_databases_fit_on_a_page"},
    "300 Redis commands": {"redis/test_trouble.py": "test_the_cost_does_not_grow_with_the_commands_in_use"},
    "hung broker": {
        "celery/test_redis_broker.py": "test_a_hung_broker_is_down_in_time_and_no_worker_is_blamed",
        "celery/test_rabbitmq_broker.py": "test_a_hung_broker_is_down_in_time_and_comes_back",
    },
    "kill -9 of one of two workers": {
        "celery/test_redis_broker.py": "test_kill_9_of_one_of_two_workers_on_a_host_is_seen_in_three_heartbeats",
    },
    "silent WebSocket": {"test_probes.py": "test_silent_websocket_is_down_in_time"},
    "expired certificate": {"test_certificates.py": "test_a_refused_certificate_still_shows_its_end"},
    "a target that answers 1 GB": {
        "test_probe_failures.py": "test_http_in_trouble",
        "test_failure_table.py": "test_pages_without_end_are_cut_off_in_time_and_memory",
    },
    "slow DNS": {"test_probe_failures.py": "test_a_slow_name_server_is_told_apart_from_a_slow_target"},
    "1,000 scrapes": {
        "test_failure_table.py": "test_a_thousand_scrapes_leak_nothing",
        "redis/test_trouble.py": "test_a_thousand_scrapes_leave_nothing",
        "celery/test_redis_broker.py": "test_a_thousand_scrapes_leak_nothing_and_cost_little",
        "test_compat.py": "test_nothing_grows_over_many_scrapes_of_targets_in_trouble",
    },
}  # fmt: skip
MEGABYTE = 1024**2


@pytest.mark.parametrize("case", TABLE)
def test_the_case_has_its_tests(case: str) -> None:
    for file, name in TABLE[case].items():
        assert re.search(rf"^(async )?def {name}\(", (HERE / file).read_text(), re.MULTILINE), (file, name)


async def endless_page(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; version=0.0.4"})
    await response.prepare(request)
    rows = b"".join(b'm{n="%d"} 1\n' % number for number in range(60_000))
    for _ in range(1024):
        await response.write(rows)
    return response


async def test_pages_without_end_are_cut_off_in_time_and_memory(start: Start) -> None:
    async with serving({"/huge": huge, "/metrics": endless_page, "/ok": ok}) as port:
        base = f"http://127.0.0.1:{port}"
        running = await start({
            "http": [{"name": "body", "url": f"{base}/huge"}, {"name": "well", "url": f"{base}/ok"}],
            "fastapi": [{"name": "page", "metrics_url": f"{base}/metrics", "health_url": f"{base}/ok"}],
        })  # fmt: skip
        await running.samples("/metrics", scrape=5)
        gc.collect()
        memory = psutil.Process().memory_info().rss
        async with asyncio.timeout(60):
            for _ in range(3):
                found = await running.samples("/metrics", scrape=5)
        gc.collect()
        assert psutil.Process().memory_info().rss < memory + 64 * MEGABYTE
    assert found['probe_failed_reason{target="body",reason="too_large"}'] == 1
    assert found['tocsin_target_error{target="page",kind="fastapi",reason="too_large"}'] == 1
    assert found['fastapi_metrics_up{target="page"}'] == 0
    assert found['probe_success{target="page"}'] == 1
    assert found['probe_success{target="well"}'] == 1


@pytest.mark.timeout(400)
async def test_a_thousand_scrapes_leak_nothing(start: Start, tmp_path: Path, postgres_dsn: str) -> None:
    """A locked table, an expired certificate, and what is refused, beside targets that are well."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving({"/": ok, "/ws": feed}))
        root = make("Test Root", authority=True, ends=3650 * DAY)
        root.write(tmp_path, "ca")
        trust = {"tls_config": {"ca_file": str(tmp_path / "ca.pem")}}
        expired = make("server", issuer=root, ends=-DAY).server(tmp_path, "old")
        secure = await stack.enter_async_context(serving({"/": ok}, tls=expired))
        holder = await asyncpg.connect(postgres_dsn)
        stack.push_async_callback(holder.close)
        await holder.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)")
        await holder.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        running = await start({
            "postgres": [{"name": "db", "dsn": postgres_dsn}, {"name": "no", "host": "127.0.0.1", "port": 1}],
            "http": [
                {"name": "well", "url": f"http://127.0.0.1:{site}/"},
                {"name": "old", "url": f"https://127.0.0.1:{secure}/", "module": trust}, {"name": "gone", "url": "http://127.0.0.1:1/"},
            ],
            "websocket": [{"name": "feed", "url": f"ws://127.0.0.1:{site}/ws", "ping_message": "ping"}],
        })  # fmt: skip
        for _ in range(100):
            await running.samples("/metrics")
        gc.collect()
        process = psutil.Process()
        memory, files, tasks = process.memory_info().rss, process.num_fds(), len(asyncio.all_tasks())
        for _ in range(1000):
            found = await running.samples("/metrics")
        gc.collect()
        assert process.num_fds() <= files + 8
        assert len(asyncio.all_tasks()) <= tasks + 8
        assert process.memory_info().rss < memory + 24 * MEGABYTE
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin-collector'"
        assert await holder.fetchval(count) <= 2, "one connection, and perhaps the tour's"
    assert found['pg_up{target="db"}'] == 1
    assert found['pg_up{target="no"}'] == 0
    assert found['probe_success{target="feed"}'] == 1
    assert found['probe_tls_certificate_refused{target="old",reason="expired"}'] == 1
    assert found['probe_failed_reason{target="gone",reason="refused"}'] == 1
