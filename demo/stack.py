"""What the supervisor needs to run the demo: preparation, processes, and variables for `demo/tocsin.yml`."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from demo.config import DemoSettings
from demo.faults import FAULTS_KEY, NOTHING

CONFIG = Path(__file__).parent / "tocsin.yml"
SCHEMA = Path(__file__).parent / "shop" / "schema.sql"
PARTS = ("world", "shop", "worker", "load")
SETTINGS_VARIABLE = "TOCSIN_DEMO_SETTINGS"


@dataclass(frozen=True)
class Process:
    """One child process of the demo."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


async def prepare(settings: DemoSettings, settings_path: Path) -> None:
    """Make the shop's tables, heal every fault of an earlier run, and store the settings for the parts."""
    settings.write(settings_path)
    connection = await asyncpg.connect(settings.postgres_dsn, timeout=10)
    try:
        await connection.execute(SCHEMA.read_text(encoding="utf-8"))
    finally:
        await connection.close()
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.delete(FAULTS_KEY)
        # A key that exists: asking for it twice a second must not look like a cache that misses.
        await redis.sadd(FAULTS_KEY, NOTHING)
        async for key in redis.scan_iter(match="ballast:*", count=1000):
            await redis.delete(key)


def processes(settings_path: Path) -> list[Process]:
    """Return the parts in the order in which to start them."""
    env = {SETTINGS_VARIABLE: str(settings_path)}
    return [Process(f"demo-{part}", (sys.executable, "-m", "demo", part), env) for part in PARTS]


def variables(settings: DemoSettings) -> dict[str, str]:
    """Return what `demo/tocsin.yml` refers to as `${NAME}`."""
    config = settings.config
    smtp_host, _, smtp_port = config.smtp_listen.rpartition(":")
    return {
        "DEMO_SHOP": config.shop_listen,
        "DEMO_INBOX": config.inbox_listen,
        "DEMO_GATEWAY": config.gateway_listen,
        "DEMO_SMTP_HOST": smtp_host,
        "DEMO_SMTP_PORT": smtp_port,
        "DEMO_POSTGRES_DSN": settings.postgres_dsn,
        "DEMO_REDIS_URL": settings.redis_url,
        "DEMO_BROKER_URL": settings.broker_url,
    }
