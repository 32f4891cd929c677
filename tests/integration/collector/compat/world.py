"""Everything at once: real targets of all kinds, a collector that watches them, an evaluator that scrapes it.

What is left at the end is the evaluator's head: all series, as a Prometheus would have them.
"""

import asyncio
import tempfile
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.collector.app import Collector
from services.collector.app import build as build_collector
from services.collector.config import CollectorConfig
from services.common.clock import SystemClock
from services.common.config import Shared
from services.evaluator.app import Evaluator
from services.evaluator.app import build as build_evaluator
from services.evaluator.config import EvaluatorConfig
from services.evaluator.head import Head
from services.evaluator.promql import Block, Engine, Expr, Matcher
from services.evaluator.rules.dead import Labels
from services.evaluator.rules.query import elements
from tests.fixtures.ports import free_port
from tests.fixtures.waiting import until
from tests.integration.collector.apps import ok, serving
from tests.integration.collector.certs import make
from tests.integration.collector.compat.shop import (
    Producer,
    fill,
    open_shop,
    start_worker,
    trouble,
    use_redis,
    visit,
    work,
)
from tests.integration.collector.postgres.clusters import Cluster, primary, standby
from tests.integration.collector.redis.servers import Launch, form_cluster, launching

ROOT = Path(__file__).parents[4]
JOBS = ROOT / "deploy" / "config" / "community" / "scrape.yml"
_SQL = ROOT / "deploy" / "config" / "sql"
_KINDS = ("fastapi", "postgres", "redis", "celery", "websocket", "http", "sql", "host", "logs")
_LAST = (
    "pg_bloat_btree_bloat_pct", "pg_bloat_table_bloat_pct", "celery_worker_up", "celery_task_runtime_bucket",
    "celery_active_worker_count", "celery_task_failed_total", "celery_task_retried_total", "redis_cluster_state",
    "celery_scheduled_task_missed_runs_total", "tocsin:external_up",
)  # fmt: skip
_OPTIONS = {
    "track_io_timing": "on", "autovacuum": "on", "autovacuum_naptime": "1", "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_analyze_scale_factor": "0",
}  # fmt: skip
_ROUNDS = 15
_CUT_OFF = 'up == 0 or {__name__=~".+_scrape_collector_success"} == 0 or tocsin_target_up{target!~"gone|broken"} == 0'


@dataclass(frozen=True)
class World:
    """The series, and the time at which to ask for them; `only`: matchers that all of them meet."""

    head: Head
    t_ms: int
    only: tuple[Matcher, ...] = ()

    def community(self) -> "World":
        """Return what the jobs gave that we ship for community rules; our own rules' jobs scrape the same targets."""
        return replace(self, only=(Matcher("watched_for", "=", ""),))

    def own(self) -> "World":
        """Return what the jobs of our own rules gave, and what the rules made of it."""
        return replace(self, only=(Matcher("cluster", "=", ""),))

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Sequence[Block]:
        """Return the samples of series that meet the matchers, as a storage."""
        return self.head.select([*matchers, *self.only], start_ms, end_ms)

    def series(self, matchers: Sequence[Matcher]) -> Collection[Labels]:
        """Return the label sets that meet the matchers and have a sample now."""
        blocks = self.select(matchers, self.t_ms - 300_000, self.t_ms)
        return [labels for block in blocks for labels in block.labels]

    def query(self, expr: str | Expr) -> list[tuple[Labels, float]]:
        """Return the elements of an expression's result; raises PromqlError."""
        return elements(Engine().instant(expr, self, self.t_ms))


@cache
def living() -> World:
    """Return the world, built at the first asking: that takes a minute."""
    return asyncio.run(_live())


async def _live() -> World:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-compat-")))
        database, replica = await _databases(stack)
        launch = stack.enter_context(launching())
        redis = launch("--save", "")
        broker = f"redis://127.0.0.1:{redis.port}/0"
        start_worker(stack, folder, broker)
        shop = await stack.enter_async_context(open_shop())
        targets = await _targets(stack, folder, launch, shop, redis.port)
        targets["postgres"] = [
            {"name": "shop-db", "dsn": database.dsn(database="shop"), "disk_size": "1e9"},
            {"name": "shop-db-replica", "dsn": replica.dsn()},
        ]
        targets["sql"] = [
            {"name": "ccp", "dsn": database.dsn(), "metrics_files": [str(_SQL / "pgmonitor.yml")]},
            {"name": "payments", "dsn": database.dsn(database="shop"), "metrics_files": [str(_SQL / "payments.yml")]},
        ]
        collector = await _collector(stack, folder, targets)
        evaluator = await _evaluator(stack, folder, collector.port)
        await trouble(stack, database)
        producer = Producer(broker)
        stack.callback(producer.app.close)
        # The worker listens for revocations from its first heartbeat on.
        await until(lambda: _has(evaluator, "celery_worker_up"))
        for _ in range(_ROUNDS):
            await asyncio.to_thread(producer.send)
            await asyncio.to_thread(use_redis, redis.port)
            await asyncio.gather(visit(shop, 2), work(database), asyncio.sleep(1))
        for name in _LAST:
            await _awaited(evaluator, name)
        return await _healthy(evaluator.parts.head)


async def _healthy(head: Head) -> World:
    """Return the world at a moment when every target answered in time: a scrape that was cut off ends its series."""
    found: list[World] = []

    def all_targets_answer() -> bool:
        found[:] = [World(head, round(SystemClock().now() * 1000))]
        return not found[0].query(_CUT_OFF) and _recorded(head) <= _recorded(head, found[0])

    await until(all_targets_answer, every=0.5)
    return found[0]


def _recorded(head: Head, world: World | None = None) -> set[str]:
    """Return the names that rules have recorded; `world`: only those with a value then, for rules may be late."""
    every = [Matcher("__name__", "=~", "tocsin:.+")]
    names = {labels["__name__"] for block in head.select(every, 0, 1 << 60) for labels in block.labels}
    return names if world is None else {name for name in names if world.query(f'{{__name__="{name}"}}')}


async def _awaited(evaluator: Evaluator, name: str) -> None:
    async def there() -> bool:
        return _has(evaluator, name)

    there.__name__ = name
    await until(there)


def _has(evaluator: Evaluator, name: str) -> bool:
    return bool(evaluator.parts.head.select([Matcher("__name__", "=", name)], 0, 1 << 60))


async def _databases(stack: AsyncExitStack) -> tuple[Cluster, Cluster]:
    first = await asyncio.to_thread(primary, **_OPTIONS)
    stack.callback(first.remove)
    await first.ready()
    await fill(first)
    second = await asyncio.to_thread(standby, first, "spare")
    stack.callback(second.remove)
    return first, await second.ready()


async def _targets(
    stack: AsyncExitStack, folder: Path, launch: Launch, shop: int, redis: int
) -> dict[str, list[dict[str, Any]]]:
    replica = launch("--save", "", "--replicaof", "127.0.0.1", str(redis))
    nodes = await asyncio.to_thread(form_cluster, launch)
    made = make("server")
    secure = await stack.enter_async_context(serving({"/": ok}, tls=made.server(folder, "server")))
    trust = {"tls_config": {"ca_file": str(folder / "server.pem")}}
    (folder / "app.log").write_text('{"level": "error", "event": "payment failed"}\n')
    base = f"http://127.0.0.1:{shop}"
    health = {"metrics_url": f"{base}/metrics", "health_url": f"{base}/items/1"}
    return {
        "fastapi": [{"name": "shop", **health}],
        "redis": [
            {"name": "shop-redis", "url": f"redis://127.0.0.1:{redis}"},
            {"name": "shop-redis-replica", "url": f"redis://127.0.0.1:{replica.port}"},
            {"name": "shop-redis-cluster", "url": f"redis://127.0.0.1:{nodes[0].port}", "discover": "cluster"},
            {"name": "gone", "url": "redis://127.0.0.1:1"},
        ],
        "celery": [{
            "name": "shop-tasks", "broker_url": f"redis://127.0.0.1:{redis}/0", "inspect_interval": 1,
            "schedule": [{"name": "often", "task": "shop.tidy", "every": "1h"}],
        }],
        "http": [
            {"name": "shop-site", "url": f"{base}/items/2"},
            {"name": "shop-secure-site", "url": f"https://127.0.0.1:{secure}/", "module": trust},
            {"name": "broken", "url": f"{base}/error"},
        ],
        "websocket": [{"name": "shop-feed", "url": f"ws://127.0.0.1:{shop}/ws", "ping_message": "ping"}],
        "icmp": [{"name": "here", "host": "127.0.0.1"}],
        "logs": [{"name": "shop-log", "paths": [str(folder / "app.log")], "start_at": "beginning"}],
        "host": [{"name": "machine"}],
    }  # fmt: skip


async def _collector(stack: AsyncExitStack, folder: Path, targets: dict[str, list[dict[str, Any]]]) -> Collector:
    config = CollectorConfig.model_validate({"listen": "127.0.0.1:0", "targets": targets})
    return await build_collector(stack, config, Shared(data_dir=folder), clock=SystemClock(), base=folder)


async def _evaluator(stack: AsyncExitStack, folder: Path, port: int) -> Evaluator:
    """Start an evaluator with the jobs that we ship, and one job for each kind as our own rules have them."""
    text = JOBS.read_text().replace("127.0.0.1:9700", f"127.0.0.1:{port}")
    text = text.replace(".tocsin/secrets/service-token", str(Shared(data_dir=folder).token_path))
    (folder / "community.yml").write_text(text)
    own = [
        {
            "job_name": f"own-{kind}",
            "metrics_path": f"/metrics/{kind}",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"job": kind, "watched_for": "own"}}],
        }
        for kind in _KINDS
    ]
    listen = f"127.0.0.1:{free_port()}"
    own.append(
        {
            "job_name": "own-collector",
            "static_configs": [
                {"targets": [f"127.0.0.1:{port}"], "labels": {"job": "collector", "watched_for": "own"}}
            ],
            "metric_relabel_configs": [{"source_labels": ["target"], "regex": ".+", "action": "drop"}],
        }
    )
    own.append(
        {
            "job_name": "own-evaluator",
            "static_configs": [{"targets": [listen], "labels": {"job": "evaluator", "watched_for": "own"}}],
        }
    )
    labels = {"job": "gateway", "external": "Payment gateway", "watched_for": "own"}
    own.append(
        {
            "job_name": "own-gateway",
            "metrics_path": "/metrics/http",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}],
        }
    )
    (folder / "own.yml").write_text(yaml.safe_dump({"scrape_configs": own}))
    config = EvaluatorConfig.model_validate({
        "listen": listen, "retain": "all", "notifier_urls": [], "state_wait": "100ms",
        "global": {"scrape_interval": "3s", "scrape_timeout": "3s", "evaluation_interval": "3s"},
        "scrape_config_files": ["community.yml", "own.yml"],
        "rule_files": [str(ROOT / "rules" / "*.yml")],
    })  # fmt: skip
    return await build_evaluator(stack, config, Shared(data_dir=folder), clock=SystemClock(), base=folder)
