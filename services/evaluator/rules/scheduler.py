"""Runs the schedule: waits for what is due, evaluates it, hands on what it gave."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from services.common.clock import Clock
from services.evaluator.rules.runner import Batch, GroupRunner
from services.evaluator.rules.schedule import Slot
from services.evaluator.scrape.arrival import Arrival
from services.evaluator.telemetry import RuleTelemetry

_IDLE = 3600.0


class Scheduler:
    """One loop for all groups; an evaluation takes milliseconds and runs between two awaits.

    `scraped_once` tells whether every target has had its first scrape.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        telemetry: RuleTelemetry,
        submit: Callable[[Batch], None],
        scraped_once: Callable[[], bool],
    ) -> None:
        self._clock, self._telemetry, self._submit, self._scraped_once = clock, telemetry, submit, scraped_once
        self._slots: dict[str, Slot] = {}
        self._runners: dict[str, GroupRunner] = {}
        self._wake = asyncio.Event()
        self._first_deadline = clock.monotonic()
        self._open = False

    def set_groups(self, runners: Sequence[GroupRunner]) -> None:
        """Take these groups into force; those that stay are tried at once, so that a change shows what it gives."""
        old, self._slots = self._slots, {}
        self._runners = {runner.group.key: runner for runner in runners}
        now = self._clock.monotonic()
        for runner in runners:
            group = runner.group
            slot = self._slots[group.key] = Slot(group.key, group.interval, group.reads)
            before = old.get(group.key)
            if before is not None and before.last is not None:
                slot.done(before.last, before.seconds)
                slot.due = now
            else:
                slot.start(max(self._first_deadline, now))
        for key in set(old) - set(self._slots):
            self._telemetry.forget(key)
        self._wake.set()

    def set_first_deadline(self, seconds: float) -> None:
        """Wait at most that long for the first scrape of every target before the first round."""
        self._first_deadline = self._clock.monotonic() + seconds
        for slot in self._slots.values():
            slot.start(self._first_deadline)

    def arrive(self, arrival: Arrival) -> None:
        """Hear that samples came in."""
        now = self._clock.monotonic()
        if not self._open and (now >= self._first_deadline or self._scraped_once()):
            self._open = True
            for slot in self._slots.values():
                if slot.last is None and slot.arrived is not None:
                    slot.due, slot.cause = now, "samples"
        not_before = now if self._open else self._first_deadline
        for slot in self._slots.values():
            if slot.concerns(arrival):
                slot.arrive(arrival, now, not_before=not_before)
        self._wake.set()

    async def run(self) -> None:
        """Evaluate what is due, for ever."""
        while True:
            self._wake.clear()
            now = self._clock.monotonic()
            due = min((slot.due for slot in self._slots.values()), default=now + _IDLE)
            if due > now:
                await self._wait(due - now)
                continue
            for slot in [slot for slot in self._slots.values() if slot.due <= now]:
                self.evaluate(slot)
                # Scrapes and requests get their turn between two groups.
                await asyncio.sleep(0)

    def evaluate(self, slot: Slot) -> None:
        """Evaluate one group now and hand on its states, events and series."""
        runner = self._runners.get(slot.key)
        if runner is None:
            return
        began = self._clock.monotonic()
        self._telemetry.missed.labels(slot.key).inc(slot.missed(began))
        if slot.arrived is not None:
            self._telemetry.wait.observe(began - slot.arrived)
        cause, through = slot.cause, slot.through | {slot.key}
        at = slot.moment(self._clock.now(), runner.last_at)
        # First, so that whatever the evaluation raises, the group is not due again at once for ever.
        slot.done(began, slot.seconds)
        batch = runner.evaluate(at, self._clock.monotonic)
        slot.seconds = runner.last_seconds
        self._telemetry.evaluations.labels(slot.key, cause).inc()
        self._telemetry.seconds.observe(runner.last_seconds)
        for _rule, reason in batch.failures:
            self._telemetry.failures.labels(slot.key, reason).inc()
        self._submit(batch)
        if batch.names:
            self.arrive(Arrival(batch.names, runner.group.interval, at, through))

    async def _wait(self, seconds: float) -> None:
        sleeper = asyncio.ensure_future(self._clock.sleep(seconds))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeper, waker}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleeper, waker):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
