"""The collector's composition root."""

import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from services.collector.config import CollectorConfig
from services.collector.pages import Pages
from services.collector.scrape import ScrapeMetrics, Target
from services.collector.sources import KINDS
from services.collector.sources.base import Context
from services.common.bus import connect_redis
from services.common.clock import Clock
from services.common.config import ConfigError, Shared
from services.common.heartbeat import HeartbeatWriter
from services.common.lifecycle import keep_running, spawn
from services.common.telemetry import Telemetry
from services.common.tokens import ensure_token_file
from services.common.web import is_loopback, serve, service_app

log = structlog.get_logger(__name__)
_KINDS = {kind.key: kind for kind in KINDS}


class Collector:
    """A running collector."""

    def __init__(
        self, telemetry: Telemetry, clock: Clock, base: Path, data_dir: Path, load: Callable[[], CollectorConfig]
    ) -> None:
        self.port = 0
        self._telemetry, self._clock, self._base, self._load = telemetry, clock, base, load
        self._data_dir = data_dir
        self._metrics = ScrapeMetrics(telemetry)
        self._open: AsyncExitStack | None = None
        self.pages: Pages | None = None

    def ready(self) -> str:
        """Return "" once a configuration is in force."""
        return "" if self.pages is not None else "no configuration is in force yet"

    async def start(self, config: CollectorConfig) -> Pages:
        """Open all targets; raises ConfigError."""
        targets, self._open = await self._open_targets(config)
        self.pages = Pages(config, targets, self._telemetry, self._clock)
        self._taken()
        return self.pages

    async def reload(self) -> None:
        """Take the newest configuration into force; a bad one is logged and the old one stays."""
        assert self.pages is not None  # noqa: S101 - `build` returns a collector that was started
        try:
            config = self._load()
            targets, opened = await self._open_targets(config)
        except ConfigError as error:
            self._telemetry.config_reload_success.labels("config").set(0)
            log.warning("reload_failed", error=str(error))
            return
        before, self._open = self._open, opened
        self.pages.config, self.pages.targets = config, targets
        self._taken()
        log.info("reloaded", targets=len(targets))
        if before is not None:
            await before.aclose()

    async def close(self) -> None:
        """Close all targets."""
        if self._open is not None:
            await self._open.aclose()

    def _taken(self) -> None:
        self._telemetry.config_reload_success.labels("config").set(1)
        self._telemetry.config_reload_time.labels("config").set(self._clock.now())

    async def _open_targets(self, config: CollectorConfig) -> tuple[Sequence[Target], AsyncExitStack]:
        targets = []
        async with AsyncExitStack() as stack:
            context = Context(self._clock, self._telemetry, self._base, stack, self._data_dir)
            for key, model in config.targets.pairs():
                kind = _KINDS[key]
                source = await kind.open(model, context)
                target = Target(key, model.name, kind.address(model), source, self._clock, self._metrics)
                target.stop_on(stack)
                targets.append(target)
            return targets, stack.pop_all()


async def build(
    stack: AsyncExitStack,
    config: CollectorConfig,
    shared: Shared,
    *,
    clock: Clock,
    base: Path,
    load: Callable[[], CollectorConfig] | None = None,
) -> Collector:
    """Start a collector on the stack; raises ConfigError or PortTakenError.

    `load` reads the configuration again at a reload; without it a reload opens the same targets anew.
    """
    telemetry = Telemetry("collector")
    collector = Collector(telemetry, clock, base, shared.data_dir, load or (lambda: config))
    stack.push_async_callback(collector.close)
    pages = await collector.start(config)
    open_paths = {"/", "/metrics", "/metrics/"} if config.open_metrics or is_loopback(config.listen) else set[str]()
    app = service_app(
        telemetry,
        clock,
        collector.ready,
        token=ensure_token_file(shared.token_path),
        open_paths=open_paths,
        metrics_page=pages.metrics,
    )
    pages.add_to(app)
    collector.port = await serve(stack, app, config.listen, setting="collector.listen")
    if shared.redis is not None:
        redis = connect_redis(shared.redis.resolve())
        stack.push_async_callback(redis.aclose)
        writer = HeartbeatWriter(
            redis,
            telemetry,
            clock,
            instance=f"{socket.gethostname()}:{collector.port}",
            interval=shared.heartbeat_interval,
            ready=collector.ready,
        )
        spawn(
            stack, keep_running("heartbeat", writer.round, clock=clock, telemetry=telemetry), name="collector heartbeat"
        )
    return collector
