"""The demo's settings: addresses from the `demo` section, connections from the supervisor."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.common.config import Listen, StrictModel


class DemoConfig(StrictModel):
    """The `demo` section of tocsin.yml: where the shop and its surroundings listen."""

    shop_listen: Listen = "127.0.0.1:9800"
    inbox_listen: Listen = "127.0.0.1:9801"
    smtp_listen: Listen = "127.0.0.1:9802"
    gateway_listen: Listen = "127.0.0.1:9803"
    workers: int = 4
    requests_per_second: float = 12.0
    websocket_clients: int = 8


class DemoSettings(BaseModel):
    """What each part of the demo reads at its start, from one private file."""

    model_config = ConfigDict(frozen=True)

    config: DemoConfig
    postgres_dsn: str
    """The shop's own database."""
    redis_url: str
    """The shop's own Redis database: cache, sessions, and which faults are on."""
    broker_url: str
    """Another Redis database, Celery's."""

    def write(self, path: Path) -> None:
        """Store the settings, readable by the owner only, for they hold passwords."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(self.model_dump_json(), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "DemoSettings":
        """Return the settings that `write` stored."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))
