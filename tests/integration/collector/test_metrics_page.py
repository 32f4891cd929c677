"""docs/metrics.md has every metric that the collector shows, with its type and meaning, and an example of each kind."""

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from celery import Celery
from prometheus_client import CollectorRegistry, generate_latest

from scripts.reference.metrics import COMMAND, PAGE, documented, families, make_page
from services.collector.sources import KINDS
from tests.integration.collector.apps import feed, ok, serving
from tests.integration.collector.certs import make
from tests.integration.collector.conftest import Running, Start
from tests.integration.collector.line_servers import name_server, talking

_OWN = ("process_", "python_", "tocsin_", "blackbox_")
_APP = """
import os
from celery import Celery
app = Celery("shop", broker=os.environ["BROKER"])
app.conf.update(task_ignore_result=True, task_send_sent_event=True)

@app.task(name="shop.add")
def add():
    return 1

@app.task(name="shop.fail")
def fail():
    raise LookupError
"""
_SQL = """\
metrics:
  - {metric_name: orders, type: gauge, help: Orders., values: [n], query: SELECT 1 AS n}
"""


async def metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(CollectorRegistry()) + b"# TYPE up gauge\nup 1\n")


async def greeting(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello\n")
    await writer.drain()


async def _targets(stack: AsyncExitStack, folder: Path, dsn: str, redis: str) -> dict[str, list[dict[str, Any]]]:
    site = await stack.enter_async_context(serving({"/": ok, "/ws": feed, "/metrics": metrics}))
    secure = await stack.enter_async_context(serving({"/": ok}, tls=make("server").server(folder, "server")))
    names = await stack.enter_async_context(
        name_server({("shop.example.", "SOA"): ["ns.shop.example. host.shop.example. 1 3600 600 86400 300"]})
    )
    line = await stack.enter_async_context(talking(greeting))
    (folder / "sql.yml").write_text(_SQL)
    (folder / "app.log").write_text('{"level": "error", "event": "payment failed"}\n')
    steps = [{"expect": "(hello)", "labels": [{"name": "greeting", "value": "$1"}]}]
    dns = {"query_name": "shop.example", "query_type": "SOA"}
    return {
        "fastapi": [
            {
                "name": "shop",
                "metrics_url": f"http://127.0.0.1:{site}/metrics",
                "health_url": f"http://127.0.0.1:{site}/",
            }
        ],
        "postgres": [{"name": "db", "dsn": dsn, "disk_size": "1e9"}],
        "sql": [{"name": "own", "dsn": dsn, "metrics_files": ["sql.yml"]}],
        "redis": [{"name": "cache", "url": redis}],
        "celery": [
            {
                "name": "jobs",
                "broker_url": redis,
                "inspect_interval": 1,
                "expected_workers": 1,
                "compat": ["flower"],
                "schedule": [{"name": "hourly", "task": "shop.add", "every": "1h"}],
            }
        ],
        "websocket": [
            {"name": "feed", "url": f"ws://127.0.0.1:{site}/ws", "ping_message": "ping"},
            {"name": "no-feed", "url": f"ws://127.0.0.1:{site}/"},
        ],
        "http": [
            {"name": "site", "url": f"http://127.0.0.1:{site}/"},
            {"name": "refused", "url": f"https://127.0.0.1:{secure}/"},
            {"name": "loose", "url": f"https://127.0.0.1:{secure}/", "module": {"verify_tls": False}},
        ],
        "tcp": [{"name": "port", "address": f"127.0.0.1:{line}", "module": {"query_response": steps}}],
        "tls": [
            {
                "name": "certificate",
                "address": f"127.0.0.1:{secure}",
                "module": {"tls_config": {"insecure_skip_verify": True}},
            }
        ],
        "dns": [{"name": "names", "server": f"127.0.0.1:{names.port}", "module": dns}],
        "icmp": [{"name": "here", "host": "127.0.0.1"}],
        "logs": [{"name": "app", "paths": [str(folder / "app.log")], "start_at": "beginning"}],
        "host": [{"name": "machine"}],
    }


async def _work(stack: AsyncExitStack, folder: Path, broker: str) -> None:
    """A worker, and tasks that succeed and fail."""
    (folder / "shop_page_tasks.py").write_text(_APP)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "celery", "-A", "shop_page_tasks", "worker", "-n", "w1@box", "-P", "solo",
        "--heartbeat-interval", "1",
        cwd=folder, env={**os.environ, "BROKER": broker}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    async def end() -> None:
        process.kill()
        await process.wait()

    stack.push_async_callback(end)


async def test_the_page_is_current(start: Start, tmp_path: Path, postgres_dsn: str, redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        targets = await _targets(stack, tmp_path, postgres_dsn, redis_url)
        known = {kind.key for kind in KINDS}
        assert known <= targets.keys(), "a kind has no example here; add one"
        await _work(stack, tmp_path, redis_url)
        running = await start({kind: listed for kind, listed in targets.items() if kind in known})
        app = Celery("producer", broker=redis_url, set_as_current=False)
        app.conf.task_send_sent_event = True
        stack.callback(app.close)
        await _seen(running, "celery_worker_up")
        await _seen(running, "celery_active_worker_count")
        for task in ("shop.add", "shop.fail"):
            await asyncio.to_thread(app.send_task, task)
        for name in (
            "celery_task_runtime", "celery_task_queue_wait_time", "flower_events_total", "celery_active_worker_count",
            "celery_scheduled_task_last_sent_timestamp_seconds", "celery_scheduled_task_last_success_timestamp_seconds",
            "flower_worker_prefetched_tasks",
        ):  # fmt: skip
            await _seen(running, name)
        pages = {kind.key: (await running.get(f"/metrics/{kind.key}", scrape=20))[1] for kind in KINDS}
        text = (await running.get("/metrics", scrape=20))[1]
    pages["collector"] = "\n".join(line for line in text.splitlines() if _name(line).startswith(_OWN))
    if os.environ.get("UPDATE_METRICS_PAGE"):
        PAGE.write_text(make_page(pages))
    page = documented(PAGE.read_text())
    stale = {
        name: (family.type, family.help)
        for kind in pages.values()
        for name, family in families(kind).items()
        if page.get(name) != (family.type, " ".join(family.help.split()))
    }
    assert not stale, f"docs/metrics.md is not current; run: {COMMAND}"


async def _seen(running: Running, name: str) -> None:
    async with asyncio.timeout(60):
        while name not in (await running.get("/metrics/celery"))[1]:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.2)


def _name(line: str) -> str:
    return line.split()[2] if line.startswith("#") else line


def test_the_page_is_made_from_any_exposition() -> None:
    text = (
        "# HELP a_seconds Time\\nof | one.\n# TYPE a_seconds histogram\n"
        'a_seconds_bucket{target="t",way="in",le="1"} 1\na_seconds_sum{target="t",way="in"} 2\n'
        'a_seconds_count{target="t",way="in"} 2\n'
        "# HELP pg_settings_x X.\n# TYPE pg_settings_x gauge\npg_settings_x 1\n"
        "# HELP pg_settings_y Y.\n# TYPE pg_settings_y gauge\npg_settings_y 1\n"
    )
    page = make_page({"all": text})
    assert "| `a_seconds` | histogram | way | Time of \\| one. |" in page
    assert page.count("pg_settings_") == 1
    assert documented(page)["a_seconds"] == ("histogram", "Time of | one.")


@pytest.mark.parametrize("kind", [kind.key for kind in KINDS])
def test_every_kind_has_a_section(kind: str) -> None:
    assert f"\n## {kind}\n" in PAGE.read_text()


# What awesome-prometheus-alerts' and blackbox_exporter's own rules and dashboards ask for.
BLACKBOX = """
blackbox_exporter_config_last_reload_successful probe_dns_lookup_time_seconds probe_duration_seconds
probe_http_duration_seconds probe_http_redirects probe_http_ssl probe_http_status_code probe_http_version
probe_icmp_duration_seconds probe_ssl_earliest_cert_expiry probe_success probe_tls_version_info
"""


@pytest.mark.parametrize("name", BLACKBOX.split())
def test_blackboxs_packs_find_their_names(name: str) -> None:
    assert name in documented(PAGE.read_text())
