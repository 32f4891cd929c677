"""Runs the schedule: waits for what is due, evaluates it, hands on what it gave."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from services.common.clock import Clock
from services.evaluator.rules.order import order_of
from services.evaluator.rules.query import Queries
from services.evaluator.rules.rounds import Round
from services.evaluator.rules.runner import Batch, GroupRunner
from services.evaluator.rules.schedule import Slot
from services.evaluator.scrape.arrival import Arrival
from services.evaluator.telemetry import RuleTelemetry

_IDLE = 3600.0
_TURN_SECONDS = 0.25
"""So long groups are evaluated without a pause; then scrapes and requests get their turn.

Samples that come in at the pause are younger than the round, mostly, so that what its groups share stays. Where they
are not (on a busy machine scrapes take long), it is computed anew; each time that happens the turns get twice as long,
so that it costs no more than the round itself, however slow the machine.
"""
Prepare = Callable[[GroupRunner, float], Awaitable[Queries]]
"""Asks a group's source for what its evaluation at a time needs."""


class Scheduler:
    """One loop for all groups; an evaluation takes milliseconds and runs between two awaits.

    `scraped_once` tells whether every target has had its first scrape. `new_round` makes what groups that are
    evaluated together share.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        telemetry: RuleTelemetry,
        submit: Callable[[Batch], None],
        scraped_once: Callable[[], bool],
        prepare: Prepare,
        new_round: Callable[[], Round],
    ) -> None:
        self._clock, self._telemetry, self._submit, self._scraped_once = clock, telemetry, submit, scraped_once
        self._prepare, self._new_round = prepare, new_round
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._slots: dict[str, Slot] = {}
        self._runners: dict[str, GroupRunner] = {}
        self._order = order_of(())
        self._wake = asyncio.Event()
        self._first_deadline = clock.monotonic()
        self._open = False
        self._left: deque[tuple[Slot, float]] = deque()
        self._round: Round | None = None
        """What the groups of one round share."""
        self._opened = 0

    def set_groups(self, runners: Sequence[GroupRunner]) -> None:
        """Take these groups into force; those that stay are tried at once, so that a change shows what it gives."""
        old, self._slots = self._slots, {}
        self._runners = {runner.group.key: runner for runner in runners}
        self._order = order_of([runner.group for runner in runners])
        now = self._clock.monotonic()
        for key in self._order.keys:
            group = self._runners[key].group
            slot = self._slots[key] = Slot(key, group.interval, group.reads, patient=not group.source)
            before = old.get(key)
            if before is not None and before.last is not None:
                if before.reads == slot.reads:
                    slot.sources = before.sources
                slot.done(before.last, before.seconds)
                slot.due = now
            else:
                slot.start(max(self._first_deadline, now))
        for key in set(old) - set(self._slots):
            self._telemetry.forget(key)
        self._left.clear()
        self._wake.set()

    def set_first_deadline(self, seconds: float) -> None:
        """Wait at most that long for the first scrape of every target before the first round."""
        self._first_deadline = self._clock.monotonic() + seconds
        for slot in self._slots.values():
            slot.start(self._first_deadline)

    def arrive(self, arrival: Arrival) -> None:
        """Hear that samples came in."""
        if self._round is not None and self._round.misses(arrival.at):
            self._round = None
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
        try:
            await self._loop()
        finally:
            for task in self._asking.values():
                task.cancel()
            await asyncio.gather(*self._asking.values(), return_exceptions=True)
            self._asking.clear()

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            for key in [key for key, task in self._asking.items() if task.done()]:
                # What went wrong here is this loop's to report.
                self._asking.pop(key).result()
            now = self._clock.monotonic()
            due = min((slot.due for slot in self._slots.values()), default=now + _IDLE)
            if due > now and not self._left:
                await self._wait(due - now)
            else:
                self.turn()
                await asyncio.sleep(0)

    def turn(self) -> None:
        """Evaluate groups that are due, in their order, with one time and one tick for all; some may be left."""
        began = self._clock.monotonic()
        if not self._left:
            due = [slot for slot in self._slots.values() if slot.due <= began]
            self._left.extend(zip(due, self._moments(due), strict=True))
            self._round, self._opened = None, 0
        while self._left:
            slot, at = self._left.popleft()
            if self._round is None or not self._round.holds():
                self._round = self._new_round()
                self._opened += 1
            self._begin(slot, at, self._round)
            if self._clock.monotonic() - began > _TURN_SECONDS * 2 ** (self._opened - 1):
                return

    def _moments(self, due: Sequence[Slot]) -> list[float]:
        """Return when to evaluate each group: those that fresh samples made due, at the time of the newest."""
        now = self._clock.now()
        own = [slot.moment(now, self._runners[slot.key].last_at) for slot in due]
        newest = max((at for at in own if at != now), default=now)
        return [now if at == now else newest for at in own]

    def _begin(self, slot: Slot, at: float, shared: Round) -> None:
        runner = self._runners[slot.key]
        if not runner.group.source:
            self._evaluate(slot, runner, at, shared)
        elif slot.key in self._asking:
            # Its source is slower than its interval.
            self._telemetry.missed.labels(slot.key).inc()
            slot.done(self._clock.monotonic(), slot.seconds)
        else:
            task = asyncio.create_task(self._evaluate_elsewhere(slot, runner), name=f"source of {slot.key}")
            task.add_done_callback(lambda _: self._wake.set())
            self._asking[slot.key] = task

    async def _evaluate_elsewhere(self, slot: Slot, runner: GroupRunner) -> None:
        at = self._clock.now()
        slot.done(self._clock.monotonic(), slot.seconds)
        queries = await self._prepare(runner, at)
        # A reload may have come meanwhile; the new group is evaluated on its own.
        if self._runners.get(slot.key) is runner:
            self._round = None
            self._finish(slot, runner.evaluate(at, self._clock.monotonic, queries), at, "interval")

    def _evaluate(self, slot: Slot, runner: GroupRunner, at: float, shared: Round) -> None:
        began = self._clock.monotonic()
        self._telemetry.missed.labels(slot.key).inc(slot.missed(began))
        if slot.arrived is not None:
            self._telemetry.wait.observe(began - slot.arrived)
        cause = slot.cause
        # First, so that whatever the evaluation raises, the group is not due again at once for ever.
        slot.done(began, slot.seconds)
        self._finish(slot, runner.evaluate(at, self._clock.monotonic, shared=shared), at, cause)

    def _finish(self, slot: Slot, batch: Batch, at: float, cause: str) -> None:
        runner = self._runners[slot.key]
        slot.seconds = runner.last_seconds
        self._telemetry.evaluations.labels(slot.key, cause).inc()
        self._telemetry.seconds.observe(runner.last_seconds)
        for _rule, reason in batch.failures:
            self._telemetry.failures.labels(slot.key, reason).inc()
        self._submit(batch)
        wrote = Arrival(frozenset(), runner.group.interval, at, f"\xfe{slot.key}")
        now = self._clock.monotonic()
        for key in self._order.readers.get(slot.key, ()):
            self._slots[key].arrive(wrote, now, not_before=now if self._open else self._first_deadline)

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
