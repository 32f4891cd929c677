"""One term of work: from the lease taken to the lease lost, all loops run; in between this copy stands by."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog
from redis.asyncio import Redis

from services.common.bus import Bus, BusUnavailableError
from services.common.clock import Clock
from services.common.events import ACTIONS_STREAM, ALERTS_STREAM
from services.common.lifecycle import keep_running, spawn
from services.common.storage import Database
from services.common.telemetry import Telemetry
from services.notifier.attempt_log import AttemptLog
from services.notifier.config import NotifierConfig
from services.notifier.consumer import GROUP, ActionConsumer, AlertConsumer
from services.notifier.delivery import Dispatcher
from services.notifier.people_watch import PeopleWatch
from services.notifier.pipeline import Pipeline, StandbyError
from services.notifier.receipt_inbox import ReceiptInbox
from services.notifier.receipts import forget_late
from services.notifier.receiver_watch import ReceiverWatch
from services.notifier.watchdog import EvaluatorWatch, Watchdog

_TICK = 1.0
_SET_BACK = 2.0
_SWEEP_EVERY = 5
_MEASURE_EVERY = 5
log = structlog.get_logger(__name__)


class Term:
    """The loops and what they share."""

    def __init__(
        self,
        pipeline: Pipeline,
        config: NotifierConfig,
        telemetry: Telemetry,
        clock: Clock,
        *,
        redis: Redis | None,
        bus: Bus | None,
        database: Database | None,
        watchdog: Watchdog,
        people: PeopleWatch,
        inbox: ReceiptInbox,
    ) -> None:
        self._pipeline, self._config, self._telemetry, self._clock = pipeline, config, telemetry, clock
        self._redis, self._bus, self._database, self._watchdog = redis, bus, database, watchdog
        self._dispatcher = Dispatcher(pipeline, clock, config)
        self._people, self._inbox = people, inbox
        self._receivers = ReceiverWatch(pipeline, self._dispatcher.health)
        self._ticks = 0
        self._offset = clock.now() - clock.monotonic()

    async def try_begin(self) -> bool:
        """Begin to work if no other copy does."""
        return await self._pipeline.begin()

    async def run(self) -> None:
        """Stand by until the lease is free, then work until it is lost."""
        while not self._pipeline.active and not await self._pipeline.begin():
            await self._clock.sleep(self._config.lease / 3)
        async with AsyncExitStack() as stack:
            for name, work in self._loops().items():
                looping = keep_running(
                    name, self._while_active(work), clock=self._clock, telemetry=self._telemetry, max_pause=2.0
                )
                spawn(stack, looping, name=f"notifier-{name}")
            await self._pipeline.lost.wait()

    @staticmethod
    def _while_active(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def round_of_work() -> None:
            try:
                await work()
            except StandbyError:
                # The lease is lost: the term ends in a moment and cancels this.
                await asyncio.Event().wait()

        return round_of_work

    def _loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        pipeline, clock = self._pipeline, self._clock
        # The dispatcher is started first, so that it is stopped last: what the others did is still sent.
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "deliver": self._dispatcher.run,
            "housekeeping": self._housekeeping,
        }
        if self._database is not None:
            loops["attempts"] = AttemptLog(pipeline, self._database, clock).round
        if self._bus is not None:
            loops["alerts"] = AlertConsumer(self._bus, pipeline, lambda: self._watchdog.hear(clock.now())).round
            loops["actions"] = ActionConsumer(self._bus, pipeline).round
        if self._redis is not None and self._config.watch_evaluator:
            loops["watchdog"] = EvaluatorWatch(pipeline, self._redis, clock, self._watchdog).round
        return loops

    async def _housekeeping(self) -> None:
        pipeline, store = self._pipeline, self._pipeline.store
        self._telemetry.dependency_up.labels("redis").set(store.online)
        if not store.online and await store.ping():
            try:
                await pipeline.recover()
            except store.away as error:
                # It answers but takes nothing yet: the next tick tries again, and sweeping goes on from memory.
                self._telemetry.loop_errors.labels("recover", type(error).__name__).inc()
        await self._watch_clock()
        since = self._watchdog.alive_since(self._clock.now())
        sweep = self._ticks % _SWEEP_EVERY == 0
        await pipeline.step(
            lambda now: _sweep(pipeline, now, since) if sweep else None, renew=self._ticks % self._renew_every() == 0
        )
        await self._receivers.judge()
        if sweep:
            await self._people.round()
            await self._inbox.round()
        await pipeline.close_unused()
        if self._ticks % _MEASURE_EVERY == 0:
            await self._measure()
        self._ticks += 1
        await self._clock.sleep(_TICK)

    async def _watch_clock(self) -> None:
        offset = self._clock.now() - self._clock.monotonic()
        back, self._offset = self._offset - offset, offset
        if back > _SET_BACK:
            log.warning("clock_set_back", seconds=round(back))
            await self._pipeline.step(lambda now: self._pipeline.engine.rewind(back, now))

    def _renew_every(self) -> int:
        return max(1, int(self._config.lease / 3 / _TICK))

    async def _measure(self) -> None:
        pipeline, metrics, now = self._pipeline, self._pipeline.metrics, self._clock.now()
        state = pipeline.state
        oldest = state.queue.oldest()
        firing = sum(record.firing for record in state.alerts.values())
        metrics.outbox.set(len(state.queue))
        metrics.outbox_age.set(0.0 if oldest is None else max(0.0, now - oldest))
        metrics.groups.set(len(state.groups))
        metrics.alerts.labels("firing").set(firing)
        metrics.alerts.labels("resolved").set(len(state.alerts) - firing)
        metrics.queued_attempts.set(len(state.attempts))
        metrics.dropped_attempts.set(state.attempts_dropped)
        self._people.measure()
        if self._bus is not None and pipeline.store.online:
            for stream in (ALERTS_STREAM, ACTIONS_STREAM):
                try:
                    metrics.lag.labels(stream).set(await self._bus.lag(stream, GROUP))
                except BusUnavailableError:
                    return


def _sweep(pipeline: Pipeline, now: float, heard_since: float | None) -> None:
    pipeline.engine.sweep(now, heard_since=heard_since)
    forget_late(pipeline.state, now)
