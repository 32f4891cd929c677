"""What leaves the evaluator: states and events to Redis, or events to the notifiers while Redis is away.

Evaluations never wait for it: they hand over batches, and one task sends them in order. Whatever can't be sent is kept
(states: the newest per rule; events: the newest per episode and status) and sent when the way is free again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import structlog

from services.common.bus import BusUnavailableError
from services.common.clock import Clock
from services.common.events import AlertEvent
from services.evaluator.fallback import Fallback
from services.evaluator.rules.runner import Batch
from services.evaluator.rules.state import RuleState
from services.evaluator.state_store import StateStore
from services.evaluator.telemetry import PublishTelemetry

MAX_KEPT = 50_000
RETRY_SECONDS = 1.0
REFRESH_SECONDS = 60.0
EventKey = tuple[str, float, str]
Snapshot = Callable[[], Mapping[str, Mapping[str, RuleState]]]
Restore = Callable[[Mapping[str, Mapping[str, RuleState]]], Iterable[Batch]]
log = structlog.get_logger(__name__)


class Publisher:
    """Sends batches; `restore` is given what Redis held before this process first writes to it."""

    def __init__(
        self,
        store: StateStore | None,
        fallback: Fallback,
        *,
        clock: Clock,
        telemetry: PublishTelemetry,
        snapshot: Snapshot,
        restore: Restore,
    ) -> None:
        self._store, self._fallback, self._clock, self._telemetry = store, fallback, clock, telemetry
        self._snapshot, self._restore = snapshot, restore
        self._states: dict[tuple[str, str], RuleState | None] = {}
        self._events: dict[EventKey, AlertEvent] = {}
        self._posted: set[EventKey] = set()
        self._wake = asyncio.Event()
        self._loaded = store is None
        self._retry_at = 0.0
        self._refreshed = clock.monotonic()
        self.away = False

    def submit(self, batch: Batch) -> None:
        """Take over what an evaluation left."""
        if not batch.states and not batch.events:
            return
        for rule, state in batch.states.items():
            self._states[(batch.group, rule)] = state
        for event in batch.events:
            key = (event.fingerprint, event.starts_at, event.status.value)
            # Renewed at its end, so that the order is that of the newest news.
            self._events.pop(key, None)
            self._events[key] = event
            self._posted.discard(key)
        self._drop_excess()
        self._telemetry.queued.set(len(self._events))
        self._wake.set()

    def _drop_excess(self) -> None:
        excess = len(self._events) - MAX_KEPT
        if excess > 0:
            for key in list(self._events)[:excess]:
                del self._events[key]
                self._posted.discard(key)
            self._telemetry.failures.labels("stream", "queue_full").inc(excess)

    async def load(self) -> bool:
        """Read the stored state once and hand it to the rules; tells whether that is done."""
        if self._loaded or self._store is None:
            return True
        try:
            stored = await self._store.load()
        except BusUnavailableError as error:
            self._note_away(error)
            return False
        self._loaded = True
        for batch in self._restore(stored):
            self.submit(batch)
        # What was handed over before knows nothing of the stored state; what the rules hold now does.
        for group, states in self._snapshot().items():
            self._states.update({(group, rule): state for rule, state in states.items()})
        return True

    async def run(self) -> None:
        """Send what is handed over, for ever; waits until there is something to do or to try again."""
        while True:
            await self._wait()
            await self.flush()

    async def flush(self) -> None:
        """Send everything that waits, by the way that is open."""
        self._refresh()
        if self.away and self._clock.monotonic() < self._retry_at:
            await self._post()
            return
        if await self._write():
            return
        await self._post()

    def _refresh(self) -> None:
        # A Redis that came back empty, unnoticed between two writes, gets the state again.
        if self._store is not None and self._clock.monotonic() - self._refreshed >= REFRESH_SECONDS:
            self._refreshed = self._clock.monotonic()
            self._add_snapshot()

    def _add_snapshot(self) -> None:
        for group, states in self._snapshot().items():
            for rule, state in states.items():
                self._states.setdefault((group, rule), state)

    async def _write(self) -> bool:
        if self._store is None or not await self.load():
            return False
        if self.away:
            self._add_snapshot()
        states, events = dict(self._states), dict(self._events)
        if not states and not events and not self.away:
            return True
        began = self._clock.monotonic()
        try:
            await self._store.write(states, list(events.values()))
        except BusUnavailableError as error:
            self._note_away(error)
            return False
        self._telemetry.seconds.observe(self._clock.monotonic() - began)
        self._telemetry.events.labels("stream").inc(len(events))
        self._forget(states, events)
        if self.away:
            self.away = False
            log.info("stream_back", events=len(events))
        self._telemetry.base.dependency_up.labels("redis").set(1)
        return True

    def _forget(
        self, states: Mapping[tuple[str, str], RuleState | None], events: Mapping[EventKey, AlertEvent]
    ) -> None:
        # What was handed over while the write was under way stays.
        for where, state in states.items():
            if self._states.get(where) is state:
                del self._states[where]
        for key, event in events.items():
            if self._events.get(key) is event:
                del self._events[key]
                self._posted.discard(key)
        self._telemetry.queued.set(len(self._events))

    def _note_away(self, error: BusUnavailableError) -> None:
        self._telemetry.failures.labels("stream", "unavailable").inc()
        self._telemetry.base.dependency_up.labels("redis").set(0)
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        if not self.away:
            self.away = True
            log.warning("stream_away", error=error, fallback=self._fallback.urls)

    async def _post(self) -> None:
        """Post the events that no notifier has yet; with a Redis configured they stay for the stream too."""
        events = {key: event for key, event in self._events.items() if key not in self._posted}
        if not events or not self._fallback.urls:
            return
        failures = await self._fallback.post(list(events.values()))
        for reason in failures.values():
            self._telemetry.failures.labels("post", reason).inc()
        if len(failures) == len(self._fallback.urls):
            self._retry_at = max(self._retry_at, self._clock.monotonic() + RETRY_SECONDS)
            return
        self._telemetry.events.labels("post").inc(len(events))
        if self._store is None:
            self._forget({}, events)
        else:
            self._posted |= set(events)

    async def _wait(self) -> None:
        if self._wake.is_set():
            self._wake.clear()
            return
        pause = RETRY_SECONDS if self.away or self._events else REFRESH_SECONDS
        sleeper = asyncio.ensure_future(self._clock.sleep(pause))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeper, waker}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            waker.cancel()
        self._wake.clear()
