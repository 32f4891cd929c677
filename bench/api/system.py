"""All of Tocsin over a filled database: the embedded servers as `tocsin up` starts them."""

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import yaml
from rich.console import Console

from bench.api.record import Size, fill
from bench.processes import free_port, start, wait_ready
from services.api.users import ensure_first_user
from services.supervisor.datadir import DataDir
from services.supervisor.postgres import EmbeddedPostgres, OwnDatabase, launch_as
from services.supervisor.redis import EmbeddedRedis

_PARTS = ("collector", "evaluator", "notifier", "api", "postgres", "redis")
_RULES = {
    "groups": [
        {
            "name": "bench",
            "rules": [
                {"record": "tocsin:celery_queue_length", "expr": "bench_queue"},
                {
                    "alert": "QueueIsLong",
                    "expr": "tocsin:celery_queue_length > 1000000",
                    "labels": {"severity": "warning", "component": "celery"},
                },
            ],
        }
    ]
}
# For filling only: what is not safe then is done with before anything is measured.
_LOADING = {
    "wal_level": "minimal", "max_wal_senders": "0", "fsync": "off", "autovacuum": "off", "max_wal_size": "8GB",
    "maintenance_work_mem": "1GB", "max_parallel_maintenance_workers": "0",
}  # fmt: skip


@dataclass
class System:
    """A running Tocsin."""

    home: Path
    ports: dict[str, int]
    login: tuple[str, str]
    root: psutil.Process

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.ports['api']}"

    def api(self) -> psutil.Process:
        """Return the API's process."""
        found = [child for child in self.root.children(recursive=True) if "api" in child.cmdline()]
        if len(found) != 1:
            raise RuntimeError(f"{len(found)} processes look like the API")
        return found[0]

    def redis_url(self) -> str:
        """Return where the embedded Redis listens, with its password."""
        return EmbeddedRedis(DataDir(self.home / "data"), f"127.0.0.1:{self.ports['redis']}").url()

    async def log_in(self, stack: AsyncExitStack) -> aiohttp.ClientSession:
        """Return a session with its cookie, as a browser has."""
        jar = aiohttp.CookieJar(unsafe=True)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(self.url, cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0))
        )
        body = {"username": self.login[0], "password": self.login[1]}
        async with session.post("/api/auth/login", json=body) as answer:
            answer.raise_for_status()
        return session


async def fill_and_start(
    stack: AsyncExitStack, home: Path, size: Size, target: int, console: Console, now: float
) -> System:
    """Fill a new data folder and start Tocsin on it, with a target on that port of the loopback."""
    ports = {name: free_port() for name in _PARTS}
    (home / "rules.yml").write_text(yaml.safe_dump(_RULES))
    (home / "tocsin.yml").write_text(yaml.safe_dump(_config(ports, target)))
    login = await _fill(home, f"127.0.0.1:{ports['postgres']}", size, now, console)
    side = start(
        stack, "tocsin", [sys.executable, "-m", "services", "up", "--config", "tocsin.yml"], home,
        {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    await wait_ready(side, f"http://127.0.0.1:{ports['api']}/-/ready", 120)
    return System(home, ports, login, psutil.Process(side.process.pid))


def _config(ports: dict[str, int], target: int) -> dict[str, object]:
    own = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    scrape = {"job_name": "bench", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
    return {
        "data_dir": "data",
        "embedded": {"postgres_listen": own["postgres"], "redis_listen": own["redis"]},
        "collector": {"listen": own["collector"]},
        "evaluator": {
            "listen": own["evaluator"],
            "rule_files": ["rules.yml"],
            "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
            "scrape_configs": [scrape],
        },
        "notifier": {
            "listen": own["notifier"],
            "config": {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]},
        },
        # The limit of requests is not what is measured.
        "api": {"listen": own["api"], "rate_limits": {"per_second": 0, "anonymous_per_second": 0}},
    }


async def _fill(home: Path, listen: str, size: Size, now: float, console: Console) -> tuple[str, str]:
    data = DataDir(home / "data")
    data.create()
    postgres = EmbeddedPostgres(data, listen, [OwnDatabase("tocsin", reserved=True)])
    await postgres.prepare()
    made = postgres.process()
    options = [part for key, value in _LOADING.items() for part in ("-c", f"{key}={value}")]
    async with AsyncExitStack() as stack:
        start(stack, "postgres", [*launch_as(made.user), *made.argv, *options], home)
        while await postgres.probe():  # noqa: ASYNC110 - a server of its own has no event to await
            await asyncio.sleep(0.2)
        await postgres.ensure_databases()
        dsn = postgres.dsn("tocsin")
        rolled = await fill(dsn, size, now, console)
        login = await ensure_first_user(dsn)
    console.print(f"{size.alerts:,} alerts, {size.samples:,} samples and {rolled:,} roll-ups are there")
    if login is None:
        raise RuntimeError("the database is not new")
    return login
