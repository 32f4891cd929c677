"""Delivery: sends what is due through its integration, and settles what became of it."""

import asyncio
from dataclasses import dataclass

import structlog

from services.common.clock import Clock
from services.notifier.attempt import Result
from services.notifier.channels.base import DeliveryError, Integration, Message
from services.notifier.config import NotifierConfig
from services.notifier.health import Health
from services.notifier.outbox import Entry, claim
from services.notifier.pipeline import Pipeline
from services.notifier.queue import Target
from services.notifier.receivers import Generation
from services.notifier.settling import Outcome, Settling
from services.notifier.store import Extra
from services.notifier.waiting import wait

_WIND_UP = 3.0
_LONGEST_WAIT = 60.0
# So many attempts may be ended and not yet recorded: what a crash could send twice.
_UNSETTLED = 256
_POISON = 5
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Way:
    integration: Integration
    generation: Generation


class Dispatcher:
    """Each integration has its own number of places, so one that hangs delays none but itself.

    An attempt that ends makes room for the next at once; what became of all that ended meanwhile is saved in one
    transaction. An entry is sent only when it is saved itself (or Redis is away).
    """

    def __init__(self, pipeline: Pipeline, clock: Clock, settings: NotifierConfig) -> None:
        self._pipeline, self._clock = pipeline, clock
        self.health = Health(settings.receiver_broken_after)
        self._settling = Settling(pipeline, settings, self.health)
        self._finished: list[Outcome] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._places: dict[Target, int] = {}

    async def run(self) -> None:
        """Work until cancelled; then give the attempts under way a moment, and settle what they came to."""
        try:
            while True:
                await self.exchange()
                await self._wait()
        finally:
            await self._wind_up()

    async def _wind_up(self) -> None:
        tasks = list(self._running.values())
        if tasks and self._pipeline.active:
            # Cut off in the middle, a message that arrived would be sent again after the restart.
            await asyncio.wait(tasks, timeout=_WIND_UP)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._finished and self._pipeline.active:
            await self._settle()

    async def exchange(self) -> None:
        """Settle what is finished and look at groups whose time has come, then start what is due."""
        self._pipeline.work.clear()
        timer = self._pipeline.next_timer()
        if self._finished or (timer is not None and timer <= self._clock.now()):
            await self._settle()
        for target in self._pipeline.state.queue.targets():
            self._fill(target)

    async def _settle(self) -> None:
        finished, self._finished = self._finished, []
        extra = Extra()
        try:
            await self._pipeline.step(lambda now: extra.dead.extend(self._settling.settle(finished, now)), extra)
        except BaseException:
            # Not saved: settled again next time.
            self._finished = finished + self._finished
            raise
        if finished:
            self._pipeline.attempted.set()

    def _fill(self, target: Target) -> None:
        pipeline, now = self._pipeline, self._clock.now()
        way = self._way(target, "")
        places = way.integration.concurrency if way is not None else 1
        free = min(places - self._places.get(target, 0), _UNSETTLED - len(self._finished))
        if free <= 0 or not pipeline.active:
            return
        for entry in pipeline.state.queue.take(target, free, now=now):
            if not pipeline.is_saved(entry):
                pipeline.state.queue.put(entry)
            elif self._settling.is_over(entry, now):
                self._end(entry, DeliveryError("gave_up"), Result.EXPIRED)
            elif (own := self._way(target, entry.recipient)) is None:
                self._end(entry, DeliveryError("receiver_gone", permanent=True), Result.PERMANENT_FAILURE)
            else:
                self._start(entry, own)

    def _way(self, target: Target, recipient: str) -> _Way | None:
        # Whom the configuration no longer names is told the end by what was in force when they heard the beginning.
        for generation in (self._pipeline.generation, *reversed(self._pipeline.former)):
            integration = None if generation.closed else generation.integrations.get(target)
            if integration is not None and (not recipient or recipient in integration.recipients):
                return _Way(integration, generation)
        channel = target[1].partition("/")[0]
        present = self._pipeline.generation
        for (_, name), integration in present.integrations.items():
            # The same address under another receiver's name.
            if recipient and name.partition("/")[0] == channel and recipient in integration.recipients:
                return _Way(integration, present)
        last = present.integrations.get(target)
        return _Way(last, present) if last is not None else None

    def _end(self, entry: Entry, error: DeliveryError, result: Result) -> None:
        self._finished.append(Outcome(entry.delivery_id, self._clock.now(), 0.0, error=error, result=result))
        self._pipeline.work.set()

    def _start(self, entry: Entry, way: _Way) -> None:
        target = (entry.receiver, entry.integration)
        held = claim(entry)
        self._pipeline.state.queue.hold(held)
        self._places[target] = self._places.get(target, 0) + 1
        way.generation.users += 1
        task = asyncio.create_task(self._attempt(held, way.integration), name=f"deliver-{entry.channel}")
        self._running[entry.delivery_id] = task

        def ended(_task: asyncio.Task[None]) -> None:
            self._places[target] -= 1
            self._running.pop(entry.delivery_id, None)
            way.generation.users -= 1
            self._pipeline.work.set()
            if not _task.cancelled():
                self._fill(target)

        task.add_done_callback(ended)

    async def _attempt(self, entry: Entry, integration: Integration) -> None:
        began = self._clock.monotonic()
        provider_id, failure = "", None
        try:
            async with asyncio.timeout(integration.timeout):
                provider_id = await integration.send(message_of(entry))
        except DeliveryError as error:
            failure = error
        except TimeoutError:
            failure = DeliveryError("timeout", f"no answer within {integration.timeout:g} s")
        except Exception as error:
            # Whatever a channel raises, the entry must be settled and the others go on.
            log.exception("channel_failed", channel=entry.channel, error=error)
            poison = entry.attempts >= _POISON
            failure = DeliveryError("internal_error", type(error).__name__, permanent=poison)
        took = self._clock.monotonic() - began
        unconfirmed = failure is None and bool(getattr(integration, "receipts", False))
        outcome = Outcome(entry.delivery_id, self._clock.now(), took, provider_id, failure, unconfirmed=unconfirmed)
        self._finished.append(outcome)

    async def _wait(self) -> None:
        if self._finished:
            # What ends in the same turn of the loop is settled together.
            await asyncio.sleep(0)
            return
        integrations = self._pipeline.generation.integrations
        full = frozenset(
            target
            for target, used in self._places.items()
            if (integration := integrations.get(target)) is not None and used >= integration.concurrency
        )
        times = (self._pipeline.next_timer(), self._pipeline.state.queue.next_at(busy=full))
        nearest = min((at for at in times if at is not None), default=None)
        seconds = _LONGEST_WAIT if nearest is None else min(_LONGEST_WAIT, nearest - self._clock.now())
        await wait(self._clock, self._pipeline.work, seconds)


def message_of(entry: Entry) -> Message:
    """Return what the channel gets."""
    return Message(
        delivery_id=entry.delivery_id,
        recipient=entry.recipient,
        receiver=entry.receiver,
        status=entry.status,
        cause=entry.cause,
        group_key=entry.group_key,
        group_labels=entry.group_labels,
        alerts=entry.alerts,
        created_at=entry.created_at,
        thread=entry.thread,
        acknowledged=entry.acknowledged,
    )
