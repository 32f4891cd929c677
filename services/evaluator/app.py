"""The evaluator's composition root."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import structlog
from redis.asyncio import Redis

from services.common.bus import connect_redis
from services.common.clock import Clock
from services.common.config import ConfigError, Shared
from services.common.heartbeat import HeartbeatWriter
from services.common.lifecycle import keep_running, spawn
from services.common.telemetry import Telemetry
from services.common.tokens import ensure_token_file
from services.common.watch import watch_files
from services.common.web import is_loopback, serve, service_app
from services.evaluator.config import EvaluatorConfig
from services.evaluator.fallback import Fallback
from services.evaluator.history.open import open_history, open_past
from services.evaluator.parts import Parts, make_parts
from services.evaluator.publish import Publisher
from services.evaluator.query_api import add_routes
from services.evaluator.remote.sources import Sources
from services.evaluator.remote.writer import RemoteWriter, offer_all, open_writers
from services.evaluator.rules.runner import Batch
from services.evaluator.rules.settings import Written
from services.evaluator.scrape.jobs import load_jobs
from services.evaluator.state_store import StateStore
from services.evaluator.telemetry import PublishTelemetry, RemoteWriteTelemetry
from services.evaluator.tidy import Tidy

if TYPE_CHECKING:
    from services.evaluator.history.writer import HistoryWriter

_REDIS_TIMEOUT = 2.0
_STATE_RETRY = 0.25
_FIRST_ROUND_GRACE = 1.0
_HOUSEKEEPING = 15.0
_API_RULES = "api_rules"  # in the data folder: what the API writes of the rules that people make on the page
log = structlog.get_logger(__name__)


class Evaluator:
    """A running evaluator."""

    def __init__(
        self, parts: Parts, publisher: Publisher, config: EvaluatorConfig, load: Callable[[], EvaluatorConfig]
    ) -> None:
        self.port = 0
        self.parts, self.publisher, self._config, self._load = parts, publisher, config, load
        self._reloading = asyncio.Lock()
        self._tidy = Tidy(parts.clock)

    def ready(self) -> str:
        """Return "" when rules are in force, or none are asked for."""
        rules = self.parts.rules
        if rules.problems and not rules.runners:
            return f"no rule could be loaded: {rules.problems[0]}"
        return ""

    async def start(self, config: EvaluatorConfig) -> None:
        """Load rules and their state, then scrape; raises ConfigError when a scrape job can't be used."""
        parts = self.parts
        jobs = load_jobs(config, parts.base)
        parts.rules.reload()
        await self._wait_for_state(config.state_wait)
        parts.retention.adapt(parts.rules.needs(), config, jobs)
        longest = max((job.scrape_interval or 0.0 for job in jobs), default=0.0)
        parts.scheduler.set_first_deadline(longest + _FIRST_ROUND_GRACE if jobs else 0.0)
        parts.scheduler.set_groups(list(parts.rules.runners.values()))
        await parts.scrapes.apply(jobs)
        self._taken()

    async def _wait_for_state(self, seconds: float) -> None:
        clock = self.parts.clock
        deadline = clock.monotonic() + seconds
        while not await self.publisher.load():
            if clock.monotonic() >= deadline:
                log.warning("started_without_state", waited=seconds)
                return
            await clock.sleep(_STATE_RETRY)

    async def reload(self) -> None:
        """Take the newest rules and jobs into force; what is broken is named in the log and its last good one stays."""
        async with self._reloading:
            await self._reload_jobs()
            for batch in self.parts.rules.reload():
                self.publisher.submit(batch)
            self.parts.retention.adapt(self.parts.rules.needs(), self._config, self.parts.scrapes.configs)
            self.parts.scheduler.set_groups(list(self.parts.rules.runners.values()))

    async def _reload_jobs(self) -> None:
        try:
            config = self._load()
            await self.parts.scrapes.apply(load_jobs(config, self.parts.base))
        except ConfigError as error:
            self.parts.telemetry.config_reload_success.labels("scrape").set(0)
            log.error("reload_failed", error=str(error))  # noqa: TRY400 - the text names file and line; no traceback
            return
        self._config = config
        self._taken()

    def _taken(self) -> None:
        telemetry = self.parts.telemetry
        telemetry.config_reload_success.labels("scrape").set(1)
        telemetry.config_reload_time.labels("scrape").set(self.parts.clock.now())

    async def keep_house(self) -> None:
        """Drop old samples and tell figures: one round for `keep_running`."""
        self.parts.retention.keep_house(round(self.parts.clock.now() * 1000))
        rules = sum(len(runner.group.rules) for runner in self.parts.rules.runners.values())
        self._tidy.round(self.parts.head.index.series, rules)
        self.parts.rules.count()
        self.parts.rules.look_for_dead()
        await self.parts.clock.sleep(min(_HOUSEKEEPING, self._config.dead_rule_after))

    async def watch_rules(self) -> None:
        """Reload when a rule or scrape file changes; new folders are looked for again after a while."""
        patterns = [*self._config.rule_files, *self._config.scrape_config_files]
        await watch_files([self.parts.base / pattern for pattern in patterns], self.reload)
        await self.parts.clock.sleep(_HOUSEKEEPING)


async def build(
    stack: AsyncExitStack,
    config: EvaluatorConfig,
    shared: Shared,
    *,
    clock: Clock,
    base: Path,
    load: Callable[[], EvaluatorConfig] | None = None,
) -> Evaluator:
    """Start an evaluator on the stack; raises ConfigError or PortTakenError.

    `load` reads the section again at a reload; without it a reload reads the rule and scrape files only.
    """
    given = config
    load = _with_api_rules(load or (lambda: given), base / shared.data_dir / _API_RULES)
    config = load()
    telemetry = Telemetry("evaluator")
    token = ensure_token_file(shared.token_path)
    redis = _connect(stack, shared)
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

    writers = await open_writers(stack, config, base=base, clock=clock, telemetry=RemoteWriteTelemetry(telemetry))
    history = open_history(stack, config.history, shared, clock=clock, telemetry=telemetry)

    def submit(batch: Batch) -> None:
        publisher.submit(batch)
        if history is not None:
            history.intake.offer_alerts(batch.events)

    parts = make_parts(
        config,
        base=base,
        clock=clock,
        telemetry=telemetry,
        external_url=shared.external_url,
        submit=submit,
        prepare=Sources(stack, config.sources, base, clock).prepare,
        written=_listeners(writers, history),
    )
    publisher = Publisher(
        StateStore(redis, clock) if redis is not None else None,
        Fallback(session, config.notifier_urls, {"Authorization": f"Bearer {token}"}),
        clock=clock,
        telemetry=PublishTelemetry(telemetry),
        snapshot=parts.rules.snapshot,
        restore=parts.rules.restore,
    )
    evaluator = Evaluator(parts, publisher, config, load)
    open_paths = {"/metrics"} if config.open_metrics or is_loopback(config.listen) else set[str]()
    app = service_app(telemetry, clock, evaluator.ready, token=token, open_paths=open_paths)
    past = open_past(stack, config.history, shared)
    add_routes(app, stack, parts, config.query, evaluator.reload, past)
    stack.push_async_callback(parts.scrapes.close)
    await evaluator.start(config)
    evaluator.port = await serve(stack, app, config.listen, setting="evaluator.listen")
    for name, work in (
        ("publish", publisher.run),
        ("evaluate", parts.scheduler.run),
        ("housekeeping", evaluator.keep_house),
        ("watch", evaluator.watch_rules),
        *((f"remote write {writer.server}", writer.run) for writer in writers),
        *([("history", history.round)] if history is not None else []),
    ):
        spawn(stack, keep_running(name, work, clock=clock, telemetry=telemetry), name=f"evaluator {name}")
    if redis is not None:
        _start_heartbeat(stack, redis, evaluator, shared)
    return evaluator


def _listeners(writers: Sequence[RemoteWriter], history: "HistoryWriter | None") -> Written | None:
    if not writers and history is None:
        return None

    def written(t_ms: int, labels: Sequence[Mapping[str, str]], values: Sequence[float]) -> None:
        offer_all(writers, t_ms, labels, values)
        if history is not None:
            history.intake.offer(t_ms, labels, values)

    return written


def _with_api_rules(load: Callable[[], EvaluatorConfig], folder: Path) -> Callable[[], EvaluatorConfig]:
    # There from the start, so that it is watched from the start.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def with_folder() -> EvaluatorConfig:
        config = load()
        return config.model_copy(update={"rule_files": [*config.rule_files, str(folder.absolute() / "*.yml")]})

    return with_folder


def _connect(stack: AsyncExitStack, shared: Shared) -> Redis | None:
    if shared.redis is None:
        return None
    redis = connect_redis(shared.redis.resolve(), timeout=_REDIS_TIMEOUT)
    stack.push_async_callback(redis.aclose)
    return redis


def _start_heartbeat(stack: AsyncExitStack, redis: Redis, evaluator: Evaluator, shared: Shared) -> None:
    clock, telemetry = evaluator.parts.clock, evaluator.parts.telemetry
    writer = HeartbeatWriter(
        redis,
        telemetry,
        clock,
        instance=f"{socket.gethostname()}:{evaluator.port}",
        interval=shared.heartbeat_interval,
        ready=evaluator.ready,
    )
    spawn(stack, keep_running("heartbeat", writer.round, clock=clock, telemetry=telemetry), name="evaluator heartbeat")
