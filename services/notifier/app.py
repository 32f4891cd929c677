"""The notifier's composition root."""

import asyncio
import contextlib
import gc
import secrets
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from redis.asyncio import Redis

from services.common.bus import RedisBus, connect_redis
from services.common.clock import Clock
from services.common.config import ConfigError, Shared
from services.common.heartbeat import HeartbeatWriter
from services.common.lifecycle import keep_running, spawn
from services.common.storage import Database
from services.common.telemetry import Telemetry
from services.common.tokens import ensure_token_file
from services.common.watch import watch_files
from services.common.web import is_loopback, serve, service_app
from services.notifier.actions import Actions
from services.notifier.answers import Answers
from services.notifier.api_v2 import ApiV2
from services.notifier.channels.kit.memory import Memory
from services.notifier.config import NotifierConfig
from services.notifier.hooks import Hooks
from services.notifier.links import Links
from services.notifier.people_api import PeopleApi
from services.notifier.people_watch import PeopleWatch
from services.notifier.pipeline import Pipeline
from services.notifier.posting import Limits
from services.notifier.receipt_inbox import ReceiptInbox
from services.notifier.receivers import build_generation
from services.notifier.schedules_api import SchedulesApi
from services.notifier.store import Store
from services.notifier.telemetry import NotifierMetrics
from services.notifier.term import Term
from services.notifier.watchdog import Watchdog

__all__ = ["RunningNotifier", "build"]
_LINK_KEY = "link-key"
# The interpreter's default looks for cycles every 700 objects, of which a storm of alerts makes a million, with none.
_COLLECT_AFTER = (20_000, 20, 20)
# Who calls these shows a provider's signature, or one of ours in the address, not the service token.
_SIGNED = ("/ack/", "/api/v1/schedules/", "/hooks/")
log = structlog.get_logger(__name__)


class RunningNotifier:
    """A notifier at work."""

    def __init__(
        self,
        pipeline: Pipeline,
        config: NotifierConfig,
        shared: Shared,
        telemetry: Telemetry,
        clock: Clock,
        base: Path,
        memory: Memory,
        links: Links,
    ) -> None:
        self.pipeline, self.telemetry, self.port, self.memory, self.links = pipeline, telemetry, 0, memory, links
        self._config, self._shared, self._clock, self._base = config, shared, clock, base

    def ready(self) -> str:
        """Return "" while it takes alerts and delivers; Redis away is no reason not to."""
        return "" if self.pipeline.active else "standing by: another notifier works"

    async def watch(self) -> None:
        """Reload when the file or a template changes; begins anew where a reload names other files."""
        files, stop = self.pipeline.generation.files, asyncio.Event()

        async def changed() -> None:
            with contextlib.suppress(ConfigError):  # reload has said what is wrong
                await self.reload()
            if self.pipeline.generation.files != files:
                stop.set()

        await watch_files(files, changed, stop=stop)

    async def reload(self) -> None:
        """Read routes, receivers and templates again; raises ConfigError, and what is in force stays."""
        try:
            generation = await build_generation(
                self._config, base=self._base, external_url=self._shared.external_url, clock=self._clock,
                memory=self.memory, links=self.links,
            )  # fmt: skip
        except ConfigError as error:
            self.telemetry.config_reload_success.labels("alertmanager").set(0)
            log.error("config_refused", error=str(error))  # noqa: TRY400 - the message says it all, with file and line
            raise
        await self.pipeline.reconfigure(generation)
        mark_loaded(self.telemetry, self._clock)
        tell_gaps(self.pipeline)
        log.info("config_reloaded", receivers=len(generation.receivers))


def mark_loaded(telemetry: Telemetry, clock: Clock) -> None:
    """Show that the newest configuration is in force."""
    telemetry.config_reload_success.labels("alertmanager").set(1)
    telemetry.config_reload_time.labels("alertmanager").set(clock.now())


def tell_gaps(pipeline: Pipeline) -> None:
    """Say what would reach nobody, before it is needed."""
    pipeline.metrics.unreached.set(len(pipeline.generation.gaps))
    for gap in pipeline.generation.gaps:
        log.warning("reaches_nobody", gap=gap)


async def build(
    stack: AsyncExitStack, config: NotifierConfig, shared: Shared, *, clock: Clock, base: Path
) -> RunningNotifier:
    """Open everything on the stack and start; raises ConfigError for a configuration that can't be used."""
    gc.set_threshold(*_COLLECT_AFTER)
    telemetry = Telemetry("notifier")
    metrics = NotifierMetrics(telemetry)
    redis = await _redis(stack, shared)
    memory = Memory(clock, redis)
    links = Links(ensure_token_file(shared.token_path.with_name(_LINK_KEY)), shared.external_url)
    generation = await build_generation(
        config, base=base, external_url=shared.external_url, clock=clock, memory=memory, links=links
    )
    mark_loaded(telemetry, clock)
    instance = config.instance or f"{socket.gethostname()}:{config.listen}"
    store = Store(redis, owner=f"{instance}|{secrets.token_hex(8)}", lease=config.lease)
    pipeline = Pipeline(
        store, generation, clock=clock, metrics=metrics, max_attempts=config.max_queued_attempts,
        limits=_limits(config), record_posted=config.record_posted,
    )  # fmt: skip
    stack.push_async_callback(pipeline.aclose)
    running = RunningNotifier(pipeline, config, shared, telemetry, clock, base, memory, links)
    tell_gaps(pipeline)
    watchdog = Watchdog(shared.heartbeat_interval, config.evaluator_grace, clock.now())
    bus = RedisBus(redis, clock) if redis is not None else None
    actions, inbox = Actions(pipeline, bus), ReceiptInbox(pipeline, redis)
    people = PeopleWatch(pipeline, redis, actions)
    running.port = await _serve(stack, running, config, shared, watchdog, actions, inbox, people)
    database = _database(stack, shared)
    term = Term(
        pipeline, config, telemetry, clock, redis=redis, bus=bus, database=database, watchdog=watchdog, people=people,
        inbox=inbox,
    )  # fmt: skip
    stack.push_async_callback(store.release)
    if await term.try_begin():
        log.info("notifier_active", instance=instance, saved="redis" if store.online else "memory")
    spawn(stack, keep_running("term", term.run, clock=clock, telemetry=telemetry, max_pause=2.0), name="term")
    if config.watch_files and generation.files:
        spawn(stack, keep_running("config-watch", running.watch, clock=clock, telemetry=telemetry), name="config-watch")
    if redis is not None:
        beat = HeartbeatWriter(
            redis, telemetry, clock, instance=instance, interval=shared.heartbeat_interval, ready=running.ready
        )
        spawn(
            stack, keep_running("heartbeat", beat.round, clock=clock, telemetry=telemetry, max_pause=2.0), name="beat"
        )
    return running


def _limits(config: NotifierConfig) -> Limits:
    return Limits(
        retry_for=config.retry_for, retention=config.retention,
        silence_retention=config.silence_retention, max_silences=config.max_silences,
    )  # fmt: skip


async def _redis(stack: AsyncExitStack, shared: Shared) -> Redis | None:
    if shared.redis is None:
        return None
    redis = connect_redis(shared.redis.resolve())
    stack.push_async_callback(redis.aclose)
    return redis


def _database(stack: AsyncExitStack, shared: Shared) -> Database | None:
    if shared.postgres is None:
        return None
    database = Database(shared.postgres.resolve(), name="notifier")
    stack.push_async_callback(database.close)
    return database


async def _serve(
    stack: AsyncExitStack,
    running: RunningNotifier,
    config: NotifierConfig,
    shared: Shared,
    watchdog: Watchdog,
    actions: Actions,
    inbox: ReceiptInbox,
    people: PeopleWatch,
) -> int:
    pipeline = running.pipeline
    clock = pipeline.clock
    token = ensure_token_file(shared.token_path)
    is_open = config.open_metrics or is_loopback(config.listen)
    open_paths = (*_SIGNED, "/metrics") if is_open else _SIGNED
    app = service_app(running.telemetry, clock, running.ready, token=token, open_paths=open_paths)
    api = ApiV2(pipeline, started_at=clock.now(), reload=running.reload, heard=lambda: watchdog.hear(clock.now()))
    api.add_routes(app)
    Hooks(pipeline, actions, running.memory, inbox, external_url=shared.external_url).add_routes(app)
    Answers(pipeline, actions, running.memory, running.links).add_routes(app)
    SchedulesApi(pipeline, running.links).add_routes(app)
    PeopleApi(pipeline, running.links, people).add_routes(app)
    return await serve(stack, app, config.listen, setting="notifier.listen")
