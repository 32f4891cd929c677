"""The collector's composition root."""

import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from services.collector.config import CollectorConfig
from services.collector.pages import Pages
from services.collector.peers import Peers
from services.collector.probes.base import Tools
from services.collector.probes.modules import ModuleSet
from services.collector.probes.names import Names
from services.collector.scrape import ScrapeMetrics, Target
from services.collector.sources import KINDS
from services.collector.sources.base import Context
from services.collector.webconfig.guard import WebGuard
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


@dataclass(frozen=True)
class _Opened:
    """One configuration's targets, modules, and what closes them."""

    targets: Sequence[Target]
    modules: ModuleSet
    tools: Tools
    stack: AsyncExitStack


class Collector:
    """A running collector."""

    def __init__(
        self, telemetry: Telemetry, clock: Clock, base: Path, data_dir: Path, load: Callable[[], CollectorConfig]
    ) -> None:
        self.port = 0
        self._telemetry, self._clock, self._base, self._load = telemetry, clock, base, load
        self._data_dir = data_dir
        self._metrics, self._peers = ScrapeMetrics(telemetry), Peers(telemetry)
        self._open: AsyncExitStack | None = None
        self.pages: Pages | None = None

    def ready(self) -> str:
        """Return "" once a configuration is in force."""
        return "" if self.pages is not None else "no configuration is in force yet"

    async def start(self, config: CollectorConfig) -> Pages:
        """Open all targets; raises ConfigError."""
        opened = await self._open_all(config)
        pages = Pages(config, opened.targets, self._telemetry, self.try_reload)
        self._take(pages, config, opened)
        self.pages = pages
        return pages

    async def reload(self) -> None:
        """Take the newest configuration into force; a bad one is logged and the old one stays."""
        await self.try_reload()

    async def try_reload(self) -> str:
        """Reload; return what is wrong with the new configuration, "" when it is in force."""
        assert self.pages is not None  # noqa: S101 - `build` returns a collector that was started
        try:
            config = self._load()
            opened = await self._open_all(config)
        except ConfigError as error:
            self._telemetry.config_reload_success.labels("config").set(0)
            self._peers.reloaded(at=None)
            log.warning("reload_failed", error=str(error))
            return str(error)
        before = self._open
        self._take(self.pages, config, opened)
        log.info("reloaded", targets=len(opened.targets))
        if before is not None:
            await before.aclose()
        return ""

    async def close(self) -> None:
        """Close all targets."""
        if self.pages is not None:
            await self.pages.prober.close()
        if self._open is not None:
            await self._open.aclose()

    def _take(self, pages: Pages, config: CollectorConfig, opened: _Opened) -> None:
        self._open = opened.stack
        pages.config, pages.targets = config, opened.targets
        pages.prober.take(config.probe, opened.modules, opened.tools)
        now = self._clock.now()
        self._telemetry.config_reload_success.labels("config").set(1)
        self._telemetry.config_reload_time.labels("config").set(now)
        self._peers.reloaded(at=now)

    async def _open_all(self, config: CollectorConfig) -> _Opened:
        modules = config.probe.all_modules(self._base)
        targets = []
        async with AsyncExitStack() as stack:
            names = Names(config.probe.dns_servers)
            context = Context(self._clock, self._telemetry, self._base, stack, self._data_dir, names)
            for key, model in config.targets.pairs():
                kind = _KINDS[key]
                source = await kind.open(model, context)
                target = Target(key, model.name, kind.address(model), source, self._clock, self._metrics)
                target.stop_on(stack)
                targets.append(target)
            return _Opened(targets, modules, context.tools, stack.pop_all())


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

    `load` reads the configuration again at a reload; without it a reload opens the same targets anew and reads the
    files that the configuration names.
    """
    telemetry = Telemetry("collector")
    collector = Collector(telemetry, clock, base, shared.data_dir, load or (lambda: config))
    stack.push_async_callback(collector.close)
    pages = await collector.start(config)
    token = ensure_token_file(shared.token_path)
    guard = None
    if config.web_config_file is not None:
        guard = WebGuard(base / config.web_config_file, token, telemetry, clock)
    open_paths = {"/", "/metrics", "/metrics/"} if config.open_metrics or is_loopback(config.listen) else set[str]()
    app = service_app(
        telemetry, clock, collector.ready, token=token, open_paths=open_paths, metrics_page=pages.metrics
    )  # fmt: skip
    pages.add_to(app)
    if guard is not None:
        guard.add_to(app)
    tls = None if guard is None else guard.server_context()
    collector.port = await serve(stack, app, config.listen, setting="collector.listen", tls=tls)
    _start_heartbeat(stack, collector, shared, telemetry, clock)
    return collector


def _start_heartbeat(
    stack: AsyncExitStack, collector: Collector, shared: Shared, telemetry: Telemetry, clock: Clock
) -> None:
    if shared.redis is None:
        return
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
    spawn(stack, keep_running("heartbeat", writer.round, clock=clock, telemetry=telemetry), name="collector heartbeat")
