"""Delivery: claims due entries, sends each through its integration, and settles what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.common.clock import Clock
from services.notifier import attempt
from services.notifier.attempt import Result
from services.notifier.channels.base import DeliveryError, Integration, Message
from services.notifier.config import NotifierConfig
from services.notifier.outbox import Entry, back_off, claim, released, superseded_by
from services.notifier.pipeline import Pipeline
from services.notifier.queue import Target
from services.notifier.receivers import Generation
from services.notifier.waiting import wait

_LEASE_MARGIN = 30.0
_UNBOUNDED = 1_000_000
_WIND_UP = 3.0
_LONGEST_WAIT = 60.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What one attempt came to; no error: delivered."""

    delivery_id: str
    at: float
    duration: float
    provider_id: str = ""
    error: DeliveryError | None = None


class Dispatcher:
    """One loop that settles finished attempts and claims new ones in the same step.

    Each integration has its own number of places, so one that hangs delays none but itself.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock, settings: NotifierConfig) -> None:
        self._pipeline, self._clock, self._settings = pipeline, clock, settings
        self._finished: list[Outcome] = []
        self._running: dict[str, asyncio.Task[None]] = {}
        self._places: dict[Target, int] = {}
        self._warned: set[Target] = set()

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
        finished, self._finished = self._finished, []
        if finished and self._pipeline.active:
            await self._pipeline.step(lambda now: self._settle_all(finished, now))

    async def exchange(self) -> None:
        """Settle what is finished, claim what is due, save both, then start the attempts."""
        claimed: list[tuple[Entry, Integration]] = []
        finished, self._finished = self._finished, []
        generation = self._pipeline.generation

        def change(now: float) -> None:
            self._settle_all(finished, now)
            # Before claiming: what is due by now should be in the outbox.
            self._pipeline.flush(now)
            for target in self._pipeline.state.queue.targets():
                claimed.extend(self._claim(target, generation, now))

        try:
            await self._pipeline.step(change)
        except BaseException:
            # Not saved and not sent: settled again next time, claims run out by themselves.
            self._finished = finished + self._finished
            raise
        if finished:
            self._pipeline.attempted.set()
        self._pipeline.work.clear()
        for entry, integration in claimed:
            self._start(entry, integration, generation)
        await self._pipeline.close_unused()

    def _claim(self, target: Target, generation: Generation, now: float) -> list[tuple[Entry, Integration]]:
        integration = generation.integrations.get(target)
        places = integration.concurrency if integration else _UNBOUNDED
        free = places - self._places.get(target, 0)
        claimed = []
        for entry in self._pipeline.state.queue.take(target, free, now=now, busy=self._running.keys()):
            if integration is None:
                self._give_up(entry, Result.PERMANENT_FAILURE, "receiver_gone", now)
            elif now >= entry.give_up_at:
                self._give_up(entry, Result.EXPIRED, "gave_up", now)
            else:
                until = now + integration.timeout + _LEASE_MARGIN
                held = claim(entry, owner=self._pipeline.store.owner, until=until)
                self._pipeline.state.put_entry(held)
                claimed.append((held, integration))
        return claimed

    def _give_up(self, entry: Entry, result: Result, reason: str, now: float) -> None:
        log.error("delivery_given_up", receiver=entry.receiver, channel=entry.channel, reason=reason)
        self._pipeline.state.drop_entry(entry.delivery_id)
        self._pipeline.state.put_attempt(attempt.record(entry, result, at=now, reason=reason))
        self._pipeline.metrics.attempts.labels(entry.channel, result.value, reason).inc()

    def _start(self, entry: Entry, integration: Integration, generation: Generation) -> None:
        target = (entry.receiver, entry.integration)
        self._places[target] = self._places.get(target, 0) + 1
        generation.users += 1
        task = asyncio.create_task(self._attempt(entry, integration), name=f"deliver-{entry.channel}")
        self._running[entry.delivery_id] = task

        def ended(_task: asyncio.Task[None]) -> None:
            self._places[target] = self._places.get(target, 1) - 1
            self._running.pop(entry.delivery_id, None)
            generation.users -= 1
            self._pipeline.work.set()

        task.add_done_callback(ended)

    async def _attempt(self, entry: Entry, integration: Integration) -> None:
        began = self._clock.monotonic()
        provider_id, failure = "", None
        try:
            async with asyncio.timeout(integration.timeout):
                provider_id = await integration.send(_message(entry))
        except DeliveryError as error:
            failure = error
        except TimeoutError:
            failure = DeliveryError("timeout", f"no answer within {integration.timeout:g} s")
        except Exception as error:
            # Whatever a channel raises, the entry must be settled and the others go on.
            log.exception("channel_failed", channel=entry.channel, error=error)
            failure = DeliveryError("internal_error", type(error).__name__)
        took = self._clock.monotonic() - began
        self._finished.append(Outcome(entry.delivery_id, self._clock.now(), took, provider_id, failure))

    def _settle_all(self, outcomes: Sequence[Outcome], now: float) -> None:
        for outcome in outcomes:
            self._settle(outcome, now)

    def _settle(self, outcome: Outcome, now: float) -> None:
        entry = self._pipeline.state.queue.entries.get(outcome.delivery_id)
        if entry is None:
            return
        result, reason = Result.DELIVERED, ""
        if (error := outcome.error) is not None:
            reason = error.reason
            result = self._after_failure(entry, error, now)
        else:
            self._pipeline.state.drop_entry(entry.delivery_id)
            self._pipeline.metrics.delivery_seconds.labels(entry.channel).observe(outcome.at - entry.created_at)
        self._pipeline.state.put_attempt(attempt.record(
            entry, result, at=outcome.at, reason=reason, detail=error.detail if error else "",
            provider_id=outcome.provider_id, duration=outcome.duration,
        ))  # fmt: skip
        self._pipeline.metrics.attempts.labels(entry.channel, result.value, reason).inc()
        self._pipeline.metrics.attempt_seconds.labels(entry.channel).observe(outcome.duration)
        self._log(entry, result, outcome)

    def _after_failure(self, entry: Entry, error: DeliveryError, now: float) -> Result:
        queue = self._pipeline.state.queue
        newer = [other for other in queue.lane(entry.lane) if other.created_at >= entry.created_at]
        free = released(entry, next_at=now)
        settings = self._settings
        wait_for = back_off(
            entry, base=settings.retry_first, longest=settings.retry_longest, retry_after=error.retry_after
        )
        if error.permanent:
            result = Result.PERMANENT_FAILURE
        elif now + wait_for >= entry.give_up_at or any(superseded_by(other, [free]) for other in newer):
            result = Result.EXPIRED
        else:
            self._pipeline.state.put_entry(released(entry, next_at=now + wait_for))
            return Result.TEMPORARY_FAILURE
        self._pipeline.state.drop_entry(entry.delivery_id)
        return result

    def _log(self, entry: Entry, result: Result, outcome: Outcome) -> None:
        target = (entry.receiver, entry.integration)
        if outcome.error is None:
            if target in self._warned:
                self._warned.discard(target)
                log.info("delivery_works_again", receiver=entry.receiver, channel=entry.channel)
        elif target not in self._warned or result is not Result.TEMPORARY_FAILURE:
            self._warned.add(target)
            log.warning(
                "delivery_failed", receiver=entry.receiver, channel=entry.channel, reason=outcome.error.reason,
                detail=outcome.error.detail, attempt=entry.attempts, result=result.value,
            )  # fmt: skip

    async def _wait(self) -> None:
        if self._finished:
            return
        generation = self._pipeline.generation
        full = frozenset(
            target
            for target, used in self._places.items()
            if (integration := generation.integrations.get(target)) is not None and used >= integration.concurrency
        )
        times = (self._pipeline.next_timer(), self._pipeline.state.queue.next_at(busy=full))
        nearest = min((at for at in times if at is not None), default=None)
        seconds = _LONGEST_WAIT if nearest is None else min(_LONGEST_WAIT, nearest - self._clock.now())
        await wait(self._clock, self._pipeline.work, seconds)


def _message(entry: Entry) -> Message:
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
    )
