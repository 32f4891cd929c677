"""The demo as the supervisor runs it; imported only when it is asked for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from demo import stack
from demo.config import DemoConfig, DemoSettings
from services.common.config import ConfigFile
from services.supervisor.endpoints import Endpoint
from services.supervisor.postgres import EmbeddedPostgres, OwnDatabase
from services.supervisor.process import Process
from services.supervisor.redis import EmbeddedRedis

CONFIG = stack.CONFIG
SETTINGS_FILE = "demo.json"
_DATABASE = "shop"
_REDIS_DATABASE = 1
_BROKER_DATABASE = 2


class DemoStack:
    """The small shop of `demo/`, on its own database and two Redis databases of the embedded servers."""

    databases: Sequence[OwnDatabase] = (OwnDatabase(_DATABASE, monitors=True),)

    def listens(self, config: ConfigFile) -> Mapping[str, str]:
        """Return `demo.<name>_listen → address`."""
        demo = config.section("demo", DemoConfig)
        return {f"demo.{name}": str(value) for name, value in demo.model_dump().items() if name.endswith("_listen")}

    def variables(self, config: ConfigFile, postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> Mapping[str, str]:
        """Return what `demo/tocsin.yml` refers to."""
        return stack.variables(self._settings(config, postgres, redis))

    async def prepare(
        self, config: ConfigFile, postgres: EmbeddedPostgres, redis: EmbeddedRedis, run: Path
    ) -> Sequence[Process]:
        """Make the shop's tables and return its parts as processes."""
        path = run / SETTINGS_FILE
        await stack.prepare(self._settings(config, postgres, redis), path)
        unbuffered = {"PYTHONUNBUFFERED": "1"}
        return [Process(part.name, part.argv, {**unbuffered, **part.env}) for part in stack.processes(path)]

    def welcome(self, config: ConfigFile) -> Sequence[str]:
        """Say where the shop and its inbox are, and what to try."""
        demo = config.section("demo", DemoConfig)
        return (
            f"Shop        {Endpoint.of(demo.shop_listen).http}",
            f"Inbox       {Endpoint.of(demo.inbox_listen).http}   (the mails and webhooks that Tocsin sends)",
            "Try         tocsin demo break celery   … and: tocsin demo heal celery",
        )

    @staticmethod
    def _settings(config: ConfigFile, postgres: EmbeddedPostgres, redis: EmbeddedRedis) -> DemoSettings:
        return DemoSettings(
            config=config.section("demo", DemoConfig),
            postgres_dsn=postgres.dsn(_DATABASE),
            redis_url=redis.url(_REDIS_DATABASE),
            broker_url=redis.url(_BROKER_DATABASE),
        )
